import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONFIG_FILE } from '../../../../operator/api/labels.ts';
import { fleetOf, rolloutOf } from '../../../../operator/reconcile/edges/fleet.ts';
import type { EdgeState } from '../../../../operator/reconcile/edges/report.ts';
import type { PodView } from '../../../../operator/reconcile/observe/views.ts';
import { clientsIn, holdIn } from '../../../../operator/reconcile/scaling/sight.ts';
import { answering, deployment, edgesSaying, pod, report, silent, unknown } from '../scenes.ts';

function seen(pods: readonly PodView[], edges: Readonly<Record<string, EdgeState>>) {
  const { clients, isComplete, emptyEdges } = clientsIn(fleetOf(pods, edgesSaying(edges), Date.now()));
  return [clients?.players, isComplete, emptyEdges];
}

const down = { 'origin-a.media:1935': 'down', 'origin-b.media:1935': 'down' } as const;

describe('what is seen of clients', () => {
  const two = [pod('a'), pod('b')];
  for (const [name, pods, edges, expected] of [
    ['all edges', two, { a: answering({ players: 7 }), b: answering({ players: 5 }) }, [12, true, 0]],
    ['an edge without clients', two, { a: answering({ players: 7 }) }, [7, true, 1]],
    ['a publisher is a client', two, { a: answering({ players: 7 }), b: answering({ publishers: 1 }) }, [7, true, 0]],
    [
      'clients of an edge that ends will be at the others',
      [...two, pod('c', 'ending')],
      { a: answering({ players: 7 }), c: answering({ players: 30 }) },
      [37, true, 1],
    ],
    ['an edge that ends and does not tell', [...two, pod('c', 'ending')], { c: silent }, [0, true, 2]],
    [
      'a silent edge is taken for as full as the others',
      [...two, pod('c')],
      { a: answering({ players: 10 }), b: answering({ players: 20 }), c: silent },
      [45, false, 0],
    ],
    [
      'one that has just fallen silent has what it had',
      two,
      { a: answering({ players: 10 }), b: { ...silent, last: report({ players: 3 }) } },
      [13, true, 0],
    ],
    ['no edge tells', two, { a: silent, b: silent }, [undefined, false, 0]],
    ['an edge that was not asked yet', two, { a: answering({ players: 10 }), b: unknown }, [10, false, 0]],
    [
      'a silent edge that is not ready has lost its clients to the others, perhaps',
      [pod('a'), pod('b', 'failing')],
      { a: answering({ players: 10 }), b: silent },
      [10, false, 0],
    ],
    ['a pod without a node has no clients', [pod('a'), pod('b', 'starting')], { b: unknown }, [0, true, 1]],
    ['no edge is ready', [pod('a', 'starting')], { a: unknown }, [0, false, 0]],
    ['no edge at all', [], {}, [0, false, 0]],
    [
      'no edge reaches an origin',
      two,
      { a: answering({ origins: down }), b: answering({ origins: down }) },
      [0, false, 2],
    ],
    ['one reaches an origin', two, { a: answering({ origins: down }) }, [0, true, 2]],
  ] as const)
    it(name, () => assert.deepEqual(seen(pods, edges), expected));

  it('no edge is taken while they are replaced, or try a configuration', () => {
    const fleet = (pods: readonly PodView[]) => fleetOf(pods, () => answering(), Date.now());
    assert.equal(holdIn(fleet(two), rolloutOf(deployment())), undefined);
    assert.match(holdIn(fleet(two), rolloutOf(deployment({ updatedReplicas: 1 }))) ?? '', /replaced/);
    const { metadata } = pod('b');
    const canary = pod('b', 'ready', { metadata: { ...metadata, annotations: { [CONFIG_FILE]: 'x.conf' } } });
    assert.match(holdIn(fleet([pod('a'), canary]), undefined) ?? '', /tried/);
  });
});
