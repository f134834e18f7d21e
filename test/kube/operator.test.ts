/** The operator on a real API server with its controllers: the scenarios of test/operator/reconcile, as they really go. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  KubernetesObject,
  V1ConfigMap,
  V1ControllerRevision,
  V1Deployment,
  V1Secret,
  V1Service,
} from '@kubernetes/client-node';
import { CONFIG_KEY } from '../../operator/api/labels.ts';
import { readText } from '../../operator/api/manifests.ts';
import type { Condition, EdgeCluster } from '../../operator/api/types.ts';
import type { OperatorOptions } from '../../operator/options.ts';
import { Kubernetes, keepsApiServer } from '../support/kubernetes.ts';
import { KubeClient } from '../support/kubernetes-client.ts';
import { OperatorInProcess } from '../support/operator-in-process.ts';

let kubernetes: Kubernetes;
let client: KubeClient;
let namespace: string;
const operators = new Set<OperatorInProcess>();

/** One for the test's namespace. */
function operate(options: Partial<OperatorOptions> = {}): OperatorInProcess {
  const running = new OperatorInProcess(kubernetes, { namespace, options });
  operators.add(running);
  return running;
}

const paths = {
  clusters: () => `/apis/edgecluster.io/v1alpha1/namespaces/${namespace}/edgeclusters`,
  configMaps: () => `/api/v1/namespaces/${namespace}/configmaps`,
  services: () => `/api/v1/namespaces/${namespace}/services`,
  accounts: () => `/api/v1/namespaces/${namespace}/serviceaccounts`,
  secrets: () => `/api/v1/namespaces/${namespace}/secrets`,
  deployments: () => `/apis/apps/v1/namespaces/${namespace}/deployments`,
  budgets: () => `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`,
  slices: () => `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
  events: () => `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
} as const;

const madeByUs = '?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dedgecluster';
const ours = '?labelSelector=edgecluster.io%2Fcluster%3Dlive';
const elsewhere = [{ name: 'main', servers: ['elsewhere:1935'] }];

async function create(name = 'live', spec: object = {}): Promise<EdgeCluster> {
  const manifest = {
    apiVersion: 'edgecluster.io/v1alpha1',
    kind: 'EdgeCluster',
    metadata: { name },
    spec: { origins: [{ name: 'main', servers: ['origin-a.media:1935'] }], ...spec },
  };
  return client.post<EdgeCluster>(paths.clusters(), manifest);
}

const change = (spec: object): Promise<EdgeCluster> => client.patch(`${paths.clusters()}/live`, { spec });

const conditionOf = (cluster: EdgeCluster | undefined, type: string): Condition | undefined =>
  cluster?.status?.conditions?.find((condition) => condition.type === type);

async function until(test: (cluster: EdgeCluster) => boolean, name = 'live'): Promise<EdgeCluster> {
  const isSo = (cluster: EdgeCluster) => cluster.metadata.name === name && test(cluster);
  const found = await client.until<EdgeCluster>(paths.clusters(), (clusters) => clusters.some(isSo));
  const cluster = found.find(({ metadata }) => metadata.name === name);
  assert.ok(cluster);
  return cluster;
}

/** The status is about the present spec. */
const isSeen = ({ metadata, status }: EdgeCluster): boolean => status?.observedGeneration === metadata.generation;

const untilConf = (pattern: RegExp): Promise<unknown> =>
  client.until<V1ConfigMap>(paths.configMaps(), (maps) =>
    maps.some(({ metadata, data }) => metadata?.name === 'live' && pattern.test(data?.[CONFIG_KEY] ?? '')),
  );

/** A settled EdgeCluster `live` and its operator. */
async function settled(spec: object = {}): Promise<OperatorInProcess> {
  const running = operate();
  await create('live', spec);
  await until(isSeen);
  await running.idle();
  return running;
}

