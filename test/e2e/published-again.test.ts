/** A publisher that begins again with what it has sent before, as who loops a clip does: players are not kept waiting. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clip } from '../support/media.ts';
import { edgeConfig } from '../support/rtmp-config.ts';
import type { OriginScript } from '../support/rtmp-origin.ts';
import type { RtmpPeer } from '../support/rtmp-peer.ts';
import { player, reload, startEdge, startOrigin, testOptions } from '../support/rtmp-scene.ts';

const whole = clip({ gops: 2, framesPerGop: 10 });
/** Three headers, and the first pictures: players of the whole clip have had them. */
const beginning = whole.slice(0, 9);

const plays: OriginScript = { play: (_, connection) => connection.send(...whole) };
const beginsAgain: OriginScript = { play: (_, connection) => connection.send(...beginning) };

/** The clip's first picture comes once more, and time goes on. */
async function seesItAgain(peer: RtmpPeer): Promise<void> {
  const again = (await peer.frames(whole.length + 2))[whole.length];
  assert.deepEqual(again?.payload, whole[3]?.payload);
  const last = peer.mediaMessages[whole.length - 1];
  assert.ok((again?.timestamp ?? 0) >= (last?.timestamp ?? 0) - 40, 'time does not run back');
}

test('an origin that was lost and comes back with what players have had', testOptions, async (t) => {
  const origin = await startOrigin(t, plays);
  const edge = await startEdge(t, edgeConfig({ origins: [origin.port] }));
  const peer = await player(t, edge);
  await peer.frames(whole.length);
  origin.script = beginsAgain;
  origin.asked('play')[0]?.reset();
  await seesItAgain(peer);
});

test('an origin that is left for one that has only what players have had', testOptions, async (t) => {
  const left = await startOrigin(t, plays);
  const next = await startOrigin(t, beginsAgain);
  const edge = await startEdge(t, edgeConfig({ origins: [left.port] }));
  const peer = await player(t, edge);
  await peer.frames(whole.length);
  await reload(edge, edgeConfig({ origins: [next.port] }));
  await seesItAgain(peer);
});

test('a stream that still comes, with pauses, is not left for an origin that is behind', testOptions, async (t) => {
  const origin = await startOrigin(t, plays);
  const behind = await startOrigin(t, beginsAgain);
  const edge = await startEdge(t, edgeConfig({ origins: [origin.port, behind.port] }));
  const peer = await player(t, edge);
  await peer.frames(whole.length);
  // Longer than `first_frame_timeout`: who comes in a pause has the stream looked for elsewhere.
  const pictures = clip({ gops: 9, framesPerGop: 10 }).filter(({ type }) => type === 9);
  const more = pictures.slice(21);
  const timer = setInterval(() => {
    const picture = more.shift();
    if (picture !== undefined) origin.asked('play')[0]?.send(picture);
  }, 600);
  t.after(() => clearInterval(timer));
  await peer.frames(whole.length + 4);
  const before = behind.asked('play').length;
  while (behind.asked('play').length === before) await player(t, edge);
  await peer.frames(peer.media.length + 3);
  const seen = peer.mediaMessages.filter(({ type }) => type === 9).map(({ payload }) => payload.toString('hex'));
  assert.equal(new Set(seen).size, seen.length, 'no picture comes twice');
});
