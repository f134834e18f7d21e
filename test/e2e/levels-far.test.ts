/** A tier whose origin is on another continent: 100 ms each way, jitter and stalls. What players see is told as diagnostics. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DistantProxy } from '../support/distant-proxy.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { edgeConfig } from '../support/rtmp-config.ts';
import type { OriginConnection } from '../support/rtmp-origin.ts';
import { player, startEdge, startOrigin } from '../support/rtmp-scene.ts';

/** The edge's own defaults. */
const defaults = 'connect_timeout 3000; request_timeout 5000; first_frame_timeout 3000;';

for (const { stallTimeoutMs, isLost } of [
  { stallTimeoutMs: 2000, isLost: true },
  { stallTimeoutMs: 8000, isLost: false },
])
  test(`stall_timeout ${stallTimeoutMs}: a link that stands still for 4 s ${isLost ? 'is taken for a dead origin' : 'is waited for'}, and nobody is cut`, {
    timeout: 90_000,
  }, async (t) => {
    const { proxy, live } = await farOrigin(t);
    const edge = await startEdge(
      t,
      edgeConfig({ origins: [proxy.port], edge: `${defaults} stall_timeout ${stallTimeoutMs};` }),
    );
    const beganMs = performance.now();
    const peer = await player(t, edge);
    await peer.frames(4);
    t.diagnostic(`first frame after ${Math.round(performance.now() - beganMs)} ms`);
    await peer.frames(60);
    assert.ok(!edge.log.some(({ msg }) => msg === 'pull lost'), 'distance and jitter alone');

    const since = edge.log.length;
    const [atMs, stalledMs] = [live.timeMs, performance.now()];
    proxy.stall(4000);
    const again = await peer.next(({ timestamp }) => timestamp > atMs + 6000);
    assert.ok(!peer.closed);
    assert.equal(
      edge.log.slice(since).some(({ msg }) => msg === 'pull lost'),
      isLost,
    );
    t.diagnostic(`what was sent 6 s after the link stood still came after ${Math.round(again.atMs - stalledMs)} ms`);
    const times = peer.media.slice(3).map(({ message }) => message.timestamp);
    assert.ok(
      times.every((time, i) => i < 2 || time >= (times[i - 2] ?? 0)),
      'time ran on',
    );
  });

/** One with a live stream. */
async function farOrigin(t: TestContext) {
  const watching: OriginConnection[] = [];
  const live = new Broadcast(watching, { stepMs: 40, framesPerGop: 50 });
  t.after(() => live.stop());
  const origin = await startOrigin(t, {
    play: (_, connection) => {
      const newest = live.sent.findLastIndex(
        ({ type, payload }) => type === 9 && payload[0] === 0x17 && payload[1] === 1,
      );
      connection.send(...live.sent.slice(0, 3), ...live.sent.slice(newest));
      watching.push(connection);
    },
  });
  const proxy = await DistantProxy.start(origin.port, { delayMs: 100, jitterMs: 30 });
  t.after(() => proxy.close());
  return { proxy, live };
}