describe('the operator', () => {
  before(async () => {
    kubernetes = await Kubernetes.start();
    await kubernetes.installDefinitions();
    client = new KubeClient(kubernetes.config());
  });
  after(async () => {
    client?.close();
    await kubernetes?.stop();
  });
  beforeEach(async () => {
    namespace = await kubernetes.createNamespace('operator');
  });
  afterEach(async () => {
    await Promise.all([...operators].map((running) => running.stop()));
    operators.clear();
    await kubernetes.kubectl(['delete', 'namespace', namespace, '--wait=false', '--ignore-not-found']);
  });

  it('makes the objects of all examples; then neither it nor another one writes or reads', async () => {
    const running = operate();
    const directory = join(import.meta.dirname, '../../crds/examples');
    let clusters = 0;
    for (const file of readdirSync(directory)) {
      const manifests = readText(readFileSync(join(directory, file), 'utf8'), file).map(
        ({ value }) => value as EdgeCluster,
      );
      for (const manifest of manifests.filter(({ kind }) => kind === 'EdgeCluster')) {
        const name = `${file.replace('.yaml', '')}-${clusters++}`;
        await client.post(paths.clusters(), { ...manifest, metadata: { ...manifest.metadata, name, namespace } });
      }
    }
    await client.until<EdgeCluster>(
      paths.clusters(),
      (all) =>
        all.length === clusters &&
        all.every((one) => isSeen(one) && conditionOf(one, 'ConfigValid')?.status === 'True'),
    );
    await running.atRest();
    // But for statuses: some conditions change with time alone, as where an autoscaler has had no data for a while.
    const askedForObjects = async (): Promise<Record<string, number>> => {
      const { 'apply edgeclusters': _, ...others } = await running.requests([
        'get',
        'list',
        'create',
        'apply',
        'patch',
        'delete',
      ]);
      return others;
    };
    const before = await askedForObjects();
    // Something to look at again that asks for nothing.
    for (const path of [paths.configMaps(), paths.services()])
      for (const { metadata } of await client.list(path + madeByUs))
        await client.patch(`${path}/${metadata?.name}`, { metadata: { annotations: { note: 'x' } } });
    await running.atRest();
    assert.deepEqual(await askedForObjects(), before);
    await running.stop();

    const another = operate();
    await another.atRest();
    const { 'apply edgeclusters': _, ...writes } = await another.writes();
    assert.deepEqual(writes, {});
  });

  it('a changed spec changes the configuration only; kubectl scale scales', async () => {
    const running = await settled();
    const before = await client.get<V1Deployment>(`${paths.deployments()}/live`);
    await change({ origins: elsewhere });
    await untilConf(/elsewhere:1935/);
    await until(isSeen);
    await kubernetes.kubectl(['scale', '-n', namespace, 'ec/live', '--replicas=5']);
    await client.until<V1Deployment>(paths.deployments(), ([deployment]) => deployment?.spec?.replicas === 5);
    const after = await client.get<V1Deployment>(`${paths.deployments()}/live`);
    assert.deepEqual(after.spec?.template, before.spec?.template);
    await running.idle();
    const writes = await running.writes();
    assert.equal(writes['apply configmaps'], 2);
    assert.equal(writes['apply deployments'], 2);
  });

  it('a field that is no longer wanted goes, as does an object; those of others stay', async () => {
    const running = await settled({ pods: { nodeSelector: { disk: 'ssd' } }, networkPolicy: { enabled: true } });
    await client.patch(`${paths.services()}/live`, { metadata: { annotations: { theirs: 'x' } } });
    await client.patch(`${paths.clusters()}/live`, { spec: { pods: { nodeSelector: null }, networkPolicy: null } });
    await client.until<V1Deployment>(
      paths.deployments(),
      ([deployment]) => deployment?.spec?.template.spec?.nodeSelector === undefined,
    );
    const policies = `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`;
    await client.until(policies, (all) => all.length === 0);
    await change({ service: { type: 'NodePort' } });
    const [service] = await client.until<V1Service>(paths.services(), (all) =>
      all.some(({ spec }) => spec?.type === 'NodePort'),
    );
    assert.ok(service);
    const live = await client.get<V1Service>(`${paths.services()}/live`);
    assert.equal(live.metadata?.annotations?.theirs, 'x');
    await running.idle();
  });

  it('what is edited or deleted is put back, once, and an event tells who did it', async () => {
    const running = await settled();
    const before = await running.writes();
    await kubernetes.kubectl([
      'patch',
      '-n',
      namespace,
      'configmap/live',
      '-p',
      '{"data":{"edge-2.conf":"listen 1;"}}',
    ]);
    await untilConf(/origin-a/);
    const { metadata: deleted } = await client.get<V1Deployment>(`${paths.deployments()}/live`);
    await client.delete(`${paths.deployments()}/live`);
    await client.until(paths.deployments(), ([made]) => made !== undefined && made.metadata?.uid !== deleted?.uid);
    await kubernetes.kubectl([
      'label',
      '-n',
      namespace,
      'service/live',
      'edgecluster.io/cluster-',
      'app.kubernetes.io/managed-by-',
    ]);
    await client.until(`${paths.services()}${ours}`, (all) => all.some(({ metadata }) => metadata?.name === 'live'));
    await running.idle();
    const writes = await running.writes();
    assert.equal((writes['apply configmaps'] ?? 0) - (before['apply configmaps'] ?? 0), 1);
    assert.equal((writes['apply deployments'] ?? 0) - (before['apply deployments'] ?? 0), 1);
    // Refused where it would create, then put back.
    assert.equal((writes['apply services'] ?? 0) - (before['apply services'] ?? 0), 2);
    const told = /ConfigMap live is put back .*: kubectl-patch had changed data\['edge-2\.conf'\]/;
    await client.until<KubernetesObject & { note?: string }>(paths.events(), (all) =>
      all.some(({ note = '' }) => told.test(note)),
    );
  });

  it('what is taken out of an object is put back, also by the next operator', async () => {
    const running = await settled();
    const remove = (what: string, ...fields: readonly string[]): Promise<string> => {
      const patch = fields.map((field) => ({ op: 'remove', path: field }));
      return kubernetes.kubectl(['patch', what, '-n', namespace, '--type=json', '-p', JSON.stringify(patch)]);
    };
    const puts = (object: string): Promise<unknown> =>
      client.until<KubernetesObject & { note?: string }>(paths.events(), (all) =>
        all.some(({ note = '' }) => note.startsWith(`${object} is put back as the EdgeCluster wants it: `)),
      );
    await remove('configmap/live', '/metadata/ownerReferences', `/data/${CONFIG_KEY}`);
    await puts('ConfigMap live');
    await untilConf(/origin-a/);
    await kubernetes.kubectl(['scale', '-n', namespace, 'deployment/live', '--replicas=3']);
    await puts('Deployment live');
    await client.until<V1Deployment>(paths.deployments(), ([live]) => live?.spec?.replicas === 2);
    await running.stop();
    await remove('service/live-edges', '/spec/ports/2', '/metadata/ownerReferences');
    operate();
    await puts('Service live-edges');
    const owned = await client.get<{ items: KubernetesObject[] }>(`${paths.services()}${ours}`);
    assert.ok(owned.items.every(({ metadata }) => metadata?.ownerReferences?.length === 1));
  });

  it('what is made immutable is replaced, and follows the spec again', async () => {
    const running = await settled();
    for (const what of ['configmap/live', 'secret/live-api-credentials'])
      await kubernetes.kubectl(['patch', what, '-n', namespace, '--type=merge', '-p', '{"immutable":true}']);
    await change({ origins: elsewhere });
    await untilConf(/elsewhere/);
    const rotate = ['annotate', '-n', namespace, 'secret/edgecluster-operator-master-key', 'edgecluster.io/rotate=now'];
    const { data } = await client.get<V1Secret>(`${paths.secrets()}/live-api-credentials`);
    await kubernetes.kubectl(rotate);
    await client.until<V1Secret>(paths.secrets(), (all) =>
      all.some((one) => one.metadata?.name === 'live-api-credentials' && one.data?.credentials !== data?.credentials),
    );
    await running.idle();
    assert.equal(conditionOf(await until(isSeen), 'Degraded')?.reason, 'AsExpected');
  });

  it("a foreign object of our object's name is never touched, and told", async () => {
    await client.post(paths.services(), {
      metadata: { name: 'live', labels: { 'app.kubernetes.io/managed-by': 'Helm' } },
      spec: { ports: [{ port: 80 }] },
    });
    const before = await client.get<V1Service>(`${paths.services()}/live`);
    operate();
    await create();
    const cluster = await until((one) => conditionOf(one, 'Degraded')?.reason === 'NameTaken');
    assert.match(conditionOf(cluster, 'Degraded')?.message ?? '', /^Service live: it belongs to Helm/);
    assert.deepEqual(await client.get(`${paths.services()}/live`), before);
    assert.equal((await client.list(paths.deployments())).length, 1);
  });

  it('credentials: an edited or deleted Secret is put back, another master key is another credential', async () => {
    const running = await settled();
    const secret = (): Promise<V1Secret> => client.get(`${paths.secrets()}/live-api-credentials`);
    const fileOf = ({ data }: V1Secret): string => Buffer.from(data?.credentials ?? '', 'base64').toString();
    const becomes = (test: (secret: V1Secret) => boolean): Promise<unknown> =>
      client.until<V1Secret>(paths.secrets(), (all) =>
        all.some((one) => one.metadata?.name === 'live-api-credentials' && test(one)),
      );
    const before = await secret();
    assert.match(fileOf(before), /^operator:[\w-]{43}\n$/);
    await client.patch(`${paths.secrets()}/live-api-credentials`, { data: { credentials: 'eDp5' } });
    await becomes(({ data }) => data?.credentials === before.data?.credentials);
    await client.delete(`${paths.secrets()}/live-api-credentials`);
    await becomes(({ metadata }) => metadata?.uid !== before.metadata?.uid);
    assert.deepEqual((await secret()).data, before.data);

    const rotate = ['annotate', '-n', namespace, 'secret/edgecluster-operator-master-key', 'edgecluster.io/rotate=now'];
    await kubernetes.kubectl(rotate);
    await becomes((one) => /^operator:.+\noperator:.+\n$/.test(fileOf(one)) && fileOf(one).endsWith(fileOf(before)));
    await running.idle();
    await running.stop();
    // The next one knows what this one did.
    const another = operate();
    await another.atRest();
    assert.deepEqual(await another.writes(), {});
  });

  it("a foreign Secret of our Secret's name is never touched, and told", async () => {
    const theirs = { metadata: { name: 'live-api-credentials' }, stringData: { mine: 'secret' } };
    await client.post(paths.secrets(), theirs);
    const before = await client.get<V1Secret>(`${paths.secrets()}/live-api-credentials`);
    const running = operate();
    await create();
    const cluster = await until((one) => conditionOf(one, 'Degraded')?.reason === 'NameTaken');
    assert.match(conditionOf(cluster, 'Degraded')?.message ?? '', /^Secret live-api-credentials: it belongs to/);
    assert.equal((await client.list(paths.deployments())).length, 1);
    await client.delete(`${paths.clusters()}/live`);
    await running.idle();
    assert.deepEqual(await client.get(`${paths.secrets()}/live-api-credentials`), before);
  });

  it('an invalid configuration is told; what ran before stays, and scales', async () => {
    await settled();
    await change({ extraDirectives: 'no_such_directive on;', replicas: 4 });
    const cluster = await until((one) => conditionOf(one, 'ConfigValid')?.status === 'False');
    assert.equal(conditionOf(cluster, 'ConfigValid')?.reason, 'InvalidDirectives');
    await client.until<V1Deployment>(paths.deployments(), ([deployment]) => deployment?.spec?.replicas === 4);
    await change({ extraDirectives: null, replicas: 3 } as object);
    await until((one) => conditionOf(one, 'ConfigValid')?.status === 'True');
    await client.until<V1Deployment>(paths.deployments(), ([deployment]) => deployment?.spec?.replicas === 3);
  });

  it('an invalid configuration and another operator: what was valid last goes on, follows its origins, is put back', async () => {
    const slice = (address: string) => ({
      metadata: { name: 'srs-1', labels: { 'kubernetes.io/service-name': 'srs' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
      ports: [{ name: 'rtmp', port: 1935, protocol: 'TCP' }],
    });
    await client.post(paths.services(), { metadata: { name: 'srs' }, spec: { ports: [{ name: 'rtmp', port: 1935 }] } });
    await client.post(paths.slices(), slice('10.1.2.3'));
    const first = await settled({ origins: [{ name: 'main', service: { name: 'srs' } }] });
    await untilConf(/10\.1\.2\.3:1935/);
    await first.stop();
    const template = ({ spec }: V1Deployment) => JSON.stringify(spec?.template);
    const before = await client.get<V1Deployment>(`${paths.deployments()}/live`);
    await change({ extraDirectives: 'no_such_directive on;', origins: elsewhere, replicas: 4 });
    await client.delete(`${paths.configMaps()}/live`);
    await client.delete(`${paths.deployments()}/live`);
    await client.patch(`${paths.slices()}/srs-1`, slice('10.1.2.4'));

    const second = operate();
    await untilConf(/10\.1\.2\.4:1935/);
    const [deployment] = await client.until<V1Deployment>(paths.deployments(), ([one]) => one?.spec?.replicas === 4);
    assert.ok(deployment);
    assert.equal(template(deployment), template(before));
    await until((one) => conditionOf(one, 'ConfigValid')?.status === 'False');
    await second.idle();
    const revisions = `/apis/apps/v1/namespaces/${namespace}/controllerrevisions`;
    const [kept, ...more] = await client.list<V1ControllerRevision>(revisions);
    assert.deepEqual(more, []);
    await client.delete(`${revisions}/${kept?.metadata?.name}`);
    await client.until<V1ControllerRevision>(
      revisions,
      ([back]) => back !== undefined && back.metadata?.uid !== kept?.metadata?.uid,
    );
    await second.idle();
    await second.stop();
    const third = operate();
    await third.atRest();
    assert.deepEqual(await third.writes(), {});

    await change({ extraDirectives: null } as object);
    await untilConf(/elsewhere:1935/);
    await client.until<V1ControllerRevision>(
      revisions,
      (all) => all.length === 1 && all[0]?.metadata?.name !== kept?.metadata?.name && all[0]?.revision === 2,
    );
  });

  it('a Service and its EndpointSlices are followed', async () => {
    await settled({ origins: [{ name: 'main', service: { name: 'srs' } }] });
    await untilConf(/srs\.operator-[0-9a-f]+\.svc:1935/);
    await client.post(paths.services(), { metadata: { name: 'srs' }, spec: { ports: [{ name: 'rtmp', port: 1935 }] } });
    const slice = (address: string) => ({
      metadata: { name: 'srs-1', labels: { 'kubernetes.io/service-name': 'srs' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
      ports: [{ name: 'rtmp', port: 1935, protocol: 'TCP' }],
    });
    await client.post(paths.slices(), slice('10.1.2.3'));
    await untilConf(/10\.1\.2\.3:1935/);
    await client.patch(`${paths.slices()}/srs-1`, slice('10.1.2.4'));
    await untilConf(/10\.1\.2\.4:1935/);
  });

  it('deleted, all of it goes; made again at once, all of it comes', async () => {
    const running = await settled();
    await client.delete(`${paths.clusters()}/live`);
    await create();
    const cluster = await until(isSeen);
    for (const path of [paths.configMaps, paths.deployments, paths.services, paths.accounts, paths.budgets])
      await client.until(
        path() + ours,
        (all) =>
          all.length > 0 && all.every(({ metadata }) => metadata?.ownerReferences?.[0]?.uid === cluster.metadata.uid),
      );
    await client.delete(`${paths.clusters()}/live`);
    for (const path of [paths.configMaps, paths.deployments, paths.services, paths.accounts, paths.budgets])
      await client.until(path() + ours, (all) => all.length === 0);
    await running.atRest();
    assert.deepEqual(running.operator.sizes, { caches: 0, remembered: 0, queue: 0, busy: 0 });
  });

  it('deleted in the foreground it goes, too', async () => {
    const running = await settled();
    await kubernetes.kubectl(['delete', '-n', namespace, 'ec/live', '--cascade=foreground', '--timeout=30s']);
    await client.until(paths.configMaps() + ours, (all) => all.length === 0);
    await running.idle();
  });

  it('a namespace that is deleted is left in silence', async () => {
    const running = await settled();
    const warnings = () => running.log.filter(({ level }) => level >= 40).map(({ msg }) => msg);
    const before = await running.writes();
    await kubernetes.kubectl(['delete', 'namespace', namespace, '--timeout=60s']);
    await running.idle();
    const writes = await running.writes();
    const total = (counts: Record<string, number>) => Object.values(counts).reduce((sum, count) => sum + count, 0);
    assert.ok(total(writes) - total(before) <= 5, JSON.stringify([before, writes]));
    assert.deepEqual(warnings(), []);
    assert.deepEqual(running.operator.sizes, { caches: 0, remembered: 0, queue: 0, busy: 0 });
  });

  it('of two, one acts; when it is stopped, the other does', async () => {
    const first = operate({ leaderElection: true, identity: 'first' });
    await create();
    await until(isSeen);
    const second = operate({ leaderElection: true, identity: 'second' });
    await client.until<KubernetesObject & { spec?: { holderIdentity?: string } }>(
      `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`,
      ([lease]) => lease?.spec?.holderIdentity === 'first',
    );
    await first.stop();
    await change({ origins: elsewhere });
    await untilConf(/elsewhere:1935/);
    await second.idle();
    assert.deepEqual(Object.keys(await second.writes()).toSorted(), [
      'apply configmaps',
      'apply controllerrevisions',
      'apply edgeclusters',
      'delete controllerrevisions',
    ]);
  });

  it('the API server gone and back: what was changed meanwhile is done', { skip: keepsApiServer }, async () => {
    const running = await settled();
    await kubernetes.killApiServer();
    await sleep(3000);
    assert.equal(running.operator.ready, true);
    await kubernetes.startApiServer();
    await client.delete(`${paths.configMaps()}/live`);
    await change({ origins: elsewhere });
    await untilConf(/elsewhere:1935/);
    await until(isSeen);
  });
});
