/** The operator beside a CRD of another release: it does what that CRD can hold, and says what it cannot. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { V1Deployment } from '@kubernetes/client-node';
import { parse } from 'yaml';
import type { Condition, ConditionType, EdgeCluster } from '../../operator/api/types.ts';
import { Kubernetes } from '../support/kubernetes.ts';
import { KubeClient } from '../support/kubernetes-client.ts';
import { OperatorInProcess } from '../support/operator-in-process.ts';

/** The part of a schema that the tests change. */
interface Node {
  enum?: string[];
  items?: Node;
  properties?: Record<string, Node>;
}

const text = readFileSync(join(import.meta.dirname, '../../crds/edgecluster.yaml'), 'utf8');

/** Our definition, changed. */
function definition(change: (spec: Record<string, Node>, status: Record<string, Node>) => void): string {
  const crd = parse(text) as {
    spec: { versions: [{ schema: { openAPIV3Schema: { properties: Record<string, Node> } } }] };
  };
  const { spec, status } = crd.spec.versions[0].schema.openAPIV3Schema.properties;
  change(spec?.properties ?? {}, status?.properties ?? {});
  return JSON.stringify(crd);
}

const current = definition(() => {});

/** Lacks a figure, a type of condition, and parts of the spec with and without defaults below them. */
const older = definition((spec, status) => {
  delete status.configuredReplicas;
  const type = status.conditions?.items?.properties?.type;
  if (type?.enum === undefined) throw new Error('conditions have no words for their types');
  type.enum = type.enum.filter((word) => word !== 'ConfigValid');
  delete spec.monitoring;
  delete spec.logLevel;
});

const newer = definition((spec, status) => {
  const on = { type: 'boolean', default: false };
  Object.assign(spec, { novelty: { type: 'object', default: {}, properties: { on } }, motto: { type: 'string' } });
  Object.assign(status, { novelties: { type: 'integer' } });
});

/** Stores another version than the operator speaks, and serves both. */
const twoVersions = (() => {
  const crd = parse(text) as { spec: { versions: Record<string, unknown>[] } };
  const [version] = crd.spec.versions;
  crd.spec.versions = [
    { ...version, storage: false },
    { ...version, name: 'v1beta1' },
  ];
  return JSON.stringify(crd);
})();

