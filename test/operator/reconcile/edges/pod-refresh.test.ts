import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIG_HASH } from '../../../../operator/api/labels.ts';
import type { Told } from '../../../../operator/reconcile/edges/pod-memory.ts';
import { podsToRefresh, type Refresh, tellAgainMs } from '../../../../operator/reconcile/edges/pod-refresh.ts';
import type { EdgeState } from '../../../../operator/reconcile/edges/report.ts';
import { answering, hash, otherHash, type PodKind, pod, silent, unknown } from '../scenes.ts';

function refresh(edge: EdgeState, annotation: string | undefined, kind: PodKind, told?: Told, nowMs = 0): Refresh {
  const annotations = annotation === undefined ? {} : { [CONFIG_HASH]: annotation };
  const one = pod('a', kind, { metadata: { name: 'a', uid: 'uid-a', annotations } });
  return podsToRefresh(
    [one],
    () => hash,
    () => edge,
    () => told,
    nowMs,
  );
}

function isRefreshed(edge: EdgeState, annotation?: string, kind: PodKind = 'ready'): boolean {
  return refresh(edge, annotation, kind).tell.length > 0;
}

test('pods that run another configuration are told, once', () => {
  const behind = answering({ hash: otherHash });
  assert.equal(isRefreshed(behind), true);
  assert.equal(isRefreshed(behind, otherHash), true);
  assert.equal(isRefreshed(behind, hash), false);
});

test('a pod that started with the configuration needs nothing, nor one that nobody has asked yet', () => {
  assert.equal(isRefreshed(answering()), false);
  assert.equal(isRefreshed(answering(), otherHash), false);
  assert.equal(isRefreshed(unknown), false);
});

test('an edge that cannot be asked is told to be safe', () => {
  assert.equal(isRefreshed(silent), true);
  assert.equal(isRefreshed(silent, hash), false);
});

test('pods that end or have not started are left alone', () => {
  const behind = answering({ hash: otherHash });
  assert.equal(isRefreshed(behind, undefined, 'ending'), false);
  assert.equal(isRefreshed(behind, undefined, 'starting'), false);
});

test('a pod whose kubelet had not seen the ConfigMap yet is told again, with growing pauses, then no more', () => {
  const behind = answering({ hash: otherHash });
  const values: string[] = [];
  let told: Told | undefined;
  let nowMs = 0;
  for (;;) {
    const { tell, dueInMs } = refresh(behind, values.at(-1), 'ready', told, nowMs);
    for (const { value, times } of tell) {
      values.push(value);
      told = { configHash: hash, times, atMs: nowMs };
    }
    const due = tell.length > 0 ? refresh(behind, values.at(-1), 'ready', told, nowMs).dueInMs : dueInMs;
    if (due === undefined) break;
    nowMs += due;
  }
  assert.deepEqual(values, [hash, ...tellAgainMs.map((_, i) => `${hash}-${i + 2}`)]);
  assert.equal(
    nowMs,
    tellAgainMs.reduce((sum: number, ms) => sum + ms, 0),
  );
  assert.ok(nowMs >= 60_000, 'a kubelet may take a minute to find an API server that was away');
});

test('a pod is not told again once its edge has the configuration, or refuses it', () => {
  const told = { configHash: hash, times: 1, atMs: 0 };
  const later = tellAgainMs[0];
  const nothing = { tell: [], toldBefore: [], dueInMs: undefined };
  assert.deepEqual(refresh(answering(), hash, 'ready', told, later), nothing);
  const refusing = answering({ hash: otherHash, error: 'no such directive' });
  assert.deepEqual(refresh(refusing, hash, 'ready', told, later), nothing);
});

test('who follows an operator that has told a pod goes on where that one was', () => {
  const behind = answering({ hash: otherHash });
  for (const [annotation, times] of [
    [hash, 1],
    [`${hash}-2`, 2],
  ] as const) {
    const { tell, toldBefore, dueInMs } = refresh(behind, annotation, 'ready');
    assert.deepEqual(tell, []);
    assert.deepEqual(
      toldBefore.map(({ pod, ...rest }) => ({ uid: pod.metadata.uid, ...rest })),
      [{ uid: 'uid-a', times, configHash: hash }],
    );
    assert.equal(dueInMs, tellAgainMs[times - 1]);
  }
  const last = refresh(behind, `${hash}-${tellAgainMs.length + 1}`, 'ready');
  assert.deepEqual([last.tell, last.dueInMs], [[], undefined]);
});
