/** `edgecluster diff` with files: what it prints, what it refuses, and its exit codes. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { renderedStates } from '../../../operator/diff/former.ts';
import { edgecluster } from '../../support/edgecluster-command.ts';

const options = { timeout: 90_000 };

function manifest(spec: string, name = 'live'): string {
  return `apiVersion: edgecluster.io/v1alpha1\nkind: EdgeCluster\nmetadata: { name: ${name} }\nspec:\n${spec}`;
}

const origins = '  origins: [{ name: main, servers: [a, b] }]\n';
const fewer = manifest('  origins: [{ name: main, servers: [a] }]\n');
const rolls = manifest(`${origins}  pods: { image: "edge:2" }\n`);

describe('edgecluster diff --from', { concurrency: 2 }, () => {
  let directory: string;
  const file = (name: string) => join(directory, name);

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'diff-'));
    writeFileSync(file('now.yaml'), manifest(origins));
    const { out } = await edgecluster(['render', '-f', file('now.yaml')]);
    writeFileSync(file('rendered.yaml'), out);
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  for (const now of ['now.yaml', 'rendered.yaml']) {
    it(`${now}: the cost, and each change`, options, async () => {
      const { code, out, err } = await edgecluster(['diff', '-f', '-', '--from', file(now)], fewer);
      assert.deepEqual([code, err], [0, '']);
      assert.equal(
        out,
        [
          'default/live: reload (running edges take it, and nobody is disconnected)',
          '  spec.configRollout: the changed configuration is tried on 10% of the edges first, for 60 s; then the others get it, or it is put back',
          '  reload  ConfigMap live: vhost __defaultVhost__: cluster.origin: a:1935 b:1935 → a:1935 (running edges take it at once)',
          '',
        ].join('\n'),
      );
    });
  }

  it('nothing, and an EdgeCluster that is new', options, async () => {
    const both = `${manifest(origins)}---\n${manifest(origins, 'other')}`;
    const { code, out } = await edgecluster(
      ['diff', '-f', '-', '--from', file('now.yaml'), '--allow', 'nothing'],
      both,
    );
    assert.equal(code, 0);
    assert.match(
      out,
      /^default\/live: nothing \(nothing differs\)\n\ndefault\/other: nothing .*\n {2}nothing {2}EdgeCluster: is new/,
    );
  });

  it('--allow: exit code 3 when it costs more; -o json', options, async () => {
    const args = ['diff', '-f', '-', '--from', file('now.yaml'), '-o', 'json'];
    const allowed = await edgecluster([...args, '--allow', 'roll'], rolls);
    const refused = await edgecluster([...args, '--allow', 'listeners'], rolls);
    assert.deepEqual([allowed.code, refused.code], [0, 3]);
    const [report, ...others] = JSON.parse(refused.out) as { cluster: string; cost: string; findings: object[] }[];
    assert.deepEqual([report?.cluster, report?.cost, others], ['default/live', 'roll', []]);
    assert.deepEqual(report?.findings.at(-1), {
      cost: 'roll',
      object: 'Deployment live',
      change: 'spec.template.spec.containers[edge].image: edgecluster:0.1.0 → edge:2',
      effect: '',
    });
  });

  it(
    'autoscaling by clients goes on from the edges that there are; by CPU it begins with the manifest',
    options,
    async () => {
      writeFileSync(file('nine.yaml'), manifest(`${origins}  replicas: 9\n`));
      const by = (target: string) =>
        manifest(`${origins}  autoscaling: { maxReplicas: 20, targets: { ${target}: 50 } }\n`);
      const diff = (text: string) => edgecluster(['diff', '-f', '-', '--from', file('nine.yaml')], text);
      const clients = await diff(by('publishersPerPod'));
      assert.equal(
        clients.out,
        [
          'default/live: nothing (nothing differs)',
          '  the operator chooses the number of edges, 2 to 20, by publishersPerPod',
          '',
        ].join('\n'),
      );
      assert.match((await diff(by('cpuUtilizationPercent'))).out, /edges: 9 → 2/);
    },
  );

  it('namespaces tell EdgeClusters apart', options, async () => {
    const { out } = await edgecluster(
      ['diff', '-f', '-', '-n', 'tv', '--from', file('rendered.yaml')],
      manifest(origins),
    );
    assert.match(out, /^tv\/live: nothing .*\n.*is new/);
  });

  it('refuses a manifest that is wrong, or cannot be rendered', options, async () => {
    const wrong = await edgecluster(['diff', '-f', '-', '--from', file('now.yaml')], manifest('  origins: []\n'));
    assert.deepEqual([wrong.code, wrong.out], [1, '']);
    assert.match(wrong.err, /^stdin:5:\d+: spec.origins/);
    const directives = manifest(`${origins}  extraDirectives: "listen 1;"\n`);
    assert.match(
      (await edgecluster(['diff', '-f', '-', '--from', file('now.yaml')], directives)).err,
      /^stdin: live: /,
    );
  });

  it('refuses arguments that have no meaning together', options, async () => {
    const { code, out, err } = await edgecluster(['diff', '-f', '-', '--from', 'x', '--context', 'y']);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, /^--context has no meaning with --from/);
    assert.match((await edgecluster(['diff', '-f', '-', '-n', 'A/b'])).err, /^--namespace: "A\/b" is no namespace/);
  });

  it('says so where there is no way to a cluster', options, async () => {
    const { code, err } = await edgecluster(['diff', '-f', '-', '--kubeconfig', file('none')], fewer);
    assert.equal(code, 1);
    assert.match(err, /^there is no way to a cluster: .*; give --kubeconfig, or --from FILE/);
  });
});

describe('what is compared with', () => {
  const object = (metadata: string, data = 'edge.conf: "listen 1935;"') =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: live, ${metadata} }\ndata: { ${data} }\n`;
  const ours = 'labels: { edgecluster.io/cluster: live }';

  for (const [what, text, message] of [
    [
      'objects of a cluster',
      object(`uid: x, ${ours}`),
      /now: ConfigMap live was read from a cluster, .*; leave --from out/,
    ],
    ['a part', object(ours), /now: default\/live: the Deployment or the edge.conf is missing; give all that/],
    ['objects of others', object('labels: {}'), /now: ConfigMap live is no part of an EdgeCluster/],
    ['no object', '- 1\n', /now:1:1: this is no object of Kubernetes/],
    ['no YAML', 'a: [', /now:1:\d+: /],
    ['nothing', '', /now holds no EdgeCluster, nor what is rendered of one/],
  ] as const) {
    it(`is refused when it is ${what}`, () => {
      assert.throws(() => renderedStates(text, 'now'), { name: 'FormerStateError', message });
    });
  }
});