describe('the operator and a CRD of another release', () => {
  let kubernetes: Kubernetes;
  let client: KubeClient;
  let namespace: string;
  let operator: OperatorInProcess;

  before(async () => {
    kubernetes = await Kubernetes.start({ controllers: false });
    client = new KubeClient(kubernetes.config());
  });

  after(async () => {
    client?.close();
    await kubernetes?.stop();
  });

  beforeEach(async () => {
    namespace = await kubernetes.createNamespace('crd');
  });

  afterEach(async () => {
    await operator.stop();
    await kubernetes.kubectl(['delete', 'edgeclusters', '--all', '-n', namespace]);
  });

  const path = (): string => `/apis/edgecluster.io/v1alpha1/namespaces/${namespace}/edgeclusters`;

  async function install(crd: string): Promise<void> {
    await kubernetes.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], { input: crd });
    await kubernetes.installed();
  }

  function start(): void {
    operator = new OperatorInProcess(kubernetes, { namespace, times: { definitionEveryMs: 500 } });
  }

  function create(spec: object = {}): Promise<EdgeCluster> {
    const manifest = {
      apiVersion: 'edgecluster.io/v1alpha1',
      kind: 'EdgeCluster',
      metadata: { name: 'live' },
      spec: { origins: [{ name: 'main', servers: ['origin-a.media:1935'] }], ...spec },
    };
    return client.post<EdgeCluster>(path(), manifest);
  }

  const conditionOf = (cluster: EdgeCluster | undefined, type: ConditionType): Condition | undefined =>
    cluster?.status?.conditions?.find((condition) => condition.type === type);

  /** Resolves with the EdgeCluster once its condition Degraded has this reason, about its present spec. */
  async function degradedBy(reason: string): Promise<EdgeCluster> {
    const [cluster] = await client.until<EdgeCluster>(path(), ([it]) => {
      const { observedGeneration, reason: given } = conditionOf(it, 'Degraded') ?? {};
      return given === reason && observedGeneration === it?.metadata.generation;
    });
    assert.ok(cluster);
    return cluster;
  }

  const lines = (text: RegExp): readonly unknown[] => operator.log.filter(({ msg }) => text.test(msg));

  it('does what an older CRD can hold, in one condition and one line, until there is the right one', async () => {
    await install(older);
    await create();
    start();
    const cluster = await degradedBy('DefinitionOutdated');
    const lacks = 'spec.monitoring, spec.logLevel, status.conditions[].type ConfigValid, status.configuredReplicas';
    const { message = '' } = conditionOf(cluster, 'Degraded') ?? {};
    assert.ok(message.startsWith(`the CRD is older than this operator and lacks ${lacks}; apply the CRD`), message);
    assert.equal(conditionOf(cluster, 'ConfigValid'), undefined);
    assert.equal(cluster.status?.configuredReplicas, undefined);
    assert.match(cluster.status?.configHash ?? '', /^[0-9a-f]+$/);
    const deployment = await client.get<V1Deployment>(`/apis/apps/v1/namespaces/${namespace}/deployments/live`);
    assert.equal(deployment.spec?.replicas, 2);

    await install(current);
    const settled = await degradedBy('AsExpected');
    assert.equal(conditionOf(settled, 'ConfigValid')?.status, 'True');
    assert.equal(settled.status?.configuredReplicas, 0);
    assert.equal(lines(/older than this operator/).length, 1);
    assert.equal(lines(/is that of this operator/).length, 1);
    assert.deepEqual(lines(/^will try again$/), [], 'no back-off');
  });

  it('gets over a CRD that becomes older while it runs', async () => {
    await install(current);
    await create();
    start();
    await degradedBy('AsExpected');
    await install(older);
    await client.patch(`${path()}/live`, { spec: { replicas: 3 } });
    const cluster = await degradedBy('DefinitionOutdated');
    assert.equal(cluster.status?.observedGeneration, cluster.metadata.generation);
    assert.equal(lines(/older than this operator/).length, 1);
  });

  it('says which settings of a newer CRD it knows nothing of, where they are used', async () => {
    await install(newer);
    await create();
    start();
    const plain = await degradedBy('AsExpected');
    assert.equal(conditionOf(plain, 'ConfigValid')?.status, 'True');
    await client.patch(`${path()}/live`, { spec: { novelty: { on: true }, motto: 'more' } });
    const cluster = await degradedBy('FieldsUnknown');
    assert.match(conditionOf(cluster, 'Degraded')?.message ?? '', /^spec\.motto, spec\.novelty has no effect: /);
    assert.equal(lines(/newer than this operator/).length, 1);
    await client.patch(`${path()}/live`, { spec: { novelty: null, motto: null } });
    await degradedBy('AsExpected');
  });

  // The last one: a version that was stored once stays in the CRD.
  it('looks after an EdgeCluster of another version that is served, which stays as it is', async () => {
    await install(twoVersions);
    const { spec, metadata } = await create({ replicas: 3, logLevel: 'Debug' });
    start();
    await degradedBy('AsExpected');
    const other = path().replace('v1alpha1', 'v1beta1');
    const [stored] = await client.until<EdgeCluster>(other, ([it]) => conditionOf(it, 'Degraded') !== undefined);
    assert.equal(stored?.apiVersion, 'edgecluster.io/v1beta1');
    assert.deepEqual([stored?.spec, stored?.metadata.uid], [spec, metadata.uid]);
    await client.patch(`${other}/live`, { spec: { replicas: 4 } });
    const cluster = await degradedBy('AsExpected');
    assert.equal(cluster.spec.replicas, 4);
    assert.deepEqual(lines(/CRD/), []);
  });
});
