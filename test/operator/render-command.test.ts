/** `edgecluster render` as it is typed: arguments, what it prints and where, and exit codes. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { parseConfig } from '../../edge/conf/load.ts';
import { edgecluster } from '../support/edgecluster-command.ts';

const examples = join(import.meta.dirname, '../../crds/examples');
const options = { timeout: 90_000 };

function example(name: string): string {
  return join(examples, `${name}.yaml`);
}

interface Printed {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
}

function objectsOf(out: string): readonly Printed[] {
  return parseAllDocuments(out).map((document) => document.toJS() as Printed);
}

const manifest = (spec: string): string =>
  `apiVersion: edgecluster.io/v1alpha1\nkind: EdgeCluster\nmetadata: { name: live }\nspec:\n${spec}`;
const origins = '  origins: [{ name: main, servers: [a] }]\n';

describe('edgecluster render', { concurrency: 2 }, () => {
  it('prints all objects in the order to apply them', options, async () => {
    const { code, out, err } = await edgecluster(['render', '-f', example('edgecluster')]);
    assert.deepEqual([code, err], [0, '']);
    const objects = objectsOf(out);
    assert.deepEqual(
      objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`),
      [
        'ServiceAccount default/live',
        'ConfigMap default/live',
        'Service default/live',
        'Service default/live-edges',
        'PodDisruptionBudget default/live',
        'Deployment default/live',
      ],
    );
    assert.match(out, /image: edgecluster:\d+\.\d+\.\d+\n/);
  });

  it('with namespace, image and PodMonitors as asked', options, async () => {
    const args = ['-n', 'tv', '--edge-image', 'registry/edge:1', '--pod-monitors'];
    const { code, out } = await edgecluster(['render', '-f', example('edgecluster'), ...args]);
    assert.equal(code, 0);
    const last = objectsOf(out).at(-1);
    assert.deepEqual([last?.kind, last?.metadata.namespace], ['PodMonitor', 'tv']);
    assert.match(out, /image: registry\/edge:1\n/);
  });

  it('--conf: the edge.conf alone, which an edge reads; a Service by its DNS name', options, async () => {
    const { code, out, err } = await edgecluster(['render', '--conf', '-f', example('service-origins')]);
    assert.deepEqual([code, err], [0, '']);
    const { config, warnings } = parseConfig(out);
    assert.deepEqual(warnings, []);
    assert.deepEqual(
      config.vhosts.map(({ cluster }) => cluster.mode === 'remote' && cluster.origins.map(({ host }) => host)),
      [['srs-origin.media.svc'], ['origin.example.net']],
    );
  });

  it('of several EdgeClusters all, each under its name, or the one of --name', options, async () => {
    const { out } = await edgecluster(['render', '--conf', '-f', example('tiers')]);
    const names = ['continent', 'region', 'city'];
    assert.deepEqual(
      out.match(/^# .*$/gm),
      names.map((name) => `# EdgeCluster ${name}`),
    );
    const one = await edgecluster(['render', '--conf', '-f', example('tiers'), '--name', 'city']);
    assert.match(one.out, /origin region-edges\.default\.svc:1935;/);
    assert.doesNotMatch(one.out, /origin-a/);
  });

  it('a tier above by the port that it listens at; a circle of tiers is a mistake', options, async () => {
    const city = manifest('  origins: [{ name: a, edgeCluster: { name: region } }]\n');
    const region = (spec: string) => manifest(spec).replace('live', 'region');
    const tree = `${city}---\n${region(`${origins}  listeners: { rtmp: { port: 2935 } }\n`)}`;
    const { code, out } = await edgecluster(['render', '--conf', '-f', '-', '--name', 'live'], tree);
    assert.equal(code, 0);
    assert.match(out, /origin region-edges\.default\.svc:2935;/);
    assert.match(out, /balance hash;/);
    const circle = `${city}---\n${region('  origins: [{ name: a, edgeCluster: { name: live } }]\n')}`;
    const wrong = await edgecluster(['render', '-f', '-'], circle);
    assert.deepEqual([wrong.code, wrong.out], [1, '']);
    assert.match(wrong.err, /^stdin: live: spec\.origins: .*: default\/live → default\/region → default\/live; /);
  });

  it('says who chooses the number of edges, where it is not in the manifest', options, async () => {
    const { code, err } = await edgecluster(['render', '-f', example('autoscaling')]);
    assert.equal(code, 0);
    assert.equal(
      err,
      'elastic: the operator chooses the number of edges, 2 to 20, by playersPerPod, publishersPerPod; a HorizontalPodAutoscaler may ask for more\n',
    );
  });

  it('from standard input, other kinds beside it', options, async () => {
    const input = `kind: Namespace\napiVersion: v1\nmetadata: { name: tv }\n---\n${manifest(origins)}`;
    const { code, out } = await edgecluster(['render', '-f', '-', '--conf'], input);
    assert.equal(code, 0);
    assert.match(out, /origin a:1935;/);
  });

  it('1 for a wrong manifest: every mistake with place and remedy, and nothing printed', options, async () => {
    const input = manifest(`${origins}  vhosts: [{ name: a, origin: nowhere }, { name: "*" }]\n`);
    const { code, out, err } = await edgecluster(['render', '-f', '-'], input);
    assert.deepEqual([code, out], [1, '']);
    const [first, second, ...rest] = err.trim().split('\n');
    assert.match(
      first ?? '',
      /^stdin:6:11: spec\.vhosts: Invalid value: "object": .*correct the name or add the group$/,
    );
    assert.match(second ?? '', /^stdin:6:50: spec\.vhosts\[1\]\.name: Invalid value: "\*": give a host name/);
    assert.deepEqual(rest, []);
  });

  it('1 for directives that the edge does not know, with their place', options, async () => {
    const input = manifest(`${origins}  extraDirectives: "max_conections 5;"\n`);
    const { code, out, err } = await edgecluster(['render', '-f', '-'], input);
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /^stdin: live: spec\.extraDirectives line 1, column 1: unknown directive .*did you mean/);
  });

  it('1 for what is no YAML, what is not there, and what is no EdgeCluster', options, async () => {
    assert.match((await edgecluster(['render', '-f', '-'], 'a: [')).err, /^stdin:1:\d+: /);
    const missing = await edgecluster(['render', '-f', 'nowhere.yaml']);
    assert.deepEqual([missing.code, missing.err.startsWith('nowhere.yaml cannot be read: ')], [1, true]);
    const none = await edgecluster(['render', '-f', '-', '--name', 'other'], manifest(origins));
    assert.deepEqual([none.code, none.err], [1, 'stdin holds no EdgeCluster called other; it holds live\n']);
  });

  it('in no namespace that cannot be; an empty one is not given', options, async () => {
    const given = async (namespace: string) =>
      await edgecluster(['render', '-f', example('edgecluster'), '-n', namespace]);
    assert.ok(objectsOf((await given('')).out).every(({ metadata }) => metadata.namespace === 'default'));
    assert.match((await given('A/b')).err, /^--namespace: "A\/b" is no namespace/);
  });

  it('2 for wrong arguments, with the usage', options, async () => {
    for (const args of [['render'], ['render', '-f', 'a', '--verbose'], ['rendre'], []]) {
      const { code, out, err } = await edgecluster(args);
      assert.deepEqual([code, out], [2, ''], args.join(' '));
      assert.match(err, /\n\nusage: edgecluster /);
    }
  });

  it('--help and --version on standard output: 0', options, async () => {
    assert.match((await edgecluster(['render', '--help'])).out, /^usage: edgecluster render/);
    assert.match((await edgecluster(['--help'])).out, /^ {2}render +print what/m);
    assert.match((await edgecluster(['--version'])).out, /^\d+\.\d+\.\d+\n$/);
  });
});
