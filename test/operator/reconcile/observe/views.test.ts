import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1ContainerStatus, V1Pod, V1Volume } from '@kubernetes/client-node';
import { type PodFailure, podView } from '../../../../operator/reconcile/observe/views.ts';

const startedAt = '2025-03-01T12:00:00Z' as unknown as Date;
const later = '2025-03-01T12:05:00Z' as unknown as Date;
const before = '2025-03-01T11:59:50Z' as unknown as Date;

/** A pod as the API server has it: running and ready. */
function kubernetesPod(status: V1Pod['status'] = {}, metadata: V1Pod['metadata'] = {}): V1Pod {
  return {
    metadata: { name: 'live-1', uid: 'uid-1', namespace: 'media', ...metadata },
    spec: {
      containers: [
        { name: 'sidecar', ports: [{ name: 'admin', containerPort: 9000 }] },
        { name: 'edge', args: ['-c', '/etc/edge/edge-2.conf'], ports: [{ name: 'api', containerPort: 1985 }] },
      ],
    },
    status: { phase: 'Running', podIP: '10.1.0.1', conditions: [{ type: 'Ready', status: 'True' }], ...status },
  };
}

function container(state: V1ContainerStatus['state'], more: Partial<V1ContainerStatus> = {}): V1ContainerStatus {
  return { name: 'edge', image: '', imageID: '', ready: false, restartCount: 3, ...(state && { state }), ...more };
}

function failureOf(state: V1ContainerStatus['state'], more?: Partial<V1ContainerStatus>): PodFailure | undefined {
  return podView(kubernetesPod({ containerStatuses: [container(state, more)] })).failure;
}

test('of a pod what the operator looks at is kept, and nothing else', () => {
  const annotations = {
    'edgecluster.io/config-hash': 'a',
    'example.com/big': 'b',
    'controller.kubernetes.io/pod-deletion-cost': '5',
  };
  assert.deepEqual(podView(kubernetesPod({}, { annotations, managedFields: [{}], resourceVersion: '7' })), {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'live-1',
      namespace: 'media',
      uid: 'uid-1',
      resourceVersion: '7',
      annotations: { 'edgecluster.io/config-hash': 'a', 'controller.kubernetes.io/pod-deletion-cost': '5' },
    },
    phase: 'Running',
    ip: '10.1.0.1',
    apiPort: 1985,
    language: 2,
    ready: true,
    ending: false,
    failure: undefined,
    awaitedSecrets: [],
  });
  assert.equal(podView(kubernetesPod({}, { deletionTimestamp: startedAt })).ending, true);
});

test('a pod whose volumes are not there waits for the Secrets that it cannot do without', () => {
  const volumes = [
    { name: 'config', configMap: { name: 'live' } },
    { name: 'api-credentials', secret: { secretName: 'live-api-credentials', optional: true } },
    { name: 'rtmps-tls', secret: { secretName: 'certificate' } },
    { name: 'https-tls', secret: { secretName: 'certificate' } },
  ];
  const awaited = (phase: string, status: string, more: readonly V1Volume[] = volumes) => {
    const pod = kubernetesPod({ phase, conditions: [{ type: 'PodReadyToStartContainers', status }] });
    const spec = { containers: [], ...pod.spec, volumes: [...more] };
    return podView({ ...pod, spec }).awaitedSecrets;
  };
  assert.deepEqual(awaited('Pending', 'False'), ['certificate']);
  // Its image is pulled; it ran, and its node is gone; it mounts no Secret.
  assert.deepEqual(awaited('Pending', 'True'), []);
  assert.deepEqual(awaited('Running', 'False'), []);
  assert.deepEqual(awaited('Pending', 'False', volumes.slice(0, 2)), []);
});

test('a pod that fails says why in its own words; one that starts does not fail', () => {
  assert.equal(failureOf({ waiting: { reason: 'ContainerCreating' } }), undefined);
  assert.deepEqual(failureOf({ waiting: { reason: 'ImagePullBackOff', message: 'no such image' } }), {
    reason: 'ImagePullBackOff',
    message: 'no such image',
  });
  const crash = { terminated: { exitCode: 1, reason: 'Error' } };
  const waiting = { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting failed container' };
  assert.deepEqual(failureOf({ waiting }, { lastState: crash }), {
    reason: 'CrashLoopBackOff',
    message: 'Error, exit code 1',
  });
  assert.deepEqual(failureOf({ waiting })?.message, waiting.message);
  assert.deepEqual(failureOf({ terminated: { exitCode: 137, reason: 'OOMKilled' } }), {
    reason: 'OOMKilled',
    message: 'OOMKilled, exit code 137; 3 restarts',
  });
  assert.equal(failureOf({ running: { startedAt } }, { lastState: crash }), undefined);
  const unscheduled = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes' };
  assert.deepEqual(podView(kubernetesPod({ phase: 'Pending', conditions: [unscheduled] })).failure, {
    reason: 'Unschedulable',
    message: '0/3 nodes',
  });
});

test('a pod that was ready and is not has failed; one that is not ready yet has not', () => {
  const unready = (lastTransitionTime: Date) =>
    podView(
      kubernetesPod({
        conditions: [{ type: 'Ready', status: 'False', lastTransitionTime }],
        containerStatuses: [container({ running: { startedAt } })],
      }),
    ).failure?.reason;
  assert.equal(unready(before), undefined);
  assert.equal(unready(startedAt), undefined);
  assert.equal(unready(later), 'NotReady');
});
