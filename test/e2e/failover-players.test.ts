/** Players when their stream's origin fails: they stay, and go on from another origin. */

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { EdgeProcess } from '../support/edge-process.ts';
import { clip, interFrame, keyframe, videoHeader } from '../support/media.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { edgeConfig, originConfig } from '../support/rtmp-config.ts';
import { RtmpOrigin } from '../support/rtmp-origin.ts';
import { assertTagForTag, RtmpPeer } from '../support/rtmp-peer.ts';
import { deadOrigin, player, reload, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';

/** Two real origins that the same encoder publishes to, and an edge in front of them. */
async function pair(
  t: TestContext,
  edge = '',
  framesPerGop = 10,
): Promise<{ origins: EdgeProcess[]; edge: EdgeProcess; live: Broadcast }> {
  const origins = await Promise.all([startEdge(t, originConfig()), startEdge(t, originConfig())]);
  const publishers = await Promise.all(origins.map((origin) => RtmpPeer.publisher({ port: origin.port() }, stream)));
  const live = new Broadcast(publishers, { framesPerGop });
  t.after(() => live.stop());
  t.after(() => publishers.map((publisher) => publisher.reset()));
  const ports = origins.map((origin) => origin.port());
  return { origins, live, edge: await startEdge(t, edgeConfig({ origins: ports, edge, play: 'time_jitter off;' })) };
}

// Most of the time is spent waiting for time-outs and processes.
describe('players when origins fail', { concurrency: 3 }, () => {
  test('an origin that refuses connections is passed over at once', testOptions, async (t) => {
    const down = await deadOrigin(t);
    const up = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
    const edge = await startEdge(t, edgeConfig({ origins: [down.port, up.port] }));
    const peer = await player(t, edge);
    await peer.frames(5);
    assert.equal(up.asked('play').length, 1);
  });

  test(
    'an origin that accepts and never answers is left after request_timeout, and is not tried for the next stream',
    testOptions,
    async (t) => {
      const mute = await startOrigin(t, { shakesHands: false });
      const up = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
      const edge = await startEdge(t, edgeConfig({ origins: [mute.port, up.port], edge: 'request_timeout 200;' }));
      await (await player(t, edge)).frames(5);
      const before = edge.log.length;
      await (await player(t, edge, 'second')).frames(5);
      const failures = edge.log.slice(before).filter(({ msg }) => msg === 'pull failed');
      assert.deepEqual(failures, []);
    },
  );

  test(
    'an origin that accepts the request and has no frame is passed over for one that has; that one is tried first from then on',
    testOptions,
    async (t) => {
      const empty = await startOrigin(t);
      const full = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
      const edge = await startEdge(t, edgeConfig({ origins: [empty.port, full.port], edge: 'linger 0;' }));
      const first = await RtmpPeer.player({ port: edge.port() }, stream);
      await first.frames(5);
      first.reset();
      await full.until('the pull to end', () => full.connections[0]?.closed || undefined);
      await (await player(t, edge)).frames(5);
      assert.equal(empty.asked('play').length, 1, 'the origin without the stream was asked once');
      assert.equal(full.asked('play').length, 2);
    },
  );

  test(
    'the one origin that has the stream comes back while others are up: it is found soon',
    testOptions,
    async (t) => {
      const only = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
      const empty = await startOrigin(t);
      const process = 'probe_min 60000; probe_max 60000;';
      const edge = await startEdge(t, edgeConfig({ origins: [only.port, empty.port], process }));
      const peer = await player(t, edge);
      const before = (await peer.frames(23)).length;
      await only.die();
      await edge.logged(({ msg, state }) => msg === 'origin state' && state === 'down');
      only.script = { play: (_, connection) => connection.send(...clip({ startMs: 70_000, seed: 2 })) };
      await only.listen();
      await peer.frames(before + 5);
    },
  );

  test(
    'killed origin in the middle of a GOP: the player goes on frame-exactly from the other one',
    testOptions,
    async (t) => {
      const { origins, edge, live } = await pair(t, '', 200);
      const peer = await player(t, edge);
      await peer.frames(40);
      await origins[0]?.kill();
      const killedAt = live.timeMs;
      await peer.next(({ timestamp }) => timestamp > killedAt + 600);
      live.stop();
      assertTagForTag(peer, live);
      const switched = await edge.logged(({ msg }) => msg === 'pull switched');
      assert.ok((switched.gapMs as number) >= 0);
    },
  );

  test('stopped origin: found after stall_timeout, and joined frame-exactly', testOptions, async (t) => {
    // The other origin's cached GOP must reach back to where the first fell silent.
    const { origins, edge, live } = await pair(t, 'stall_timeout 500; first_frame_timeout 60000;', 200);
    const peer = await player(t, edge);
    await peer.frames(40);
    origins[0]?.signal('SIGSTOP');
    const stoppedAt = live.timeMs;
    const lost = await edge.logged(({ msg }) => msg === 'pull lost');
    assert.match(JSON.stringify(lost.err), /silent for/);
    await peer.next(({ timestamp }) => timestamp > stoppedAt + 1200);
    live.stop();
    assertTagForTag(peer, live);
  });

  test(
    'another clock behind the failure: time goes on, from a keyframe, and headers it has are not repeated',
    testOptions,
    async (t) => {
      const first = await startOrigin(t, { play: (_, connection) => connection.send(...clip({ startMs: 5000 })) });
      const second = await startOrigin(t, {
        // What comes before the keyframe can't be decoded.
        play: (_, connection) => {
          const [meta, video, audio, ...rest] = clip({ startMs: 90_000, seed: 2, framesPerGop: 5 });
          assert.ok(meta !== undefined && video !== undefined && audio !== undefined);
          connection.send(meta, video, audio, interFrame(89_960, 7), ...rest);
        },
      });
      const edge = await startEdge(t, edgeConfig({ origins: [first.port, second.port] }));
      const peer = await player(t, edge);
      const before = await peer.frames(23);
      first.asked('play')[0]?.reset();
      const all = await peer.frames(23 + 20);
      const after = all.slice(23);
      assert.equal(after[0]?.payload[0], 0x17);
      assert.equal(after[0]?.payload[1], 1, 'a keyframe, no sequence header');
      const step = (after[0]?.timestamp ?? 0) - (before.at(-1)?.timestamp ?? 0);
      assert.ok(step >= 0 && step <= 200, `first frame of the new origin ${step} ms behind the last`);
      for (let i = 1; i < all.length; i++) {
        assert.ok((all[i]?.timestamp ?? 0) >= (all[i - 1]?.timestamp ?? 0) - 40, 'time does not run back');
      }
    },
  );

  test('changed sequence headers behind the failure reach the player, before the keyframe', testOptions, async (t) => {
    const first = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
    const second = await startOrigin(t, {
      play: (_, connection) => connection.send(videoHeader(0, 9), keyframe(0, 77), interFrame(40, 78)),
    });
    const edge = await startEdge(t, edgeConfig({ origins: [first.port, second.port] }));
    const peer = await player(t, edge);
    await peer.frames(23);
    first.asked('play')[0]?.reset();
    const after = (await peer.frames(26)).slice(23).map(({ payload }) => payload.toString('hex'));
    assert.deepEqual(
      after,
      [videoHeader(0, 9), keyframe(0, 77), interFrame(40, 78)].map((m) => m.payload.toString('hex')),
    );
  });

  test('an origin that ends the connection again and again does not lose the player', testOptions, async (t) => {
    let round = 0;
    const origin = await startOrigin(t, {
      play: (_, connection) => {
        connection.send(...clip({ startMs: round * 1000, seed: ++round, gops: 1 }));
        if (round < 5) connection.socket.end();
      },
    });
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port] }));
    const peer = await player(t, edge);
    await peer.frames(3 + 4 * 10 + 10);
    assert.equal(origin.asked('play').length, 5);
  });

  test(
    'an origin that sends one frame and then no RTMP in the same breath: the search for another goes on',
    testOptions,
    async (t) => {
      const bad = await startOrigin(t, {
        play: (_, connection) => {
          connection.socket.cork();
          connection.send(keyframe(0));
          connection.socket.write(Buffer.alloc(64, 0xff));
          connection.socket.uncork();
        },
      });
      const good = await startOrigin(t, { play: (_, connection) => connection.send(...clip({ startMs: 100 })) });
      const edge = await startEdge(t, edgeConfig({ origins: [bad.port, good.port] }));
      const peer = await player(t, edge);
      await peer.frames(10);
    },
  );

  test('a slow stream keeps an origin that answers pings, however long it is silent', testOptions, async (t) => {
    const slow = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
    const other = await startOrigin(t, { play: (_, connection) => connection.send(...clip({ seed: 9 })) });
    const config = { origins: [slow.port, other.port], edge: 'stall_timeout 300; first_frame_timeout 60000;' };
    const edge = await startEdge(t, edgeConfig(config));
    const peer = await player(t, edge);
    await peer.frames(23);
    const connection = await slow.request('play');
    await slow.until('eight pings', () => connection.pings >= 8 || undefined);
    assert.equal(other.asked('play').length, 0);
    connection.send(keyframe(9000, 500));
    await peer.next(({ payload }) => payload.equals(keyframe(9000, 500).payload));
    assert.equal(slow.asked('play').length, 1);
  });

  test('an origin that answers no pings is judged by its cadence', testOptions, async (t) => {
    const rude = await startOrigin(t, { answersPings: false, play: (_, connection) => connection.send(...clip()) });
    const other = await startOrigin(t, { play: (_, connection) => connection.send(...clip({ seed: 9 })) });
    const config = { origins: [rude.port, other.port], edge: 'stall_timeout 200; first_frame_timeout 60000;' };
    const edge = await startEdge(t, edgeConfig(config));
    const peer = await player(t, edge);
    await peer.frames(23);
    await other.request('play');
    const lost = await edge.logged(({ msg }) => msg === 'pull lost');
    const silent = Number(/silent for (\d+) ms/.exec(JSON.stringify(lost.err))?.[1]);
    assert.ok(silent >= 4 * 200, `left after ${silent} ms`);
  });

  test('all origins down: the player stays, and goes on when one comes back', testOptions, async (t) => {
    let seed = 0;
    const script = {
      play: (_: string, connection: { send: RtmpPeer['send'] }) => connection.send(...clip({ seed: ++seed })),
    };
    const origins = [await RtmpOrigin.start(script), await RtmpOrigin.start(script)];
    const edge = await startEdge(t, edgeConfig({ origins: origins.map(({ port }) => port) }));
    const peer = await player(t, edge);
    await peer.frames(23);
    await Promise.all(origins.map((origin) => origin.die()));
    await edge.logged(
      ({ msg, state, origin }) =>
        msg === 'origin state' && state === 'down' && `${origin}`.endsWith(`${origins[0]?.port}`),
    );
    await edge.logged(
      ({ msg, state, origin }) =>
        msg === 'origin state' && state === 'down' && `${origin}`.endsWith(`${origins[1]?.port}`),
    );
    await origins[1]?.listen();
    t.after(() => origins[1]?.die());
    await peer.frames(23 + 10);
  });

  test('all origins down for hold_timeout: the player is told why and let go', testOptions, async (t) => {
    const origin = await RtmpOrigin.start({ play: (_, connection) => connection.send(...clip()) });
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port], edge: 'hold_timeout 300;' }));
    const peer = await player(t, edge);
    await peer.frames(23);
    await origin.die();
    const status = await peer.status('NetStream.Play.UnpublishNotify');
    assert.match(status.description, /no origin could be reached for 300 ms/);
    await peer.untilClosed();
  });

  test(
    'RTMP 302 is followed to where it leads, and the origin that redirected is asked again after a failure',
    testOptions,
    async (t) => {
      const target = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
      const front = await startOrigin(t, {
        play: (name, connection) => connection.redirect(`rtmp://127.0.0.1:${target.port}/live/${name}`),
      });
      const edge = await startEdge(t, edgeConfig({ origins: [front.port] }));
      const peer = await player(t, edge, `${stream}?token=abc`);
      await peer.frames(23);
      assert.equal(target.asked('play')[0]?.stream, `${stream}?token=abc`);
      target.asked('play')[0]?.reset();
      await target.request('play', 1);
      assert.equal(front.asked('play').length, 2);
    },
  );

  test('where an origin redirects to dies behind the request: nobody is refused for that', testOptions, async (t) => {
    const target: RtmpOrigin = await startOrigin(t, { play: () => void target.die() });
    const front: RtmpOrigin = await startOrigin(t, {
      play: (name, connection) => {
        if (front.asked('play').length > 1) connection.send(...clip());
        else connection.redirect(`rtmp://127.0.0.1:${target.port}/live/${name}`);
      },
    });
    await (await player(t, await startEdge(t, edgeConfig({ origins: [front.port] })))).frames(5);
    assert.equal(target.asked('play').length, 1);
  });

  test('where an origin redirects to closes, and answers still: it refuses the player', testOptions, async (t) => {
    const target = await startOrigin(t, { play: (_, connection) => connection.reset() });
    const front = await startOrigin(t, {
      play: (name, connection) => connection.redirect(`rtmp://127.0.0.1:${target.port}/live/${name}`),
    });
    const edge = await startEdge(t, edgeConfig({ origins: [front.port] }));
    const peer = await RtmpPeer.connect({ port: edge.port() });
    t.after(() => peer.reset());
    peer.play(stream);
    await peer.status('NetStream.Play.Failed');
  });

  test('redirect_max ends a circle of redirections; the next origin is asked', testOptions, async (t) => {
    const circle: RtmpOrigin = await startOrigin(t, {
      play: (name, connection) => connection.redirect(`rtmp://127.0.0.1:${circle.port}/live/${name}`),
    });
    const other = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
    const edge = await startEdge(t, edgeConfig({ origins: [circle.port, other.port], edge: 'redirect_max 2;' }));
    await (await player(t, edge)).frames(5);
    assert.equal(circle.asked('play').length, 3);
  });

  test('reload with the origin still listed: the pull stays where it is', testOptions, async (t) => {
    const origin = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
    const other = await startOrigin(t);
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port] }));
    const peer = await player(t, edge);
    await peer.frames(23);
    await reload(edge, edgeConfig({ origins: [other.port, origin.port] }));
    (await origin.request('play')).send(keyframe(9000, 500));
    await peer.next(({ payload }) => payload.equals(keyframe(9000, 500).payload));
    assert.equal(other.asked('play').length, 0);
    assert.equal(origin.asked('play').length, 1);
  });

  test(
    'reload without the origin in use: players move to another one, frame-exactly, and none is cut off',
    testOptions,
    async (t) => {
      const { origins, edge, live } = await pair(t);
      const [first, second] = origins;
      assert.ok(first !== undefined && second !== undefined);
      const peer = await player(t, edge);
      await peer.frames(30);
      await reload(edge, edgeConfig({ origins: [second.port()], play: 'time_jitter off;' }));
      const switched = await edge.logged(({ msg }) => msg === 'pull switched');
      assert.equal(switched.origin, `127.0.0.1:${second.port()}`);
      const switchedAt = live.timeMs;
      await peer.next(({ timestamp }) => timestamp > switchedAt + 300);
      live.stop();
      assertTagForTag(peer, live);
    },
  );

  test('reload to origins that are down: the one in use delivers on, past hold_timeout', testOptions, async (t) => {
    const origin = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
    const down = await deadOrigin(t);
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port], edge: 'hold_timeout 200;' }));
    const peer = await player(t, edge);
    await peer.frames(23);
    await reload(edge, edgeConfig({ origins: [down.port], edge: 'hold_timeout 200;' }));
    await edge.logged(({ msg, state }) => msg === 'origin state' && state === 'down');
    const connection = await origin.request('play');
    const pings = connection.pings;
    await origin.until('half a second of pings', () => connection.pings >= pings + 3 || undefined);
    connection.send(keyframe(9000, 500));
    await peer.next(({ payload }) => payload.equals(keyframe(9000, 500).payload));
  });

  test('reload that adds an origin while all others are down: players go on at once', testOptions, async (t) => {
    const down = await deadOrigin(t);
    const up = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
    const edge = await startEdge(t, edgeConfig({ origins: [down.port] }));
    const peer = await player(t, edge);
    await edge.logged(({ msg, state }) => msg === 'origin state' && state === 'down');
    await reload(edge, edgeConfig({ origins: [down.port, up.port] }));
    await peer.frames(5);
  });

  test('an origin that asks to reconnect elsewhere is left while it still delivers', testOptions, async (t) => {
    // A machine that stands still must not look like an origin that does: the child would be elsewhere before.
    const patient = 'stall_timeout 60000; first_frame_timeout 60000;';
    const origins = await Promise.all([startEdge(t, originConfig()), startEdge(t, originConfig())]);
    const parent = await startEdge(
      t,
      edgeConfig({
        origins: [origins[0]?.port() ?? 0],
        edge: `drain_timeout 600000; ${patient}`,
        play: 'time_jitter off;',
      }),
    );
    const publishers = await Promise.all(origins.map((origin) => RtmpPeer.publisher({ port: origin.port() }, stream)));
    const live = new Broadcast(publishers);
    t.after(() => live.stop());
    t.after(() => publishers.map((publisher) => publisher.reset()));
    const child = await startEdge(
      t,
      edgeConfig({
        origins: [parent.port(), origins[1]?.port() ?? 0],
        edge: `balance failover; ${patient}`,
        play: 'time_jitter off;',
      }),
    );
    const peer = await player(t, child);
    await peer.frames(30);
    parent.signal('SIGTERM');
    const switched = await child.logged(({ msg }) => msg === 'pull switched');
    assert.equal(switched.origin, `127.0.0.1:${origins[1]?.port()}`);
    const switchedAt = live.timeMs;
    await peer.next(({ timestamp }) => timestamp > switchedAt + 300);
    live.stop();
    assertTagForTag(peer, live);
    assert.equal(await parent.exit(), 0);
  });
});
