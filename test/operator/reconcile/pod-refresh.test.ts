import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIG_HASH } from '../../../operator/api/labels.ts';
import type { EdgeState } from '../../../operator/reconcile/edge-report.ts';
import { podsToRefresh } from '../../../operator/reconcile/pod-refresh.ts';
import { answering, hash, otherHash, type PodKind, pod, silent, unknown } from './scenes.ts';

function isRefreshed(edge: EdgeState, annotation?: string, kind: PodKind = 'ready'): boolean {
  const annotations = annotation === undefined ? {} : { [CONFIG_HASH]: annotation };
  const one = pod('a', kind, { metadata: { name: 'a', uid: 'uid-a', annotations } });
  return podsToRefresh([one], hash, () => edge).length > 0;
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
