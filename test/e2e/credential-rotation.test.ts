/**
 * The credential of the edges' API is rotated again and again under load, with the operator's own poller and rendered
 * Secret: no player notices, and the operator is never refused, whoever hears of a new key first.
 */
import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { EdgePoller } from '../../operator/reconcile/edges/poller.ts';
import { apiCredentials, credentialLines, type MasterKeys } from '../../operator/render/credential.ts';
import { edgeCluster } from '../support/edge-clusters.ts';
import { startRenderedEdge } from '../support/rendered-edge.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { publisher, startEdge, stream } from '../support/rtmp-scene.ts';

const rotations = 4;
const playerCount = 40;

const key = (number: number): string => Buffer.alloc(32, number).toString('base64');

test('a rotation under load cuts no player and refuses no question', { timeout: 120_000 }, async (t) => {
  const origin = await startEdge(t, originConfig());
  const broadcast = new Broadcast([await publisher(t, origin)]);
  t.after(() => broadcast.stop());
  let masterKeys: MasterKeys = { current: key(1), former: undefined };
  const edge = await startRenderedEdge(t, { origins: [`127.0.0.1:${origin.port()}`], masterKeys });
  const port = edge.ports.get('rtmp') ?? 0;
  const players = await Promise.all(Array.from({ length: playerCount }, () => RtmpPeer.player({ port }, stream)));
  t.after(() => {
    for (const player of players) player.reset();
  });

  const refused: string[] = [];
  let asked = Promise.withResolvers<void>();
  const poller = new EdgePoller({
    intervalMs: 50,
    soonMs: 50,
    changed: () => {
      const state = poller.edge('live-1');
      if (state.state === 'silent') refused.push(state.why);
      asked.resolve();
    },
  });
  t.after(() => poller.close());
  const cluster = edgeCluster();
  const pod = { uid: 'live-1', ip: '127.0.0.1', apiPort: edge.ports.get('api') ?? 0, ready: true };
  /** The operator goes by these keys from now on. */
  const follow = () => poller.follow('media/live', [pod], undefined, apiCredentials(cluster, masterKeys));
  /** The mounted file has these keys from now on. A kubelet swaps it at once, too. */
  const mount = async () => {
    const since = edge.process.log.length;
    writeFileSync(`${edge.credentialsFile}.new`, credentialLines(apiCredentials(cluster, masterKeys)));
    renameSync(`${edge.credentialsFile}.new`, edge.credentialsFile);
    await edge.process.logged(({ msg }) => msg === 'API credentials read', since);
  };
  follow();
  await asked.promise;

  for (let number = 2; number < 2 + rotations; number++) {
    masterKeys = { current: key(number), former: masterKeys.current };
    // The operator knows a new key first; or it was started anew meanwhile, and the file has it first.
    if (number % 2 === 0) {
      follow();
      await poller.askNow('media/live');
      await mount();
    } else {
      await mount();
      await poller.askNow('media/live');
      follow();
    }
    await poller.askNow('media/live');
    // After the overlap the new key alone is valid.
    const former = masterKeys.former;
    masterKeys = { current: masterKeys.current, former: undefined };
    follow();
    await mount();
    await poller.askNow('media/live');
    asked = Promise.withResolvers();
    assert.equal(poller.edge('live-1').state, 'answering');
    const old = apiCredentials(cluster, { current: former ?? '', former: undefined });
    const authorization = `Basic ${Buffer.from(credentialLines(old).trim()).toString('base64')}`;
    const answer = await fetch(`http://127.0.0.1:${pod.apiPort}/api/v1/edge`, { headers: { authorization } });
    assert.equal(answer.status, 401, 'a former credential opens nothing any more');
  }
  assert.deepEqual(refused, []);

  // Every player got every frame since it came.
  const last = broadcast.timeMs;
  for (const player of players) {
    await player.next(({ timestamp, type }) => type === 9 && timestamp >= last);
    assert.equal(player.closed, false);
    const times = player.mediaMessages.filter(({ type }) => type === 9).map(({ timestamp }) => timestamp);
    const gaps = times.slice(2).map((time, index) => time - (times[index + 1] ?? 0));
    assert.ok(Math.max(...gaps) <= 20, `a gap of ${Math.max(...gaps)} ms`);
  }
});
