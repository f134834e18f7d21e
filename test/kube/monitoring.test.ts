/**
 * Dashboards and alerts on a real Prometheus, which scrapes a running tier by the scrape configuration of
 * crds/integrations: every query is one that Prometheus understands, asks for what there is, and has an answer.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { parse, stringify } from 'yaml';
import type { EdgeCluster } from '../../operator/api/types.ts';
import { capture, makeClip, publishFile, publishToAll } from '../support/ffmpeg.ts';
import { Kubernetes } from '../support/kubernetes.ts';
import { KubeClient } from '../support/kubernetes-client.ts';
import { originManifest } from '../support/origin-manifest.ts';
import { ProcessKubelet } from '../support/process-kubelet/kubelet.ts';
import { cannotRunPods, PodNetwork } from '../support/process-kubelet/network.ts';
import { findProgram, missing, suiteCleaner, temporaryDirectory } from '../support/programs.ts';
import { Prometheus } from '../support/prometheus.ts';

const root = join(import.meta.dirname, '../..');
const chart = join(root, 'helm');
const dashboards = join(chart, 'dashboards');
const system = 'edgecluster-system';

interface RuleGroup {
  readonly rules: readonly {
    readonly alert: string;
    readonly expr: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

/** What a person has chosen at the top of a dashboard, and what Grafana puts in itself. */
const chosen: Readonly<Record<string, string>> = {
  namespace: 'default',
  name: 'live',
  vhost: '__defaultVhost__',
  app: 'live',
  stream: 'show',
  __rate_interval: '10s',
};

/** Selectors with a label value that there is only when something is wrong, beside those that make it a right one. */
const onlyInTrouble = /, ?code=~"0\|5\.\."/;

function filledIn(query: string): string {
  return query.replace(/\$(\w+)/g, (_, name: string) => {
    const value = chosen[name];
    assert.ok(value !== undefined, `nobody knows $${name} in ${query}`);
    return value;
  });
}

