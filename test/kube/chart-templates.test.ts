/**
 * What a real helm makes of the chart, without a cluster: lint, templates, refusals, the package.
 *
 *     node --test --test-update-snapshots test/kube/chart-templates.test.ts     writes snapshots/ anew
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { wrongValues } from '../helm/wrong-values.ts';
import { writeChart } from '../release/packages.ts';
import { stage } from '../release/stage.ts';
import { kubernetesTools } from '../support/kubernetes-tools.ts';

const chart = join(import.meta.dirname, '../../helm');
const directory = mkdtempSync(join(tmpdir(), 'chart-'));
const program = (await kubernetesTools(['helm'])).helm;

after(() => rmSync(directory, { recursive: true }));

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string } & Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** Two operators for some namespaces. */
const namespaced = {
  replicas: 2,
  watchNamespaces: ['live', 'staging'],
  crds: { install: false },
  rbac: { aggregate: false },
  podDisruptionBudget: { enabled: true },
  image: { repository: 'registry.example.com/edgecluster', digest: `sha256:${'0123456789abcdef'.repeat(4)}` },
};

/** Every value differs from its default. */
const everything = {
  replicas: 3,
  image: { repository: 'registry.example.com:5000/edgecluster', tag: '0.1.1', pullPolicy: 'Always' },
  imagePullSecrets: [{ name: 'registry' }],
  edgeImage: { repository: 'registry.example.com/edge', digest: `sha256:${'ab'.repeat(32)}` },
  logLevel: 'debug',
  crds: { keep: false },
  rbac: { tlsSecrets: true },
  serviceAccount: { name: 'edge-operator', annotations: { 'example.com/identity': 'edges' } },
  nameOverride: 'edges',
  fullnameOverride: 'edge-operator',
  commonLabels: { team: 'video' },
  deployment: { annotations: { 'example.com/owner': 'video' }, labels: { tier: 'control' } },
  pod: {
    annotations: { 'example.com/scrape': 'true' },
    labels: { tier: 'control' },
    env: [{ name: 'HTTPS_PROXY', value: 'http://proxy.example.com:3128' }],
    resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { cpu: 2, memory: '1Gi' } },
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations: [{ key: 'control', operator: 'Exists', effect: 'NoSchedule' }],
    affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule' },
      {
        maxSkew: 2,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: { tier: 'control' } },
      },
    ],
    priorityClassName: 'system-cluster-critical',
    securityContext: { runAsNonRoot: true },
    containerSecurityContext: { privileged: false },
  },
  podDisruptionBudget: { enabled: true, maxUnavailable: '50%' },
  metrics: {
    service: { annotations: { 'prometheus.io/scrape': 'true' } },
    podMonitor: { enabled: true, interval: '15s', labels: { prometheus: 'main' } },
    prometheusRule: {
      enabled: true,
      labels: { prometheus: 'main' },
      alertLabels: { team: 'video' },
      runbookUrl: 'https://wiki.example.com/edges',
    },
    dashboards: {
      enabled: true,
      namespace: 'monitoring',
      labels: { dashboards: 'all' },
      annotations: { grafana_folder: 'Streaming' },
    },
  },
  networkPolicy: {
    enabled: true,
    metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    apiServerPorts: [443],
  },
};

const least = {
  crds: { install: false },
  rbac: { create: false, aggregate: false },
  serviceAccount: { create: false },
  metrics: { service: { enabled: false } },
  pod: { topologySpreadConstraints: [] },
};

describe('helm lint', () => {
  for (const [name, values] of Object.entries({ defaults: {}, namespaced, everything, least })) {
    it(`has nothing to say: ${name}`, () => {
      const { status, output } = helm(['lint', '--strict', chart, '-f', valuesFile(values)]);
      assert.equal(status, 0, output);
      assert.doesNotMatch(output, /\[(INFO|WARNING|ERROR)\]/);
    });
  }
});

