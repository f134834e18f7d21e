/**
 * The chart on a real API server, by a real helm: what is there after install, upgrade and uninstall, and two releases
 * side by side. chart-rights.test.ts has the operator's rights.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Kubernetes } from '../support/kubernetes.ts';

const chart = join(import.meta.dirname, '../../helm');
const definition = 'customresourcedefinition.apiextensions.k8s.io/edgeclusters.edgecluster.io';

interface Release {
  readonly name: string;
  readonly namespace: string;
}

// Every EdgeCluster goes with the definition, which is deleted here again and again.
const skip = process.env.USE_EXISTING_CLUSTER === 'true' && 'an existing cluster keeps its EdgeClusters';

describe('the chart', { skip }, () => {
  let kubernetes: Kubernetes;
  before(async () => {
    kubernetes = await Kubernetes.start();
  });
  after(() => kubernetes.stop());
  afterEach(async () => {
    const releases = JSON.parse(await kubernetes.helm(['list', '-A', '-o', 'json'])) as readonly Release[];
    for (const { name, namespace } of releases) await kubernetes.helm(['uninstall', name, '-n', namespace, '--wait']);
    await kubernetes.kubectl(['delete', definition, '--ignore-not-found']);
  });

  /** Everything with the label of a release, in all namespaces and outside them. */
  async function objectsOf(release: string): Promise<readonly string[]> {
    const kinds = (await kubernetes.kubectl(['api-resources', '--verbs=list', '-o', 'name'])).split('\n');
    // End points follow their Service a moment later, pods their Deployment; events are no objects of anybody.
    const passing = /^(events|endpoints|endpointslices|pods|replicasets)(\.|$)/;
    const all = kinds.filter((kind) => kind !== '' && !passing.test(kind)).join(',');
    const selector = `app.kubernetes.io/instance=${release}`;
    const found = await kubernetes.kubectl(['get', all, '-A', '-l', selector, '-o', 'name', '--ignore-not-found']);
    return found
      .split('\n')
      .filter((name) => name !== '')
      .sort();
  }

  it('installs, upgrades its definition, and leaves nothing but that', async (t) => {
    const release = ['edgecluster', '-n', 'edgecluster-system'];
    const older = mkdtempSync(join(tmpdir(), 'chart-'));
    t.after(() => rmSync(older, { recursive: true }));
    cpSync(chart, older, { recursive: true });
    const file = join(older, 'files/edgecluster.yaml');
    const text = readFileSync(file, 'utf8');
    const old = text.replace('shortNames: [ec]', 'shortNames: [old]');
    assert.notEqual(old, text);
    writeFileSync(file, old);

    await kubernetes.helm(['install', 'edgecluster', older, '-n', 'edgecluster-system', '--create-namespace']);
    assert.deepEqual(await objectsOf('edgecluster'), [
      'clusterrole.rbac.authorization.k8s.io/edgecluster-system:edgecluster',
      'clusterrole.rbac.authorization.k8s.io/edgecluster-system:edgecluster:edit',
      'clusterrole.rbac.authorization.k8s.io/edgecluster-system:edgecluster:view',
      'clusterrolebinding.rbac.authorization.k8s.io/edgecluster-system:edgecluster',
      definition,
      'deployment.apps/edgecluster',
      'role.rbac.authorization.k8s.io/edgecluster-leader',
      'rolebinding.rbac.authorization.k8s.io/edgecluster-leader',
      'service/edgecluster-metrics',
      'serviceaccount/edgecluster',
    ]);
    await established();
    assert.equal(await kubernetes.kubectl(['get', 'old', '-A', '-o', 'name']), '');

    await kubernetes.helm(['upgrade', ...withChart(release)]);
    await kubernetes.kubectl(['wait', '--for=jsonpath={.status.acceptedNames.shortNames[0]}=ec', definition]);

    const notes = await kubernetes.helm(['get', 'notes', ...release]);
    const manifest = /<<END\n([\s\S]*?)\n *END/.exec(notes)?.[1];
    assert.ok(manifest, notes);
    await kubernetes.kubectl(['apply', '-n', 'default', '-f', '-'], { input: manifest.replaceAll(/^ {4}/gm, '') });

    await kubernetes.helm(['uninstall', ...release, '--wait']);
    assert.deepEqual(await objectsOf('edgecluster'), [definition]);
    assert.equal(
      await kubernetes.kubectl(['get', 'ec', '-n', 'default', '-o', 'name']),
      'edgecluster.edgecluster.io/live\n',
    );

    // Under the same name it is taken up again; and it goes when that is asked for.
    await kubernetes.helm(['install', ...withChart(release)]);
    await kubernetes.helm(['upgrade', ...withChart(release), '--set', 'crds.keep=false']);
    await kubernetes.helm(['uninstall', ...release, '--wait']);
    assert.deepEqual(await objectsOf('edgecluster'), []);
  });

  it('installs twice, each for namespaces of its own', async () => {
    const [first, second, live, staging] = await Promise.all(
      ['first', 'second', 'live', 'staging'].map((name) => kubernetes.createNamespace(name)),
    );
    assert.ok(first && second && live && staging);
    await kubernetes.helm(['install', 'one', chart, '-n', first, '--set', `watchNamespaces={${live}}`]);
    const two = ['install', 'two', chart, '-n', second, '--set', `watchNamespaces={${staging}}`];
    // The definition belongs to one release.
    await assert.rejects(kubernetes.helm(two), /invalid ownership metadata/);
    await kubernetes.helm([...two, '--set', 'crds.install=false']);

    for (const [account, own, other] of [
      [`${first}:one-edgecluster`, live, staging],
      [`${second}:two-edgecluster`, staging, live],
    ] as const) {
      const may = (verb: string, kind: string, namespace: string) => canI(account, verb, kind, namespace);
      assert.equal(await may('patch', 'deployments', own), true);
      assert.equal(await may('watch', 'edgeclusters', own), true);
      assert.equal(await may('watch', 'edgeclusters', other), false);
      assert.equal(await may('list', 'secrets', other), false);
    }
    const rights = { nodes: false, leases: true };
    for (const [kind, expected] of Object.entries(rights))
      assert.equal(await canI(`${first}:one-edgecluster`, 'create', kind, first), expected);

    await kubernetes.helm(['uninstall', 'two', '-n', second, '--wait']);
    assert.deepEqual(await objectsOf('two'), []);
    await kubernetes.helm(['uninstall', 'one', '-n', first, '--wait']);
    assert.deepEqual(await objectsOf('one'), [definition]);
  });

  for (const [what, name, sets] of [
    ['the longest name that helm allows', `r${'0'.repeat(51)}9`, []],
    ['a number as its name', '7', []],
    ['dots in its name', '1.live', []],
    ['the longest fullnameOverride', 'edgecluster', ['--set', `fullnameOverride=${'9'.repeat(63)}`]],
  ] as const) {
    it(`installs with ${what}`, async () => {
      const all = 'networkPolicy.enabled=true,podDisruptionBudget.enabled=true';
      await kubernetes.helm([
        'install',
        name,
        chart,
        '-n',
        await kubernetes.createNamespace('names'),
        '--set',
        all,
        ...sets,
      ]);
      assert.equal((await objectsOf(name)).length, 12);
    });
  }

  it('adds to the roles that people have', async () => {
    const namespace = await kubernetes.createNamespace('people');
    await kubernetes.helm(['install', 'edgecluster', chart, '-n', namespace]);
    await established();
    for (const role of ['view', 'edit', 'admin'])
      await kubernetes.kubectl([
        'create',
        'rolebinding',
        role,
        `--clusterrole=${role}`,
        `--user=${role}`,
        '-n',
        namespace,
      ]);
    const may = (user: string, verb: string, kind: string) => canI(user, verb, kind, namespace);
    // Roles are added up by a controller.
    while (!(await may('admin', 'delete', 'edgeclusters'))) await delay(50);
    assert.equal(await may('view', 'watch', 'edgeclusters'), true);
    assert.equal(await may('view', 'create', 'edgeclusters'), false);
    assert.equal(await may('edit', 'create', 'edgeclusters'), true);
    assert.equal(await may('edit', 'list', 'edgeclusters'), true);
    assert.equal(await may('edit', 'patch', 'edgeclusters/scale'), true);
    assert.equal(await may('edit', 'patch', 'edgeclusters/status'), false);
  });

  it('may run where pods are restricted', async () => {
    const namespace = await kubernetes.createNamespace('restricted');
    await kubernetes.kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
    await kubernetes.helm(['install', 'edgecluster', chart, '-n', namespace, '--set', 'replicas=2']);
    // Pods that are refused are never made; no node runs these.
    await kubernetes.kubectl([
      'wait',
      '--for=jsonpath={.status.replicas}=2',
      'deployment/edgecluster',
      '-n',
      namespace,
    ]);
  });

  function withChart([name = '', ...rest]: readonly string[]): readonly string[] {
    return [name, chart, ...rest];
  }

  async function established(): Promise<void> {
    await kubernetes.kubectl(['wait', '--for=condition=Established', definition]);
  }

  /** Whether a user, or a service account `namespace:name`, may do that. */
  async function canI(who: string, verb: string, kind: string, namespace: string): Promise<boolean> {
    const user = who.includes(':') ? `system:serviceaccount:${who}` : who;
    const [resource = '', subresource] = kind.split('/');
    const part = subresource === undefined ? [] : [`--subresource=${subresource}`];
    const args = ['auth', 'can-i', verb, resource, ...part, '-n', namespace, `--as=${user}`];
    return (await kubernetes.tryKubectl(args)).code === 0;
  }
});
