import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costChanges, deletionCostAnnotation } from '../../../../operator/reconcile/edges/deletion-cost.ts';
import type { EdgeState } from '../../../../operator/reconcile/edges/report.ts';
import { answering, edgesSaying, pod, silent } from '../scenes.ts';

/** The cost to write for a pod with this annotation, or undefined. */
function change(annotation: string | undefined, edge: EdgeState, exact = false): number | undefined {
  const annotations = annotation === undefined ? {} : { [deletionCostAnnotation]: annotation };
  const one = pod('a', 'ready', { metadata: { name: 'a', uid: 'uid-a', annotations } });
  const [found, ...more] = costChanges([one], edgesSaying({ a: edge }), { exact });
  assert.deepEqual(more, []);
  return found?.cost;
}

test('a pod costs its players, and ten for a publisher', () => {
  assert.equal(change(undefined, answering({ players: 3, publishers: 2 })), 23);
  assert.equal(change(undefined, answering({ players: 0 })), undefined);
  assert.equal(change('23', answering({ players: 3, publishers: 2 })), undefined);
});

test('small changes are not written, unless pods are about to be taken', () => {
  assert.equal(change('100', answering({ players: 120 })), undefined);
  assert.equal(change('100', answering({ players: 120 }), true), 120);
  assert.equal(change('100', answering({ players: 125 })), 125);
  assert.equal(change('100', answering({ players: 75 })), 75);
  assert.equal(change('4', answering({ players: 9 })), undefined);
  // Empty or not is what counts most.
  assert.equal(change('4', answering({ players: 0 })), 0);
  assert.equal(change('100', answering({ players: 100 }), true), undefined);
});

test('an annotation that is no number counts as none; a silent edge with what it said last', () => {
  assert.equal(change('many', answering({ players: 5 })), 5);
  assert.equal(change('5', silent, true), undefined);
  const said = answering({ players: 50 });
  assert.ok(said.state === 'answering');
  assert.equal(change('5', { state: 'silent', cause: 'noAnswer', why: '', last: said.report }), 50);
});

test('pods that end are taken already', () => {
  const pods = [pod('a', 'ending'), pod('b')];
  const changes = costChanges(pods, () => answering({ players: 5 }), { exact: true });
  assert.deepEqual(
    changes.map(({ pod, cost }) => [pod.metadata.name, cost]),
    [['b', 5]],
  );
});
