/** Annotations of many pods are written some at a time: not one after the other, and not all at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { pino } from 'pino';
import { ApiError } from '../../../../operator/kube/api.ts';
import { type PodDeps, refreshPods, updateCosts } from '../../../../operator/reconcile/edges/pod-annotations.ts';
import { PodMemory } from '../../../../operator/reconcile/edges/pod-memory.ts';
import type { EdgeState } from '../../../../operator/reconcile/edges/report.ts';
import { answering, hash, otherHash, pod } from '../scenes.ts';

const pods = Array.from({ length: 100 }, (_, i) => pod(`live-${i}`));

/** An API server that keeps every write until all that are coming have come, then answers one. */
function slowApi(answer: (name: string) => V1Pod | ApiError) {
  const seen = { begun: [] as string[], most: 0 };
  let underWay = 0;
  const mergePatch = async (_: unknown, namespace: string | undefined, name: string): Promise<unknown> => {
    seen.begun.push(name);
    seen.most = Math.max(seen.most, ++underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay--;
    const answered = answer(name);
    if (answered instanceof Error) throw answered;
    return { ...answered, metadata: { ...answered.metadata, namespace } };
  };
  return { seen, mergePatch: mergePatch as PodDeps['api']['mergePatch'] };
}

function deps(api: PodDeps['api'], edge: EdgeState): PodDeps {
  return { api, edge: () => edge, log: pino({ level: 'silent' }), signal: new AbortController().signal };
}

const written = (name: string): V1Pod => ({ metadata: { name, uid: `uid-${name}` } });

test('pods are told of a configuration eight at a time, each once', async () => {
  const { seen, ...api } = slowApi(written);
  const memory = new PodMemory();
  const behind = answering({ hash: otherHash });
  assert.equal(await refreshPods(deps(api, behind), pods, { hash }, memory, 0), 3000);
  assert.equal(seen.most, 8);
  assert.deepEqual(seen.begun.toSorted(), pods.map(({ metadata }) => metadata.name).toSorted());
  for (const { metadata } of pods) assert.equal(memory.told(metadata.uid)?.configHash, hash);
});

test('costs are written in the same way; a pod that is gone holds up nobody', async () => {
  const gone = new ApiError(404, 'NotFound', 'gone');
  const { seen, ...api } = slowApi((name) => (name === 'live-3' ? gone : written(name)));
  await updateCosts(deps(api, answering({ players: 5 })), pods, false, new PodMemory());
  assert.equal(seen.most, 8);
  assert.equal(seen.begun.length, 100);
});

test('when the API server cannot be reached, no more writes are begun, and what is not written is not told', async () => {
  const away = new ApiError(0, 'Unreachable', 'cannot reach the API server');
  const { seen, ...api } = slowApi((name) => (name === 'live-10' ? away : written(name)));
  const memory = new PodMemory();
  await assert.rejects(refreshPods(deps(api, answering({ hash: otherHash })), pods, { hash }, memory, 0), away);
  assert.ok(seen.begun.length <= 10 + 8, `${seen.begun.length} writes`);
  assert.equal(memory.told('uid-live-0')?.times, 1);
  assert.equal(memory.told('uid-live-10'), undefined);
  assert.equal(memory.told('uid-live-99'), undefined);
});
