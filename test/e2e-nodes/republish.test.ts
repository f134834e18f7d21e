/** A stream is published again and again through the Service, by whichever edge, after clean and after abrupt ends. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { suiteCleaner } from '../support/programs.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { Scene } from './scene.ts';

const rounds = 200;

describe('re-publication', () => {
  const cleaner = suiteCleaner();
  let scene: Scene;

  before(async () => {
    scene = await Scene.open(cleaner);
    await scene.startOrigins(2);
    await scene.startTier();
  });

  it(`${rounds} times, clean and abrupt by turns: each is accepted, and its pictures come through`, async (t) => {
    const peer = { host: await scene.address(), port: 1935 };
    const player = await RtmpPeer.player(peer, 'again');
    t.after(() => player.reset());
    const beganMs = Date.now();
    const refused: string[] = [];
    for (let round = 0; round < rounds; round++) {
      const publisher = await RtmpPeer.publisher(peer, 'again').catch((error: Error) => {
        refused.push(`${round}: ${error.message}`);
      });
      if (publisher === undefined) continue;
      const broadcast = new Broadcast([publisher], { startMs: round * 10_000, seed: round + 1 });
      await player.frames(player.mediaMessages.length + 5);
      broadcast.stop();
      if (round % 2 === 0) {
        publisher.end();
        await publisher.untilClosed();
      } else publisher.reset();
    }
    t.diagnostic(`${((Date.now() - beganMs) / rounds).toFixed(0)} ms for each`);
    assert.deepEqual(refused, []);
    assert.equal(player.closed, false);
  });
});