describe('monitoring of a running tier', { skip: cannotRunPods() || missing('prometheus', 'promtool') }, () => {
  const cleaner = suiteCleaner();
  let kubernetes: Kubernetes;
  let kubelet: ProcessKubelet;
  let client: KubeClient;
  let prometheus: Prometheus;
  let groups: readonly RuleGroup[];
  let rulesFile: string;

  before(async () => {
    const network = new PodNetwork();
    cleaner.after(() => network.close());
    kubernetes = await Kubernetes.start({ address: network.gateway });
    cleaner.after(() => kubernetes.stop());
    kubelet = await ProcessKubelet.start(kubernetes, network, { nodes: ['node-a', 'node-b'] });
    cleaner.after(() => kubelet.stop());
    client = new KubeClient(kubernetes.config());
    cleaner.after(() => client.close());

    await kubernetes.kubectl(['create', 'namespace', 'media']);
    for (const name of ['origin-a', 'origin-b']) await apply(originManifest(name));
    await client.until<V1Pod>('/api/v1/namespaces/media/pods', (pods) => pods.length === 2 && pods.every(isReady));
    await kubernetes.helm(['install', 'edgecluster', chart, '-n', system, '--create-namespace', '--wait']);
    const example = parse(readFileSync(join(root, 'crds/examples/edgecluster.yaml'), 'utf8')) as EdgeCluster;
    await apply({ ...example, spec: { ...example.spec, listeners: { exporter: { streams: 20 } } } });
    await kubernetes.kubectl(['wait', '--for=condition=Ready', 'ec/live', '--timeout=60s']);

    const directory = temporaryDirectory(cleaner);
    const rendered = await kubernetes.helm([
      ...['template', 'edgecluster', chart, '-n', system, '-s', 'templates/prometheusrule.yaml'],
      ...['--set', 'metrics.prometheusRule.enabled=true'],
    ]);
    ({ groups } = (parse(rendered) as { readonly spec: { readonly groups: readonly RuleGroup[] } }).spec);
    rulesFile = join(directory, 'rules.yml');
    writeFileSync(rulesFile, stringify({ groups }));

    prometheus = await Prometheus.start(cleaner, await scrapeConfig(directory));
    // Played through every edge from the origins, and published at one edge.
    const clip = makeClip(directory, 'clip', { seconds: 10 });
    const origins = kubelet.pods('media').map(({ address }) => `rtmp://${address}/live/show`);
    publishToAll(cleaner, clip, origins, { loop: true });
    const edges = kubelet.pods('default').map(({ address }) => address);
    publishFile(cleaner, clip, `rtmp://${edges[0]}/live/ours`, { loop: true });
    const players = edges.map((address) => capture(cleaner, `rtmp://${address}/live/show`));
    for (const player of players) await player.frames(50);
    // Rates need two scrapes of every series, and one of these comes with the media.
    await prometheus.until('min_over_time(edge_stream_players{stream="show"}[4s]) > 0', ({ length }) => length === 2);
    await prometheus.until('count_over_time(edgecluster_operator_leader[1h]) > 3', ({ length }) => length === 1);
    await prometheus.until('edge_stream_players{stream="ours"}', ({ length }) => length === 1);
  });

  const apply = (manifest: unknown): Promise<string> =>
    kubernetes.kubectl(['apply', '-f', '-'], { input: JSON.stringify(manifest) });

  /**
   * That of crds/integrations, more often. Debian's Prometheus is built without the discovery of Kubernetes: it gets the
   * targets that this would find, from a file and with the same labels.
   */
  async function scrapeConfig(directory: string): Promise<object> {
    const pods = await Promise.all(
      [system, 'default', 'media'].map((name) => client.list<V1Pod>(`/api/v1/namespaces/${name}/pods`)),
    );
    const targets = join(directory, 'targets.json');
    writeFileSync(targets, JSON.stringify(pods.flat().flatMap(targetsOf)));
    const config = parse(readFileSync(join(root, 'crds/integrations/prometheus.yml'), 'utf8')) as {
      readonly scrape_configs: readonly { readonly kubernetes_sd_configs: unknown }[];
    };
    return {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [rulesFile],
      scrape_configs: config.scrape_configs.map(({ kubernetes_sd_configs, ...job }) => {
        assert.deepEqual(kubernetes_sd_configs, [{ role: 'pod' }]);
        return { ...job, file_sd_configs: [{ files: [targets] }] };
      }),
    };
  }

  it('scrapes every edge and the operator, which name the EdgeCluster alike', async () => {
    const edges = await prometheus.query('count by (namespace, name) (edge_players)');
    assert.deepEqual(
      edges.map(({ metric, value }) => [metric, value[1]]),
      [[{ namespace: 'default', name: 'live' }, '2']],
    );
    const joined = await prometheus.query(
      'edgecluster_operator_condition * on (namespace, name) group_left sum by (namespace, name) (edge_players)',
    );
    assert.ok(joined.some(({ metric, value }) => metric.type === 'Ready' && value[1] === '2'));
  });

  it('what edges and operator say is in Prometheus’ own format', async () => {
    const targets = await prometheus.query('up');
    assert.equal(targets.length, 3);
    for (const { metric } of targets) {
      const text = await (await fetch(`http://${metric.instance}/metrics`)).text();
      const promtool = findProgram('promtool') ?? '';
      const { status, stderr } = spawnSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8' });
      // 3: names that it would choose otherwise, such as those that SRS chose.
      assert.ok(status === 0 || status === 3, stderr);
      assert.doesNotMatch(stderr, /\b(edge|edgecluster_operator)_(?!nodejs|process)\w+ /, stderr);
    }
  });

  for (const file of readdirSync(dashboards)) {
    const { panels, templating } = JSON.parse(readFileSync(join(dashboards, file), 'utf8')) as Dashboard;

    it(`every query of ${file} has an answer`, async () => {
      for (const { title, type, targets = [] } of panels) {
        if (type !== 'row' && type !== 'text') assert.ok(targets.length > 0, `${title} asks for nothing`);
        for (const { expr } of targets) {
          await prometheus.until(filledIn(expr), (samples) => samples.length > 0);
        }
      }
    });

    it(`every choice of ${file} offers something`, async () => {
      for (const { name, definition } of templating.list) {
        if (definition === undefined) continue;
        const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(definition) ?? [];
        const samples = await prometheus.query(`count by (${label}) (${filledIn(selector)})`);
        assert.ok(
          samples.some(({ metric }) => metric[label] === chosen[name]),
          `${name}: ${definition} offers ${JSON.stringify(samples)}`,
        );
      }
    });
  }

  it('promtool and Prometheus take every alert', async () => {
    const { status, stdout, stderr } = spawnSync(findProgram('promtool') ?? '', ['check', 'rules', rulesFile], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout + stderr);
    const rules = await prometheus.rules();
    assert.ok(rules.length > 8);
    for (const { name, health, lastError } of rules) assert.equal(health, 'ok', `${name}: ${lastError}`);
  });

  it('every alert is about what there is', async () => {
    for (const { alert, expr } of groups.flatMap(({ rules }) => rules)) {
      const selectors = expr.match(/\b\w+\{(?:"[^"]*"|[^"}])*\}|\bedge_\w+/g) ?? [];
      assert.ok(selectors.length > 0, `${alert}: ${expr}`);
      for (const selector of selectors) {
        const samples = await prometheus.query(selector.replace(onlyInTrouble, ''));
        assert.ok(samples.length > 0, `${alert}: no answer to ${selector}`);
      }
    }
  });

  it('no alert comes while all is well, and one comes when an origin is gone', async () => {
    const alerts = groups.flatMap(({ rules }) => rules);
    for (const { alert, expr } of alerts) assert.deepEqual(await prometheus.query(expr), [], alert);
    await kubernetes.kubectl(['-n', 'media', 'scale', 'deployment/origin-b', '--replicas=0']);
    const [down] = alerts.filter(({ alert }) => alert === 'EdgeOriginDown');
    assert.ok(down);
    const [sample] = await prometheus.until(down.expr, ({ length }) => length > 0);
    assert.deepEqual(sample?.metric, { namespace: 'default', name: 'live', origin: 'origin-b.media:1935' });
  });
});

/** One for each port, as Prometheus' discovery of pods has them. */
function targetsOf({ metadata, spec, status }: V1Pod): readonly object[] {
  const meta = '__meta_kubernetes';
  const labels = Object.entries(metadata?.labels ?? {}).map(([label, value]) => [
    `${meta}_pod_label_${label.replace(/\W/g, '_')}`,
    value,
  ]);
  return (spec?.containers ?? []).flatMap(({ name, ports = [] }) =>
    ports.map((port) => ({
      targets: [`${status?.podIP}:${port.containerPort}`],
      labels: {
        ...Object.fromEntries(labels),
        [`${meta}_namespace`]: metadata?.namespace,
        [`${meta}_pod_name`]: metadata?.name,
        [`${meta}_pod_node_name`]: spec?.nodeName,
        [`${meta}_pod_container_name`]: name,
        [`${meta}_pod_container_port_name`]: port.name ?? '',
        [`${meta}_pod_container_port_number`]: String(port.containerPort),
      },
    })),
  );
}

function isReady({ status }: V1Pod): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}
