/** Our Secret where Secrets may not be watched: a look by its name now and then stands in for an informer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubernetesObject, V1Secret } from '@kubernetes/client-node';
import { ApiError } from '../../../../operator/kube/api.ts';
import { lookAtSecret } from '../../../../operator/reconcile/apply/own-secret.ts';
import { ClusterMemory } from '../../../../operator/reconcile/cluster-memory.ts';
import { edgeCluster } from '../../../support/edge-clusters.ts';

const id = '/Secret/live-api-credentials';
const cluster = edgeCluster();
const secret: V1Secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'live-api-credentials', uid: 'a' } };

/** Looks at what `answer` says is there. */
function looker(memory: ClusterMemory) {
  const asked: string[] = [];
  const state: { answer: V1Secret | ApiError | undefined } = { answer: secret };
  const get = async <T extends KubernetesObject>(_: unknown, namespace: string | undefined, name: string) => {
    asked.push(`${namespace}/${name}`);
    if (state.answer instanceof Error) throw state.answer;
    return state.answer as T | undefined;
  };
  const { signal } = new AbortController();
  return { asked, state, look: (nowMs: number) => lookAtSecret({ api: { get }, signal }, cluster, memory, nowMs) };
}

test('it is looked at when five minutes have passed, and no sooner', async () => {
  const { asked, look } = looker(new ClusterMemory('uid'));
  assert.equal(await look(0), 300_000);
  assert.equal(await look(100_000), 200_000);
  assert.deepEqual(asked, ['media/live-api-credentials']);
  assert.equal(await look(300_000), 300_000);
  assert.equal(asked.length, 2);
});

test('what is there is known from then on; what is gone is, too', async () => {
  const memory = new ClusterMemory('uid');
  const { state, look } = looker(memory);
  await look(0);
  assert.equal(memory.owned.newest(id, undefined)?.metadata?.uid, 'a');
  state.answer = undefined;
  await look(300_000);
  assert.equal(memory.owned.newest(id, undefined), undefined);
});

test('who may not look goes on without; other failures are the reconcile’s', async () => {
  const { state, look } = looker(new ClusterMemory('uid'));
  state.answer = new ApiError(403, 'Forbidden', 'no');
  assert.equal(await look(0), 300_000);
  state.answer = new ApiError(0, 'Unreachable', 'no');
  await assert.rejects(look(300_000), { reason: 'Unreachable' });
});
