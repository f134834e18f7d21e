/** `edgecluster diff` against a real API server: what `kubectl apply` would make of the EdgeCluster that is there. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { EdgeCluster } from '../../operator/api/types.ts';
import { edgecluster } from '../support/edgecluster-command.ts';
import { Kubernetes } from '../support/kubernetes.ts';

const manifest = (spec: string) =>
  `apiVersion: edgecluster.io/v1alpha1\nkind: EdgeCluster\nmetadata: { name: live }\nspec:\n  origins: [{ name: main, servers: [a] }]\n${spec}`;

describe('edgecluster diff and a real API server', () => {
  let kubernetes: Kubernetes;
  let namespace: string;

  before(async () => {
    kubernetes = await Kubernetes.start({ controllers: false });
    await kubernetes.installDefinitions();
  });
  after(() => kubernetes?.stop());

  const diff = (text: string, ...args: readonly string[]) =>
    edgecluster(['diff', '-f', '-', '-n', namespace, ...args], text, { KUBECONFIG: kubernetes.kubeconfig });
  const kubectl = (...args: readonly string[]) => kubernetes.kubectl(['-n', namespace, ...args]);
  const live = async () => JSON.parse(await kubectl('get', 'ec', 'live', '-o', 'json')) as EdgeCluster;

  async function applied(text: string, ...args: readonly string[]): Promise<void> {
    namespace = await kubernetes.createNamespace('diff');
    await kubernetes.kubectl(['-n', namespace, 'apply', ...args, '-f', '-'], { input: text });
  }

  for (const how of [[], ['--server-side']] as const) {
    it(`after kubectl apply ${how.join(' ')}: what is changed, added and taken away; nothing is stored`, async () => {
      await applied(manifest('  maxConnections: 500\n  logLevel: Warn\n'), ...how);
      const before = await live();
      const { code, out, err } = await diff(manifest('  maxConnections: 600\n  pods: { image: "edge:2" }\n'));
      assert.deepEqual([code, err], [0, '']);
      assert.match(out, /^\S+\/live: pods roll /);
      assert.match(out, /^ {2}now: 0 edges ready; how many clients they have is not known$/m);
      assert.match(out, /max_connections: 500 → 600/);
      assert.match(out, /srs_log_level_v2: warn → info/);
      assert.match(out, /containers\[edge\].image: \S+ → edge:2/);
      assert.deepEqual(await live(), before);
      assert.match((await diff(manifest('  maxConnections: 500\n  logLevel: Warn\n'))).out, /nothing differs/);
    });
  }

  it('what the manifest never said stays: a number of edges that somebody has set', async () => {
    await applied(manifest(''));
    await kubectl('scale', 'ec/live', '--replicas=7');
    assert.match((await diff(manifest(''))).out, /nothing differs/);
    assert.match((await diff(manifest('  replicas: 3\n'))).out, /edges: 7 → 3/);
  });

  it('made by another client: the manifest is all there is to be', async () => {
    namespace = await kubernetes.createNamespace('diff');
    await kubernetes.kubectl(['-n', namespace, 'create', '-f', '-'], { input: manifest('  maxConnections: 500\n') });
    assert.match((await diff(manifest(''))).out, /max_connections: 500 → 10000/);
  });

  it('an EdgeCluster that is new', async () => {
    namespace = await kubernetes.createNamespace('diff');
    assert.match((await diff(manifest(''))).out, /: nothing .*\n.*EdgeCluster: is new \(2 edges start\)/);
    assert.equal((await kubernetes.tryKubectl(['-n', namespace, 'get', 'ec', 'live'])).code, 1);
  });

  it('what the API server alone refuses', async () => {
    await applied(manifest(''));
    const policy = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: small }
spec:
  matchConstraints:
    resourceRules: [{ apiGroups: [edgecluster.io], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: [edgeclusters] }]
  validations: [{ expression: "object.spec.replicas <= 10", message: "ten edges are enough" }]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: small }
spec: { policyName: small, validationActions: [Deny] }
`;
    await kubernetes.kubectl(['apply', '-f', '-'], { input: policy });
    // The API server takes a policy up a moment after it was made.
    for (;;) {
      const args = ['-n', namespace, 'apply', '--dry-run=server', '-f', '-'];
      if ((await kubernetes.tryKubectl(args, { input: manifest('  replicas: 11\n') })).code !== 0) break;
    }
    const { code, out, err } = await diff(manifest('  replicas: 11\n'));
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /ten edges are enough/);
    assert.match((await diff(manifest('  replicas: 11\n'), '--dry-run', 'client')).out, /edges: 2 → 11/);
    await kubernetes.kubectl(['delete', '-f', '-'], { input: policy });
  });

  it('who may only read: says which right is missing; --dry-run client does without', async () => {
    await applied(manifest(''));
    await kubectl('create', 'serviceaccount', 'reader');
    await kubectl('create', 'role', 'reader', '--verb=get', '--resource=edgeclusters.edgecluster.io');
    await kubectl('create', 'rolebinding', 'reader', '--role=reader', `--serviceaccount=${namespace}:reader`);
    const kubeconfig = ['--kubeconfig', await kubernetes.kubeconfigOf(namespace, 'reader')];
    const refused = await diff(manifest('  maxConnections: 5\n'), ...kubeconfig);
    assert.deepEqual([refused.code, refused.out], [1, '']);
    assert.match(refused.err, /cannot patch resource "edgeclusters".*with --dry-run client you need only read/);
    const told = await diff(manifest('  maxConnections: 5\n'), ...kubeconfig, '--dry-run', 'client');
    assert.match(told.out, /: reload (.*\n)+.*max_connections: 10000 → 5/);
  });
});
