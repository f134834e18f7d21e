/**
 * The operator with the rights that the chart gives it, and no others, on a real API server: they are enough for all
 * that it does, and none is there that it never uses.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubernetesObject, V1Pod, V1Role } from '@kubernetes/client-node';
import { pino } from 'pino';
import type { EdgeCluster } from '../../operator/api/types.ts';
import { loadAccess } from '../../operator/kube/access.ts';
import { Operator } from '../../operator/operator.ts';
import { readOperatorOptions } from '../../operator/options.ts';
import { Kubernetes } from '../support/kubernetes.ts';
import { KubeClient } from '../support/kubernetes-client.ts';

const chart = join(import.meta.dirname, '../../helm');

/** Rights that no scenario of this test needs. */
const seldom = [
  // A name that is taken is looked at, and what an EdgeCluster no longer asks for is deleted: shown for one kind.
  /^(get|delete) (?!serviceaccounts$)/,
  // Asked for by admission (OwnerReferencesPermissionEnforcement), which no request shows.
  /^update edgeclusters\/finalizers$/,
  // There are no pods without nodes.
  /^patch pods$/,
  // An event that comes again within minutes.
  /^patch events$/,
];

/** An EdgeCluster that makes the operator make everything. */
const everything = {
  apiVersion: 'edgecluster.io/v1alpha1',
  kind: 'EdgeCluster',
  metadata: { name: 'live' },
  spec: {
    origins: [{ name: 'main', service: { name: 'origins', port: 'rtmp' } }],
    listeners: { rtmps: { port: 1443, secretName: 'certificate' } },
    autoscaling: { minReplicas: 2, maxReplicas: 5, targets: { cpuUtilizationPercent: 60, playersPerPod: 100 } },
    networkPolicy: { enabled: true },
  },
};

const ownedKinds = [
  ['api/v1', 'configmaps'],
  ['api/v1', 'secrets'],
  ['api/v1', 'services'],
  ['api/v1', 'serviceaccounts'],
  ['apis/apps/v1', 'deployments'],
  ['apis/apps/v1', 'controllerrevisions'],
  ['apis/autoscaling/v2', 'horizontalpodautoscalers'],
  ['apis/policy/v1', 'poddisruptionbudgets'],
  ['apis/networking.k8s.io/v1', 'networkpolicies'],
  ['apis/monitoring.coreos.com/v1', 'podmonitors'],
] as const;