describe('helm template', () => {
  it('with the defaults', (t) => snapshot(t, 'default', {}));
  it('two operators for some namespaces', (t) => snapshot(t, 'namespaced', namespaced));
  it('with everything', (t) => snapshot(t, 'everything', everything));

  it('makes little where others make the rest', () =>
    assert.deepEqual(
      template(least).map(({ kind }) => kind),
      ['Deployment'],
    ));

  it('brings the CustomResourceDefinition as it is, kept unless told otherwise', () => {
    const source = parse(readFileSync(join(chart, 'files/edgecluster.yaml'), 'utf8')) as Manifest;
    for (const keep of [true, false]) {
      const [definition] = template({ crds: { keep } }).filter(({ kind }) => kind === 'CustomResourceDefinition');
      assert.ok(definition);
      assert.deepEqual(definition.spec, source.spec);
      assert.equal(definition.metadata.name, source.metadata.name);
      const kept = {
        ...(source.metadata.annotations as object),
        ...(keep ? { 'helm.sh/resource-policy': 'keep' } : {}),
      };
      assert.deepEqual(definition.metadata.annotations ?? {}, kept);
    }
  });

  it('brings the dashboards as they are, where the sidecar of Grafana finds them', () => {
    assert.deepEqual(
      template({}).filter(({ kind }) => kind === 'ConfigMap'),
      [],
    );
    const maps = template(everything).filter(({ kind }) => kind === 'ConfigMap');
    const shipped = readdirSync(join(chart, 'dashboards')).map((file) => {
      const text = readFileSync(join(chart, 'dashboards', file), 'utf8');
      return [`edge-operator-${file}`, JSON.parse(text) as unknown] as const;
    });
    const found = maps.map(({ metadata, data }) => {
      const { namespace, labels, annotations } = metadata;
      assert.equal(namespace, 'monitoring');
      assert.equal((labels as Readonly<Record<string, string>>).dashboards, 'all');
      assert.deepEqual(annotations, { grafana_folder: 'Streaming' });
      const [[file, text] = ['', '']] = Object.entries(data as Readonly<Record<string, string>>);
      return [file, JSON.parse(text) as unknown] as const;
    });
    assert.deepEqual(found, shipped);
    const uids = shipped.map(([, dashboard]) => (dashboard as { readonly uid: string }).uid);
    assert.equal(new Set(uids).size, 3);
  });

  it('gives nothing outside namespaces the same name in two releases', () => {
    const names = (release: string, namespace: string): string[] =>
      template({ crds: { install: false } }, release, namespace)
        .filter(({ metadata }) => metadata.namespace === undefined)
        .map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    const [first, ...others] = [names('a', 'x'), names('b', 'x'), names('a', 'y')];
    assert.equal(first?.length, 4);
    for (const other of others)
      assert.deepEqual(
        first?.filter((name) => other.includes(name)),
        [],
      );
  });

  it('takes the image of edges by parts: another tag of the same image', () => {
    const [deployment] = template({ edgeImage: { tag: '0.2.0' } }).filter(({ kind }) => kind === 'Deployment');
    assert.match(stringify(deployment), /--edge-image=edgecluster:0\.2\.0\n/);
  });

  for (const { what, values, place } of wrongValues) {
    it(`refuses ${what}`, () => {
      const { status, output } = helm(['template', 'edgecluster', chart, '-f', valuesFile(values)]);
      assert.notEqual(status, 0);
      assert.match(output, /values don't meet the specifications of the schema/);
      assert.ok(output.includes(`at '/${place.replaceAll('.', '/')}'`) || place === '', output);
    });
  }

  it('refuses a Kubernetes too old', () => {
    const { output } = helm(['template', 'edgecluster', chart, '--kube-version', '1.29.9']);
    assert.match(output, /requires kubeVersion: >=1\.30\.0-0/);
  });
});

describe('helm package', () => {
  it('holds all that the chart needs', () => {
    cpSync(chart, join(directory, 'chart'), { recursive: true });
    const made = helm(['package', join(directory, 'chart'), '-d', directory]);
    assert.equal(made.status, 0, made.output);
    const from = (place: string) => helm(['template', 'edgecluster', place]).output;
    assert.equal(from(join(directory, 'edgecluster-0.1.0.tgz')), from(chart));
  });

  it('is the same to helm as the chart of a release', () => {
    const staged = stage('0.1.0', directory);
    const released = join(directory, 'released.tgz');
    writeChart(staged, released);
    const from = (place: string) => helm(['template', 'edgecluster', place]);
    assert.equal(from(released).status, 0, from(released).output);
    assert.equal(from(released).output, from(join(staged.directory, 'helm')).output);
    assert.equal(helm(['lint', released]).status, 0);
  });
});

function snapshot(t: TestContext, name: string, values: object): void {
  const all = helm(['template', 'edgecluster', chart, '-n', 'edgecluster-system', '-f', valuesFile(values)]);
  assert.equal(all.status, 0, all.output);
  // The definition and the dashboards have tests of their own.
  const documents = all.output
    .split(/^---\n/m)
    .filter((part) => !/\nkind: (CustomResourceDefinition|ConfigMap)\n/.test(part));
  const path = join(import.meta.dirname, 'snapshots', `chart-${name}.yaml`);
  t.assert.fileSnapshot(documents.join('---\n'), path, { serializers: [(text: string) => text] });
}

function template(values: object, release = 'edgecluster', namespace = 'edgecluster-system'): readonly Manifest[] {
  const { status, output } = helm(['template', release, chart, '-n', namespace, '-f', valuesFile(values)]);
  assert.equal(status, 0, output);
  return parseAllDocuments(output).map((document) => document.toJS() as Manifest);
}

function valuesFile(values: object): string {
  const path = join(directory, 'values.yaml');
  writeFileSync(path, JSON.stringify(values));
  return path;
}

/** Both outputs together. */
function helm(args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const env = { ...process.env, HELM_CACHE_HOME: directory, HELM_CONFIG_HOME: directory, HELM_DATA_HOME: directory };
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', env });
  return { status, output: stdout + stderr };
}
