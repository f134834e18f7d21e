/** Vhosts that a reload removes or disables: their clients stay with their own origins until they leave. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { EdgeProcess } from '../support/edge-process.ts';
import { clip, keyframe } from '../support/media.ts';
import type { RtmpOrigin } from '../support/rtmp-origin.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { reload, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';

interface Scene {
  readonly edge: EdgeProcess;
  /** Of the vhost `tenant.test`, and of the default one. */
  readonly own: RtmpOrigin;
  readonly foreign: RtmpOrigin;
  readonly player: RtmpPeer;
  readonly publisher: RtmpPeer;
  /** The configuration with these directives in place of the tenant's. */
  config(tenant: string): string;
}

const timeouts = 'retry_min 20; retry_max 50; first_frame_timeout 300; linger 100; absent_ttl 50;';

/** A player and a publisher of `tenant.test`, beside a default vhost of somebody else. */
async function start(t: TestContext): Promise<Scene> {
  const play = {
    play: (_: string, connection: { send(...m: ReturnType<typeof clip>): void }) => connection.send(...clip()),
  };
  const [own, foreign] = [await startOrigin(t, play), await startOrigin(t, play)];
  const config = (tenant: string): string => `
    listen 127.0.0.1:0; inotify_auto_reload off; grace_start_wait 0;
    edge { probe_min 20; probe_max 50; origin_check_interval 0; }
    ${tenant}
    vhost __defaultVhost__ {
      min_latency on; cluster { mode remote; origin 127.0.0.1:${foreign.port}; } edge { ${timeouts} }
    }`;
  const edge = await startEdge(t, config(vhost(own)));
  const options = { port: edge.port(), tcUrl: 'rtmp://tenant.test/live' };
  const player = await RtmpPeer.player(options, stream);
  const publisher = await RtmpPeer.publisher(options, 'published');
  t.after(() => {
    player.reset();
    publisher.reset();
  });
  await player.frames(13);
  await own.request('publish');
  return { edge, own, foreign, player, publisher, config };
}

function vhost(origin: RtmpOrigin, more = ''): string {
  return `vhost tenant.test {
    ${more} min_latency on; cluster { mode remote; origin 127.0.0.1:${origin.port}; } edge { ${timeouts} }
  }`;
}

for (const [what, replacement] of [
  ['removes', () => ''],
  ['disables', (origin: RtmpOrigin) => vhost(origin, 'enabled off;')],
] as const) {
  test(`a reload ${what} a vhost: its clients keep their origins, also when these fail`, testOptions, async (t) => {
    const { edge, own, foreign, player, publisher, config } = await start(t);
    await reload(edge, config(replacement(own)));
    publisher.send(...clip());
    const pushed = await own.request('publish');
    await own.until('what is published after the reload', () => (pushed.media.length >= 23 ? true : undefined));
    await own.die();
    await own.listen();
    const [again] = await Promise.all([own.request('play', 1), own.request('publish', 1)]);
    again.send(keyframe(9_000, 500));
    await player.next(({ payload }) => payload.equals(keyframe(9_000, 500).payload));
    assert.equal(foreign.connections.length, 0);
    assert.ok(!player.closed && !publisher.closed);
  });
}

test('a vhost that comes back is that of its clients again', testOptions, async (t) => {
  const { edge, own, foreign, player, config } = await start(t);
  const next = await startOrigin(t, { play: (_, connection) => connection.send(...clip({ seed: 3 })) });
  await reload(edge, config(''));
  await reload(edge, config(vhost(next)));
  await next.request('play');
  assert.equal(foreign.connections.length, 0);
  assert.equal(player.closed, false);
  await own.until(
    'the end of the pull that is left',
    () => own.asked('play').every(({ closed }) => closed) || undefined,
  );
});

test('new clients of a removed vhost are the default one’s', testOptions, async (t) => {
  const { edge, foreign, config } = await start(t);
  await reload(edge, config(''));
  const peer = await RtmpPeer.player({ port: edge.port(), tcUrl: 'rtmp://tenant.test/live' }, stream);
  t.after(() => peer.reset());
  await peer.frames(13);
  assert.equal(foreign.asked('play').length, 1);
});
