/** A drain under load: clients go over a few at a time, and never all at once. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { CapsEx } from '../../edge/rtmp/enhanced.ts';
import type { EdgeProcess } from '../support/edge-process.ts';
import { clip } from '../support/media.ts';
import { edgeConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { publisher, reload, startEdge, startOrigin, stream } from '../support/rtmp-scene.ts';

/** The drain itself lasts 8 s. */
const testOptions = { timeout: 60_000 };
const reconnectCode = 'NetConnection.Connect.ReconnectRequest';
/** The bounds of windows are counts, and so generous: machines stand still at times. */
const windowMs = 500;

/** The most that happen within one window. */
function most(times: readonly number[]): number {
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + windowMs).length));
}

/** An origin whose stream goes on for ever, with a key frame every 200 ms. */
async function endlessOrigin(t: Parameters<typeof startOrigin>[0]) {
  return startOrigin(t, {
    play: (_, connection) => {
      const startMs = performance.now();
      let sent = 0;
      connection.send(...clip({ gops: 1 }));
      const timer = setInterval(() => {
        const due = Math.floor((performance.now() - startMs) / 200);
        for (; sent < due; sent++) connection.send(...clip({ gops: 1, startMs: (sent + 1) * 200 }).slice(3));
      }, 50);
      t.after(() => clearInterval(timer));
    },
  });
}

/** Goes to another edge when it is asked to, as E-RTMP clients do. Resolves with when it was asked. */
async function goesOver(peer: RtmpPeer, to: EdgeProcess, there: RtmpPeer[]): Promise<number> {
  await peer.status(reconnectCode);
  const askedMs = performance.now();
  there.push(await RtmpPeer.player({ port: to.port(), properties: { capsEx: CapsEx.reconnect } }, stream));
  peer.end();
  return askedMs;
}

test(
  '100 players and a publisher: those who can are asked and go over, the rest leave at key frames',
  testOptions,
  async (t) => {
    const origin = await endlessOrigin(t);
    const config = edgeConfig({ origins: [origin.port], edge: 'drain_timeout 8000;' });
    const [edge, other] = await Promise.all([startEdge(t, config), startEdge(t, config)]);
    const options = { port: edge.port() };
    const open = (properties: { capsEx?: number }) =>
      Promise.all(Array.from({ length: 50 }, () => RtmpPeer.player({ ...options, properties }, stream)));
    const [able, plain] = [await open({ capsEx: CapsEx.reconnect }), await open({})];
    const there: RtmpPeer[] = [];
    t.after(() => {
      for (const peer of [...able, ...plain, ...there]) peer.reset();
    });
    const source = await publisher(t, edge, 'published');
    await Promise.all([...able, ...plain].map((peer) => peer.frames(13)));
    const moves = able.map((peer) => goesOver(peer, other, there));
    const ends = plain.map(async (peer) => {
      await peer.untilClosed();
      return performance.now();
    });
    const sourceEnds = source.untilClosed().then(() => performance.now());
    edge.signal('SIGTERM');
    const askedMs = await Promise.all(moves);
    const endedMs = await Promise.all(ends);
    assert.equal(there.length, 50);
    assert.ok(most(askedMs) <= 25, `${most(askedMs)} of 50 were asked within ${windowMs} ms`);
    assert.ok(most(endedMs) <= 25, `${most(endedMs)} of 50 were ended within ${windowMs} ms`);
    assert.ok((await sourceEnds) >= Math.max(...endedMs) - windowMs, 'publishers end last');
    const atKeyframe = plain.filter((peer) => {
      const last = peer.mediaMessages.at(-1)?.timestamp ?? 0;
      // GOPs of five pictures, 40 ms apart, with sound 3 ms behind each.
      return last % 200 === 163;
    });
    assert.ok(atKeyframe.length >= 40, `${atKeyframe.length} of 50 left at a key frame`);
    for (const peer of plain) await peer.status('NetStream.Play.UnpublishNotify');
    assert.equal(await edge.exit(), 0);
    const last = edge.log.find(({ msg }) => msg === 'drained');
    const { asked, moved, ended } = last as unknown as { asked: number; moved: number; ended: number };
    assert.deepEqual([asked, moved + ended], [50, 101]);
    // On a machine that is held up some are ended before they have left.
    assert.ok(moved >= 25, `${moved} of 50 left by themselves`);
  },
);

test('clients who leave by themselves end a drain early', testOptions, async (t) => {
  const edge = await startEdge(t, edgeConfig({ origins: [1], edge: 'drain_timeout 3600000;' }));
  const peers = await Promise.all(Array.from({ length: 5 }, () => RtmpPeer.player({ port: edge.port() }, stream)));
  edge.signal('SIGTERM');
  await edge.logged(({ msg }) => msg === 'draining');
  for (const peer of peers) peer.end();
  assert.equal(await edge.exit(), 0);
});

test('a drain takes as long as the configuration says, also one that is reloaded meanwhile', testOptions, async (t) => {
  const origin = await endlessOrigin(t);
  const config = (timeoutMs: number) => edgeConfig({ origins: [origin.port], edge: `drain_timeout ${timeoutMs};` });
  const edge = await startEdge(t, config(3_600_000));
  const peers = await Promise.all(Array.from({ length: 5 }, () => RtmpPeer.player({ port: edge.port() }, stream)));
  t.after(() => {
    for (const peer of peers) peer.reset();
  });
  edge.signal('SIGTERM');
  // Under way: it listens no more.
  for (;;) {
    const socket = connect(edge.port(), '127.0.0.1');
    const refused = await once(socket, 'connect').then(
      () => false,
      () => true,
    );
    socket.destroy();
    if (refused) break;
  }
  await reload(edge, config(0));
  assert.equal(await edge.exit(), 0);
});
