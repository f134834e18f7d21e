import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NODE_KEPT } from '../../../../operator/api/labels.ts';
import { markChanges } from '../../../../operator/reconcile/edges/node-keeping.ts';
import { answering, edgesSaying, pod, silent } from '../scenes.ts';

const evict = 'cluster-autoscaler.kubernetes.io/safe-to-evict';
const disrupt = 'karpenter.sh/do-not-disrupt';
const marks = { [NODE_KEPT]: 'true', [evict]: 'false', [disrupt]: 'true' };
const noMarks = { [NODE_KEPT]: null, [evict]: null, [disrupt]: null };
const marked = { metadata: { name: 'a', uid: 'uid-a', annotations: marks } };

test('nodes are kept while their edge has clients, players or publishers, and no longer', () => {
  const change = (more: object, figures: { players?: number; publishers?: number }) =>
    markChanges([pod('a', 'ready', more)], edgesSaying({ a: answering(figures) }), true)[0]?.annotations;
  assert.deepEqual(change({}, { players: 1 }), marks);
  assert.deepEqual(change({}, { players: 0, publishers: 1 }), marks);
  assert.equal(change(marked, { players: 7 }), undefined);
  assert.deepEqual(change(marked, { players: 0 }), noMarks);
  assert.equal(change({}, { players: 0 }), undefined);
});

test('when nodes are not to be kept, our marks go, and a person’s stay', () => {
  const busy = edgesSaying({ a: answering({ players: 5 }) });
  assert.deepEqual(markChanges([pod('a', 'ready', marked)], busy, false)[0]?.annotations, noMarks);
  const theirs = { metadata: { name: 'a', uid: 'uid-a', annotations: { [evict]: 'false' } } };
  assert.deepEqual(markChanges([pod('a', 'ready', theirs)], busy, false), []);
});

test('a pod that ends, or whose edge never answered, is left as it is; a silent one counts with what it said last', () => {
  assert.deepEqual(
    markChanges([pod('a', 'ending')], () => answering({ players: 5 }), true),
    [],
  );
  assert.deepEqual(markChanges([pod('a')], edgesSaying({ a: silent }), true), []);
  const said = answering({ players: 50 });
  assert.ok(said.state === 'answering');
  const state = { state: 'silent', cause: 'noAnswer', why: '', last: said.report } as const;
  assert.equal(markChanges([pod('a')], () => state, true).length, 1);
});