/** Of the Prometheus operator, as far as it concerns us. */
const podMonitors = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'podmonitors.monitoring.coreos.com' },
  spec: {
    group: 'monitoring.coreos.com',
    names: { kind: 'PodMonitor', plural: 'podmonitors' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

const skip =
  process.env.USE_EXISTING_CLUSTER === 'true' && 'definitions are installed here, another kind for each test';

describe('rights of the operator', { skip }, () => {
  let kubernetes: Kubernetes;
  let client: KubeClient;
  before(async () => {
    // As some clusters have it: who blocks the deletion of an owner needs a right for that.
    kubernetes = await Kubernetes.start({
      apiServerArgs: ['--enable-admission-plugins=OwnerReferencesPermissionEnforcement'],
    });
    client = new KubeClient(kubernetes.config());
    // That admission learns of new kinds half a minute late, if it has looked before: nothing else is there yet.
    await kubernetes.installDefinitions();
    while ((await kubernetes.tryKubectl(['get', 'ec'])).code !== 0) await delay(50);
    await kubernetes.kubectl(['apply', '-f', '-'], { input: JSON.stringify(podMonitors) });
    await kubernetes.kubectl(['wait', '--for=condition=Established', 'crd/podmonitors.monitoring.coreos.com']);
  });
  after(async () => {
    client?.close();
    await kubernetes?.stop();
  });

  it('are enough in all namespaces, and not more than it uses', async (t) => {
    const system = await kubernetes.createNamespace('system');
    const media = await kubernetes.createNamespace('media');
    const sets = ['--set', 'crds.install=false,rbac.tlsSecrets=true'];
    await kubernetes.helm(['install', 'edgecluster', chart, '-n', system, ...sets]);
    const operator = await start(t, system, [], ['--watch-secrets=true']);

    await client.post(`/api/v1/namespaces/${media}/services`, {
      metadata: { name: 'origins' },
      spec: { selector: { app: 'origin' }, ports: [{ name: 'rtmp', port: 1935 }] },
    });
    await apply(media, everything);
    // Of another EdgeCluster, the name of its account is taken.
    await client.post(`/api/v1/namespaces/${media}/serviceaccounts`, { metadata: { name: 'taken' } });
    await apply(media, { ...everything, metadata: { name: 'taken' } });
    await conditionBecomes(media, 'Degraded', 'NameTaken');
    // By clients alone, which the operator scales by: three edges from the start.
    const byClients = { minReplicas: 3, maxReplicas: 5, targets: { playersPerPod: 100 } };
    await apply(media, {
      ...everything,
      metadata: { name: 'scaled' },
      spec: { ...everything.spec, autoscaling: byClients, pods: { serviceAccountName: 'default' } },
    });
    await client.until<EdgeCluster>(`/apis/edgecluster.io/v1alpha1/namespaces/${media}/edgeclusters`, (clusters) =>
      clusters.some(({ metadata, spec }) => metadata.name === 'scaled' && spec.replicas === 3),
    );
    for (const [group, kind] of ownedKinds) await ownedBecomes(media, group, kind, true);

    // With an account of another's, its own goes.
    await apply(media, { ...everything, spec: { ...everything.spec, pods: { serviceAccountName: 'default' } } });
    await ownedBecomes(media, 'api/v1', 'serviceaccounts', false);
    await conditionBecomes(media, 'Degraded', 'SecretNotFound');

    const roles = '/apis/rbac.authorization.k8s.io/v1';
    const granted = [
      ...rightsOf(await client.get(`${roles}/clusterroles/${system}:edgecluster`)),
      ...rightsOf(await client.get(`${roles}/namespaces/${system}/roles/edgecluster-leader`)),
    ].filter((right) => !seldom.some((pattern) => pattern.test(right)));
    // The lease is renewed after ten seconds.
    const deadline = Date.now() + 20_000;
    let unused = granted;
    while (unused.length > 0 && Date.now() < deadline) {
      const used = await usedRights(operator);
      unused = unused.filter((right) => !used.has(right));
      await delay(100);
    }
    assert.deepEqual(unused, []);
    await kubernetes.helm(['uninstall', 'edgecluster', '-n', system, '--wait']);
  });

  it('are enough in one namespace, where no Secrets may be listed', async (t) => {
    const [system, media, other] = await Promise.all(
      ['system', 'media', 'other'].map((name) => kubernetes.createNamespace(name)),
    );
    assert.ok(system && media && other);
    const sets = ['--set', `watchNamespaces={${media}}`, '--set', 'crds.install=false'];
    await kubernetes.helm(['install', 'edgecluster', chart, '-n', system, ...sets]);
    const operator = await start(t, system, [media]);
    await apply(other, everything);
    await apply(media, everything);
    for (const [group, kind] of ownedKinds) await ownedBecomes(media, group, kind, true);
    await conditionBecomes(media, 'Available', 'WaitingForEdges');
    // As a kubelet has it that cannot mount the certificate's Secret, which is not there.
    const pods = `/api/v1/namespaces/${media}/pods`;
    const [pod] = await client.until<V1Pod>(pods, (found) => found.length > 0);
    const unmounted = { type: 'PodReadyToStartContainers', status: 'False' };
    await client.patch(`${pods}/${pod?.metadata?.name}/status`, { status: { conditions: [unmounted] } });
    await client.until<EdgeCluster>(
      `/apis/edgecluster.io/v1alpha1/namespaces/${media}/edgeclusters`,
      ([live]) =>
        live?.status?.conditions?.some(({ message }) => message?.includes('volumes: Secret certificate')) === true,
    );
    assert.equal((await clusterIn(other)).status, undefined);
    assert.ok(
      (await metricsOf(operator)).includes(`_condition{namespace="${media}",name="live",type="Available"} 0\n`),
    );
    // Nothing was refused.
    await usedRights(operator);
    const account = `--as=system:serviceaccount:${system}:edgecluster`;
    for (const [verb, namespace] of [
      ['list', media],
      ['list', system],
      ['get', system],
      ['delete', system],
      ['create', other],
    ] as const) {
      const { stdout } = await kubernetes.tryKubectl(['auth', 'can-i', verb, 'secrets', '-n', namespace, account]);
      assert.equal(stdout.trim(), 'no', `${verb} secrets in ${namespace}`);
    }
    await kubernetes.helm(['uninstall', 'edgecluster', '-n', system, '--wait']);
  });

  /** An operator with a token of the release's account, until the test ends. */
  async function start(
    t: { after(end: () => Promise<void>): void },
    system: string,
    namespaces: readonly string[],
    more: readonly string[] = [],
  ): Promise<Operator> {
    const release = 'edgecluster';
    const args = [
      '--listen=127.0.0.1:0',
      `--lease-namespace=${system}`,
      `--lease-name=${release}`,
      `--master-key-secret=${release}-master-key`,
      '--edge-image=edge:1',
      ...more,
    ];
    const options = readOperatorOptions([...args, `--namespaces=${namespaces.join(',')}`], {});
    const access = await loadAccess(await kubernetes.kubeconfigOf(system, release));
    const operator = new Operator({ options, access, log: pino({ level: 'silent' }) });
    const stop = new AbortController();
    const running = operator.run(stop.signal);
    t.after(() => {
      stop.abort();
      return running;
    });
    return operator;
  }

  async function apply(namespace: string, manifest: object): Promise<void> {
    await kubernetes.kubectl(['apply', '-n', namespace, '-f', '-'], { input: JSON.stringify(manifest) });
  }

  async function clusterIn(namespace: string): Promise<EdgeCluster> {
    return client.get(`/apis/edgecluster.io/v1alpha1/namespaces/${namespace}/edgeclusters/live`);
  }

  async function conditionBecomes(namespace: string, type: string, reason: string): Promise<void> {
    await client.until<EdgeCluster>(`/apis/edgecluster.io/v1alpha1/namespaces/${namespace}/edgeclusters`, (clusters) =>
      clusters.some(({ status }) => status?.conditions?.some((it) => it.type === type && it.reason === reason)),
    );
  }

  /** Waits until there is an object of this kind that belongs to an EdgeCluster, or none. */
  async function ownedBecomes(namespace: string, group: string, kind: string, there: boolean): Promise<void> {
    await client.until<KubernetesObject>(
      `/${group}/namespaces/${namespace}/${kind}`,
      (objects) => objects.some(({ metadata }) => metadata?.ownerReferences?.[0]?.kind === 'EdgeCluster') === there,
    );
  }
});

async function metricsOf({ port }: Operator): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

/** `patch configmaps`; for each there was an answer, and none was a refusal. */
async function usedRights(operator: Operator): Promise<ReadonlySet<string>> {
  const text = await metricsOf(operator);
  const requests = [...text.matchAll(/^edgecluster_operator_api_requests_total\{(.*)\} \d+$/gm)].map(
    ([, labels = '']) =>
      Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value])),
  );
  assert.ok(requests.length > 10, text);
  const used = new Set<string>();
  for (const { verb, resource, code } of requests) {
    const right = `${verb === 'apply' ? 'patch' : verb} ${resource}`;
    assert.notEqual(code, '403', right);
    used.add(right);
    // An apply of something new is a create.
    if (verb === 'apply' && code === '201') used.add(`create ${resource}`);
    if (verb === 'apply' && resource === 'edgeclusters') used.add('patch edgeclusters/status');
    if (verb === 'patch' && resource === 'edgeclusters') used.add('patch edgeclusters/scale');
  }
  return used;
}

function rightsOf({ rules = [] }: V1Role): readonly string[] {
  return rules.flatMap(({ resources = [], verbs }) =>
    resources.flatMap((kind) => verbs.map((verb) => `${verb} ${kind}`)),
  );
}
