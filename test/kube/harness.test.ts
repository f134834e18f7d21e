/** The stand-in for nodes does what Kubernetes does, shown with edges in plain Deployments. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1ConfigMap, V1Deployment, V1EndpointSlice, V1Pod } from '@kubernetes/client-node';
import { Kubernetes } from '../support/kubernetes.ts';
import { isReady, KubeClient } from '../support/kubernetes-client.ts';
import { ProcessKubelet } from '../support/process-kubelet/kubelet.ts';
import { cannotRunPods, PodNetwork } from '../support/process-kubelet/network.ts';

const config = (workers: number): string => `
listen 1935;
inotify_auto_reload on;
max_connections ${workers};
http_api { enabled on; listen 1985; auth { enabled on; username test; password secret; } }
vhost __defaultVhost__ { cluster { mode local; } }
`;

async function edgeOf(address: string): Promise<{ readonly config: { readonly hash: string } }> {
  const headers = { Authorization: `Basic ${btoa('test:secret')}` };
  return (await (await fetch(`http://${address}:1985/api/v1/edge`, { headers })).json()) as {
    config: { hash: string };
  };
}

function deployment(name: string, replicas: number): V1Deployment {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 10,
          securityContext: { runAsNonRoot: true, runAsUser: 65532 },
          containers: [
            {
              name: 'edge',
              image: 'edgecluster',
              args: ['-c', '/etc/edge/edge.conf'],
              securityContext: { readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
              ports: [
                { name: 'rtmp', containerPort: 1935 },
                { name: 'api', containerPort: 1985 },
              ],
              readinessProbe: { httpGet: { path: '/readyz', port: 'api' }, periodSeconds: 1 },
              volumeMounts: [{ name: 'config', mountPath: '/etc/edge', readOnly: true }],
            },
          ],
          volumes: [{ name: 'config', configMap: { name } }],
        },
      },
    },
  };
}

describe('a stand-in for nodes', { skip: cannotRunPods() }, () => {
  let network: PodNetwork;
  let kubernetes: Kubernetes;
  let kubelet: ProcessKubelet;
  let client: KubeClient;
  let namespace: string;

  before(async () => {
    network = new PodNetwork();
    kubernetes = await Kubernetes.start({ address: network.gateway });
    kubelet = await ProcessKubelet.start(kubernetes, network, { nodes: ['node-a', 'node-b'] });
    client = new KubeClient(kubernetes.config());
    namespace = await kubernetes.createNamespace();
  });

  after(async () => {
    await kubelet?.stop();
    await kubernetes?.stop();
    network?.close();
    client?.close();
  });

  const path = (resource: string): string => `/api/v1/namespaces/${namespace}/${resource}`;
  const apply = (manifest: unknown): Promise<string> =>
    kubernetes.kubectl(['apply', '-n', namespace, '-f', '-'], { input: JSON.stringify(manifest) });
  const configure = (name: string, text: string): Promise<string> =>
    apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { 'edge.conf': text } } as V1ConfigMap);
  const podsOf = (name: string): string => path(`pods?labelSelector=app%3D${name}`);

  it('runs pods as processes with addresses of their own, spread over nodes', async () => {
    await configure('plain', config(100));
    await apply(deployment('plain', 2));
    const pods = await client.until<V1Pod>(podsOf('plain'), (all) => all.length === 2 && all.every(isReady));
    assert.equal(new Set(pods.map((pod) => pod.status?.podIP)).size, 2);
    assert.deepEqual(pods.map((pod) => pod.spec?.nodeName).sort(), ['node-a', 'node-b']);
    for (const pod of pods) {
      const answer = await fetch(`http://${pod.status?.podIP}:1985/readyz`);
      assert.equal(answer.status, 200);
    }
    await kubernetes.kubectl(['-n', namespace, 'rollout', 'status', 'deployment/plain', '--timeout=30s']);
  });

  it('makes end points of Services from them', async () => {
    await kubernetes.kubectl(['-n', namespace, 'expose', 'deployment', 'plain', '--port=1935']);
    await client.until<V1EndpointSlice>(
      `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
      (slices) => slices.flatMap(({ endpoints }) => endpoints ?? []).filter((it) => it.conditions?.ready).length === 2,
    );
  });

  it('lets a changed ConfigMap reach a pod when the pod is touched', async () => {
    await configure('plain', config(200));
    const [pod] = kubelet.pods(namespace);
    assert.ok(pod);
    const pid = pod.pid;
    await kubernetes.kubectl(['-n', namespace, 'annotate', 'pod', pod.name, 'touched=1']);
    const hash = createHash('sha256').update(config(200)).digest('hex').slice(0, 16);
    while ((await edgeOf(pod.address)).config.hash !== hash) await delay(50);
    assert.equal(pod.pid, pid);
  });

  it('waits for a ConfigMap that comes later', async () => {
    await apply(deployment('late', 1));
    await client.until<V1Pod>(podsOf('late'), ([pod]) => pod?.status?.podIP !== undefined);
    assert.equal(kubelet.pods(namespace).find(({ name }) => name.startsWith('late'))?.pid, undefined);
    await configure('late', config(100));
    await client.until<V1Pod>(podsOf('late'), ([pod]) => pod !== undefined && isReady(pod));
  });

  it('starts a process again that was killed', async () => {
    const pod = kubelet.pods(namespace).find(({ name }) => name.startsWith('late'));
    process.kill(pod?.pid ?? 0, 'SIGKILL');
    await client.until<V1Pod>(
      podsOf('late'),
      ([it]) => it?.status?.containerStatuses?.[0]?.restartCount === 1 && isReady(it),
    );
  });

  it('ends a pod by SIGTERM and forgets it', async () => {
    const pod = kubelet.pods(namespace).find(({ name }) => name.startsWith('late'));
    await kubernetes.kubectl(['-n', namespace, 'delete', 'deployment', 'late']);
    await client.until<V1Pod>(podsOf('late'), (pods) => pods.length === 0);
    assert.ok(
      pod?.lines.some((line) => line.includes('"draining"')),
      pod?.lines.join('\n'),
    );
  });
});
