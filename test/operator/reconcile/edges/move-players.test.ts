/** Overfull edges are told to move players: real edges, asked with the credential of their API. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { CapsEx } from '../../../../edge/rtmp/enhanced.ts';
import type { EdgePod } from '../../../../operator/reconcile/edges/edge-pods.ts';
import { movePlayers } from '../../../../operator/reconcile/edges/move-players.ts';
import { EdgePoller } from '../../../../operator/reconcile/edges/poller.ts';
import { RebalanceMemory, roundMs, youngestMs } from '../../../../operator/reconcile/edges/rebalance.ts';
import { edgeCluster } from '../../../support/edge-clusters.ts';
import { EdgeProcess } from '../../../support/edge-process.ts';
import { RtmpPeer } from '../../../support/rtmp-peer.ts';
import { answering, deployment, edgesSaying, pod } from '../scenes.ts';

const options = { timeout: 90_000 };
const reconnectCode = 'NetConnection.Connect.ReconnectRequest';
const credential = { username: 'operator', password: 'secret' };
const { signal } = new AbortController();

async function startEdge(t: TestContext): Promise<EdgeProcess> {
  const { username, password } = credential;
  const edge = await EdgeProcess.start(`
    listen 127.0.0.1:0; grace_start_wait 0;
    http_api { enabled on; listen 127.0.0.1:0; auth { enabled on; username ${username}; password ${password}; } }
    vhost __defaultVhost__ { }`);
  t.after(() => edge.kill());
  return edge;
}

async function players(t: TestContext, edge: EdgeProcess, count: number, capsEx: number): Promise<RtmpPeer[]> {
  const peers = await Promise.all(
    Array.from({ length: count }, () => RtmpPeer.player({ port: edge.port(), properties: { capsEx } }, 'one')),
  );
  t.after(() => {
    for (const peer of peers) peer.reset();
  });
  return peers;
}

function wasAsked(peer: RtmpPeer): boolean {
  return peer.commands.some((command) => command.kind === 'onStatus' && command.code === reconnectCode);
}

test('a real edge says how many players can be asked, and asks as many as it is told', options, async (t) => {
  const edge = await startEdge(t);
  const able = await players(t, edge, 6, CapsEx.reconnect);
  const plain = await players(t, edge, 2, 0);
  // It would take the request for an edge that stops.
  const properties = { capsEx: CapsEx.reconnect };
  const below = await RtmpPeer.player(
    { port: edge.port(), properties, args: [{ srs_pid: 1, srs_id: 'edge-b' }] },
    'one',
  );
  t.after(() => below.reset());
  const poller = new EdgePoller({ changed: () => {}, intervalMs: 3_600_000 });
  t.after(() => poller.close());
  const pods: EdgePod[] = [{ uid: 'a', ip: '127.0.0.1', apiPort: edge.port('http-api'), ready: true }];
  poller.follow('media/live', pods, undefined, [credential]);
  await poller.askNow('media/live');
  const state = poller.edge('a');
  assert.ok(state.state === 'answering', JSON.stringify(state));
  assert.deepEqual([state.report.figures.players, state.report.movablePlayers], [9, 6]);
  const now = { withinMs: 0, olderThanMs: 0 };
  assert.equal(await poller.move('a', { clients: 6, withinMs: 0, olderThanMs: 600_000 }, signal), 0, 'none is so old');
  assert.equal(await poller.move('a', { clients: 50, ...now }, signal), 6);
  await Promise.all(able.map((peer) => peer.status(reconnectCode)));
  assert.ok(![below, ...plain].some(wasAsked));
  assert.equal(await poller.move('a', { clients: 50, ...now }, signal), 0);
  await assert.rejects(poller.move('b', { clients: 1, ...now }, signal), /not there any more/);
  poller.follow('media/live', pods, undefined, [{ username: 'operator', password: 'wrong' }]);
  await assert.rejects(poller.move('a', { clients: 1, ...now }, signal), /does not know the credential/);
});

test('the fullest is told, by name; one that does not answer harms nobody', options, async () => {
  const told: unknown[] = [];
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const deps = {
    edges: {
      edge: edgesSaying({
        a: answering({ players: 300 }),
        b: answering({ players: 300 }),
        c: answering({ players: 0 }),
      }),
      move: async (uid: string, moving: object) => {
        told.push([uid, moving]);
        if (uid === 'uid-b') throw new Error('no answer in 2000 ms');
        return 90;
      },
    },
    log,
    signal,
  };
  const input = {
    cluster: edgeCluster({ spec: { rebalance: { playersPerMinute: 150 } } }),
    pods: ['a', 'b', 'c'].map((name) => pod(name)),
    deployment: deployment(),
  };
  const memory = new RebalanceMemory();
  assert.equal(await movePlayers(deps, input, memory, 0), 30_000);
  assert.equal(await movePlayers(deps, input, memory, 30_000), roundMs);
  const moving = { clients: 75, withinMs: roundMs, olderThanMs: youngestMs };
  assert.deepEqual(told, [
    ['uid-a', moving],
    ['uid-b', moving],
  ]);
  assert.match(lines.join(''), /"pod":"a","players":90,.*an overfull edge asks players to connect again/);
  assert.match(lines.join(''), /"pod":"b","err":"no answer in 2000 ms".*could not be told/);
});

test('a manifest that wants none of it, and a roll-out, move nobody', options, async () => {
  const deps = {
    edges: {
      edge: edgesSaying({ a: answering({ players: 300 }), b: answering({ players: 0 }) }),
      move: () => assert.fail('nobody is to be moved'),
    },
    log: pino({ level: 'silent' }),
    signal,
  };
  const pods = ['a', 'b'].map((name) => pod(name));
  const off = edgeCluster({ spec: { rebalance: { playersPerMinute: 0 } } });
  const rolling = deployment({ updatedReplicas: 1 });
  for (const input of [
    { cluster: off, pods, deployment: deployment() },
    { cluster: edgeCluster(), pods, deployment: rolling },
    { cluster: edgeCluster(), pods, deployment: undefined },
  ]) {
    const memory = new RebalanceMemory();
    for (const nowMs of [0, 30_000, 600_000]) assert.equal(await movePlayers(deps, input, memory, nowMs), undefined);
  }
});
