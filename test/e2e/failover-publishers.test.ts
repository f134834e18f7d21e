/** Publishers when their stream's origin fails: they never notice, and nothing since their last keyframe is lost. */

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { onStatus } from '../../edge/rtmp/command.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import type { EdgeProcess } from '../support/edge-process.ts';
import { audioFrame, audioHeader, clip, interFrame, keyframe, metadata, videoHeader } from '../support/media.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { edgeConfig, originConfig } from '../support/rtmp-config.ts';
import type { OriginConnection, RtmpOrigin } from '../support/rtmp-origin.ts';
import { content, RtmpPeer, tag } from '../support/rtmp-peer.ts';
import {
  deadOrigin,
  player,
  publisher,
  reload,
  startEdge,
  startOrigin,
  stream,
  testOptions,
} from '../support/rtmp-scene.ts';

const statusStart = onStatus(1, 'status', 'NetStream.Publish.Start', 'publish');
const headers = [metadata(0), videoHeader(0), audioHeader(0)];

/** What a connection has received, when it has received that many messages. */
async function received(origin: RtmpOrigin, connection: OriginConnection, count: number): Promise<RtmpMessage[]> {
  return origin.until(`${count} media messages`, () =>
    connection.media.length >= count ? connection.media.slice(0, count) : undefined,
  );
}

async function accepted(origin: RtmpOrigin, index = 0): Promise<OriginConnection> {
  return origin.request('publish', index);
}

function assertSame(got: readonly RtmpMessage[], expected: readonly RtmpMessage[]): void {
  assert.deepEqual(got.map(tag), expected.map(tag));
}

async function edgeWith(t: TestContext, origins: readonly RtmpOrigin[], edge = ''): Promise<EdgeProcess> {
  return startEdge(t, edgeConfig({ origins: origins.map(({ port }) => port), edge }));
}

// Most of the time is spent waiting for time-outs and processes.
describe('publishers when origins fail', { concurrency: 3 }, () => {
  test('everything a publisher sends reaches the origin, in order and with its times', testOptions, async (t) => {
    const origin = await startOrigin(t);
    const peer = await publisher(t, await edgeWith(t, [origin]), `${stream}?token=abc`);
    const sent = clip({ startMs: 0xfffff0, gops: 3 });
    peer.send(...sent);
    const connection = await accepted(origin);
    assertSame(await received(origin, connection, sent.length), sent);
    assert.equal(connection.stream, `${stream}?token=abc`);
  });

  test('one of two origins is down: publishing succeeds on the other, at once, every time', testOptions, async (t) => {
    const [down, up] = [await deadOrigin(t), await startOrigin(t)];
    const edge = await edgeWith(t, [down, up]);
    for (let round = 0; round < 3; round++) {
      const peer = await publisher(t, edge, `stream${round}`);
      peer.send(...clip());
      await received(up, await accepted(up, round), 23);
    }
  });

  test(
    'origin killed: the other gets headers and all since the last keyframe, with the times they had',
    testOptions,
    async (t) => {
      const [first, second] = [await startOrigin(t), await startOrigin(t)];
      const peer = await publisher(t, await edgeWith(t, [first, second]));
      const sent = [
        ...headers,
        keyframe(0),
        audioFrame(3),
        interFrame(40),
        keyframe(80),
        audioFrame(83),
        interFrame(120),
      ];
      peer.send(...sent);
      await received(first, await accepted(first), sent.length);
      await first.die();
      const connection = await accepted(second);
      const more = [audioFrame(123), interFrame(160), keyframe(200)];
      peer.send(...more);
      const since = [metadata(80), videoHeader(80), audioHeader(80), ...sent.slice(6), ...more];
      assertSame(await received(second, connection, since.length), since);
      assert.equal(peer.closed, false);
    },
  );

  test(
    'origin killed within a GOP that outgrew the buffer: the other gets sound at once, and video from the keyframe',
    testOptions,
    async (t) => {
      const [first, second] = [await startOrigin(t), await startOrigin(t)];
      const peer = await publisher(t, await edgeWith(t, [first, second], 'gop_cache_max_bytes 100000;'));
      const sent = [...headers, keyframe(0), audioFrame(3), interFrame(40, 1, 120_000), audioFrame(43)];
      peer.send(...sent);
      await received(first, await accepted(first), sent.length);
      await first.die();
      const connection = await accepted(second);
      await received(second, connection, headers.length);
      peer.send(interFrame(80), audioFrame(83), interFrame(120), audioFrame(123), keyframe(160), interFrame(200));
      const since = [...headers, audioFrame(83), audioFrame(123), keyframe(160), interFrame(200)];
      assertSame(await received(second, connection, since.length), since);
    },
  );

  test(
    'a slow origin within a GOP without end: sound goes on as soon as there is room, not at a keyframe',
    testOptions,
    async (t) => {
      const origin = await startOrigin(t, {
        publish: (_, c) => {
          c.send(statusStart);
          c.socket.pause();
        },
      });
      const edge = await edgeWith(t, [origin], 'stall_timeout 20000; push_queue_max_bytes 1000000;');
      const peer = await publisher(t, edge);
      const connection = await accepted(origin);
      const dropped = edge.logged(({ msg }) => msg.startsWith('push drops'));
      peer.send(...headers, keyframe(0));
      for (let i = 1; i < 40; i++) peer.send(interFrame(i * 40, i, 500_000), audioFrame(i * 40 + 3));
      await dropped;
      connection.socket.resume();
      const more = setInterval(() => peer.send(interFrame(4_000), audioFrame(4_003)), 40);
      t.after(() => clearInterval(more));
      await origin.until(
        'sound that came after the drop',
        () => connection.media.some(({ type, timestamp }) => type === 8 && timestamp === 4_003) || undefined,
      );
      clearInterval(more);
      assert.ok(!connection.media.some(({ type, timestamp }) => type === 9 && timestamp === 4_000));
      peer.send(keyframe(4_040));
      await origin.until(
        'the keyframe',
        () => connection.media.some(({ timestamp }) => timestamp === 4_040) || undefined,
      );
    },
  );

  test('origin stopped: found though it takes bytes in, and the publisher never notices', testOptions, async (t) => {
    const [first, second] = await Promise.all([startEdge(t, originConfig()), startEdge(t, originConfig())]);
    const edge = await startEdge(t, edgeConfig({ origins: [first.port(), second.port()] }));
    const peer = await publisher(t, edge);
    const live = new Broadcast([peer], { framesPerGop: 200 });
    t.after(() => live.stop());
    const watcher = await player(t, first);
    await watcher.frames(20);
    first.signal('SIGSTOP');
    const other = await player(t, second);
    // Nothing since the one keyframe is lost.
    const [, , , ...frames] = await other.frames(60);
    live.stop();
    assert.deepEqual(frames.map(tag), live.sent.slice(3, 60).map(tag));
    assert.equal(peer.closed, false);
    const lost = await edge.logged(({ msg }) => msg === 'push lost');
    assert.match(JSON.stringify(lost.err), /silent for/);
  });

  test('reload of stall_timeout: it holds for a push that is there already', testOptions, async (t) => {
    const [first, second] = await Promise.all([startEdge(t, originConfig()), startEdge(t, originConfig())]);
    const config = (stall: number): string =>
      edgeConfig({ origins: [first.port(), second.port()], edge: `stall_timeout ${stall};` });
    const edge = await startEdge(t, config(4000));
    await publisher(t, edge);
    await reload(edge, config(300));
    first.signal('SIGSTOP');
    const lost = await edge.logged(({ msg }) => msg === 'push lost');
    const [, silentMs] = /silent for (\d+) ms/.exec(JSON.stringify(lost.err)) ?? [];
    assert.ok(Number(silentMs) < 4000, `${silentMs} ms`);
  });

  test('real origin killed: a player at the other sees the GOP whole, and the stream go on', testOptions, async (t) => {
    const [first, second] = await Promise.all([startEdge(t, originConfig()), startEdge(t, originConfig())]);
    const edge = await startEdge(t, edgeConfig({ origins: [first.port(), second.port()] }));
    const peer = await publisher(t, edge);
    const live = new Broadcast([peer], { framesPerGop: 25 });
    t.after(() => live.stop());
    const waiting = await player(t, second);
    await (await player(t, first)).frames(70);
    await first.kill();
    const [meta, video, audio, ...frames] = await waiting.frames(80);
    live.stop();
    assert.deepEqual(
      [meta, video, audio].map((each) => each && content(each)),
      headers.map(content),
    );
    const sent = live.sent.map(tag);
    const begin = sent.indexOf(frames[0] === undefined ? '' : tag(frames[0]));
    assert.ok(begin > 3, 'it begins with a frame that was sent');
    assert.equal(live.sent[begin]?.payload[0], 0x17, 'a keyframe');
    assert.deepEqual(frames.map(tag), sent.slice(begin, begin + frames.length));
  });

  test(
    'audio without video: what the silent origin may not have got is sent again, none missing',
    testOptions,
    async (t) => {
      const [first, second] = await Promise.all([startEdge(t, originConfig()), startEdge(t, originConfig())]);
      const origins = [first.port(), second.port()];
      const edge = await startEdge(t, edgeConfig({ origins, edge: 'stall_timeout 600;' }));
      const peer = await publisher(t, edge);
      const live = new Broadcast([peer], { video: false });
      t.after(() => live.stop());
      const before = await player(t, first);
      await before.frames(30);
      const after = await player(t, second);
      first.signal('SIGSTOP');
      const stopped = before.mediaMessages.at(-1)?.timestamp ?? 0;
      await after.next(({ timestamp }) => timestamp > stopped + 1500);
      live.stop();
      const got = after.mediaMessages.slice(2).map(tag);
      const sent = live.sent.map(tag);
      const begin = sent.indexOf(got[0] ?? '');
      assert.ok(
        begin >= 2 && (live.sent[begin]?.timestamp ?? 0) <= stopped,
        'it reaches back to what the first origin had',
      );
      assert.deepEqual(got, sent.slice(begin, begin + got.length));
    },
  );

  test(
    'audio without video moves to another origin, too, when its own is taken off the list',
    testOptions,
    async (t) => {
      const [first, second] = [await startOrigin(t), await startOrigin(t)];
      const edge = await edgeWith(t, [first, second]);
      const peer = await publisher(t, edge);
      peer.send(audioHeader(0), audioFrame(0), audioFrame(20));
      await received(first, await accepted(first), 3);
      await reload(edge, edgeConfig({ origins: [second.port] }));
      const connection = await accepted(second);
      await edge.logged(({ msg, origin }) => msg === 'push connected' && origin === `127.0.0.1:${second.port}`);
      peer.send(audioFrame(40));
      await received(second, connection, 2);
      assert.equal(peer.closed, false);
    },
  );

  test(
    'reload without the origin in use: the publisher moves at a keyframe; the old origin gets its GOP whole',
    testOptions,
    async (t) => {
      const [first, second] = [await startOrigin(t), await startOrigin(t)];
      const edge = await edgeWith(t, [first, second]);
      const peer = await publisher(t, edge);
      peer.send(...headers, keyframe(0), interFrame(40));
      const old = await accepted(first);
      await received(first, old, 5);
      await reload(edge, edgeConfig({ origins: [second.port] }));
      const connection = await accepted(second);
      await edge.logged(({ msg, origin }) => msg === 'push connected' && origin === `127.0.0.1:${second.port}`);
      peer.send(interFrame(80), keyframe(120), interFrame(160));
      assertSame(await received(second, connection, 5), [
        metadata(120),
        videoHeader(120),
        audioHeader(120),
        keyframe(120),
        interFrame(160),
      ]);
      await first.until('goodbye', () => old.commands.find(({ kind }) => kind === 'deleteStream'));
      assertSame(old.media, [...headers, keyframe(0), interFrame(40), interFrame(80)]);
    },
  );

  test('reload that keeps the origin leaves the publisher where it is', testOptions, async (t) => {
    const [first, second] = [await startOrigin(t), await startOrigin(t)];
    const edge = await edgeWith(t, [first]);
    const peer = await publisher(t, edge);
    await reload(edge, edgeConfig({ origins: [second.port, first.port] }));
    peer.send(...clip());
    await received(first, await accepted(first), 23);
    assert.equal(second.connections.length, 0);
  });

  test('the origin fails while another stands by: that one takes over at once', testOptions, async (t) => {
    const [first, second] = [await startOrigin(t), await startOrigin(t)];
    const edge = await edgeWith(t, [first, second]);
    const peer = await publisher(t, edge);
    peer.send(...headers, keyframe(0), interFrame(40));
    await received(first, await accepted(first), 5);
    await reload(edge, edgeConfig({ origins: [second.port] }));
    const connection = await accepted(second);
    await edge.logged(({ msg, origin }) => msg === 'push connected' && origin === `127.0.0.1:${second.port}`);
    await first.die();
    await received(second, connection, 5);
    peer.send(interFrame(80));
    assertSame(await received(second, connection, 6), [...headers, keyframe(0), interFrame(40), interFrame(80)]);
  });

  test('the one that stands by fails: another is found', testOptions, async (t) => {
    // SRS's round robin goes one further with each attempt: the second is next.
    const [first, second, third] = [await startOrigin(t), await startOrigin(t), await startOrigin(t)];
    const edge = await edgeWith(t, [first]);
    const peer = await publisher(t, edge);
    peer.send(...headers, keyframe(0));
    await received(first, await accepted(first), 4);
    await reload(edge, edgeConfig({ origins: [third.port, second.port] }));
    await edge.logged(({ msg, origin }) => msg === 'push connected' && origin === `127.0.0.1:${second.port}`);
    await second.die();
    const connection = await accepted(third);
    await edge.logged(({ msg, origin }) => msg === 'push connected' && origin === `127.0.0.1:${third.port}`);
    peer.send(keyframe(40));
    await received(third, connection, 4);
  });

  test(
    'all origins down: the publisher stays, and the one that returns gets the GOP so far',
    testOptions,
    async (t) => {
      const origins = [await startOrigin(t), await startOrigin(t)] as const;
      const edge = await edgeWith(t, origins);
      const peer = await publisher(t, edge);
      peer.send(...headers, keyframe(0), interFrame(40));
      await received(origins[0], await accepted(origins[0]), 5);
      await Promise.all(origins.map((origin) => origin.die()));
      for (const { port } of origins) {
        await edge.logged(
          ({ msg, state, origin }) => msg === 'origin state' && state === 'down' && origin === `127.0.0.1:${port}`,
        );
      }
      peer.send(interFrame(80), audioFrame(83));
      await origins[1].listen();
      const connection = await accepted(origins[1]);
      assertSame(await received(origins[1], connection, 7), [
        ...headers,
        keyframe(0),
        interFrame(40),
        interFrame(80),
        audioFrame(83),
      ]);
      assert.equal(peer.closed, false);
    },
  );

  test('all origins down for hold_timeout: the publisher is told why and let go', testOptions, async (t) => {
    const origin = await startOrigin(t);
    const edge = await edgeWith(t, [origin], 'hold_timeout 300;');
    const peer = await publisher(t, edge);
    const live = new Broadcast([peer]);
    t.after(() => live.stop());
    await received(origin, await accepted(origin), 5);
    await origin.die();
    const status = await peer.status('NetStream.Publish.Failed');
    assert.match(status.description, /hold_timeout 300 ms/);
    await peer.untilClosed();
  });

  test('no origin at first: the publisher waits, and is accepted when one comes', testOptions, async (t) => {
    const origin = await deadOrigin(t);
    const edge = await edgeWith(t, [origin]);
    const peer = await RtmpPeer.connect({ port: edge.port() });
    t.after(() => peer.reset());
    peer.publish(stream);
    await edge.logged(({ msg, state }) => msg === 'origin state' && state === 'down');
    await origin.listen();
    await peer.status('NetStream.Publish.Start');
  });

  test('no origin for publish_timeout: refused, with the reason', testOptions, async (t) => {
    const edge = await edgeWith(t, [await deadOrigin(t)], 'publish_timeout 300;');
    const peer = await RtmpPeer.connect({ port: edge.port() });
    peer.publish(stream);
    const { description } = await peer.status('NetStream.Publish.Failed');
    assert.match(description, /no origin accepted the stream within 300 ms: .*ECONNREFUSED/);
    await peer.untilClosed();
  });

  test('a publisher that leaves while it waits frees the name', testOptions, async (t) => {
    const origin = await deadOrigin(t);
    const edge = await edgeWith(t, [origin], 'publish_timeout 60000;');
    const first = await RtmpPeer.connect({ port: edge.port() });
    first.publish(stream);
    await edge.logged(({ msg, state }) => msg === 'origin state' && state === 'down');
    first.end();
    await edge.logged(({ msg }) => msg === 'client gone');
    const second = await RtmpPeer.connect({ port: edge.port() });
    t.after(() => second.reset());
    second.publish(stream);
    // A third one finds the name taken: so the second has it.
    const third = await RtmpPeer.connect({ port: edge.port() });
    third.publish(stream);
    await third.status('NetStream.Publish.BadName');
    assert.equal(second.closed, false);
    await origin.listen();
    await second.status('NetStream.Publish.Start');
  });

  test('302 is followed for publishers; parameters go along', testOptions, async (t) => {
    const target = await startOrigin(t);
    const front = await startOrigin(t, {
      publish: (name, connection) => connection.redirect(`rtmp://127.0.0.1:${target.port}/live/${name}`),
    });
    const peer = await publisher(t, await edgeWith(t, [front]), `${stream}?token=abc`);
    peer.send(...clip());
    const connection = await accepted(target);
    await received(target, connection, 23);
    assert.equal(connection.stream, `${stream}?token=abc`);
  });

  test('redirect_max ends a circle of redirections: the publisher goes to the next origin', testOptions, async (t) => {
    const circle: RtmpOrigin = await startOrigin(t, {
      publish: (name, connection) => connection.redirect(`rtmp://127.0.0.1:${circle.port}/live/${name}`),
    });
    const other = await startOrigin(t);
    await publisher(t, await edgeWith(t, [circle, other], 'redirect_max 2;'));
    assert.equal(circle.asked('publish').length, 3);
    assert.equal(other.asked('publish').length, 1);
  });

  test(
    'the first refusal of an origin is the publisher’s: with the origin’s code and words',
    testOptions,
    async (t) => {
      const origin = await startEdge(t, originConfig());
      await publisher(t, origin);
      const edge = await startEdge(t, edgeConfig({ origins: [origin.port()] }));
      const peer = await RtmpPeer.connect({ port: edge.port() });
      peer.publish(stream);
      const { description } = await peer.status('NetStream.Publish.BadName');
      assert.match(description, /is being published already/);
      assert.doesNotMatch(description, /127\.0\.0\.1/, 'where the origin is stays inside');
      await peer.untilClosed();
    },
  );

  test(
    'an origin that still has the name of the publisher’s former connection is asked again',
    testOptions,
    async (t) => {
      const [origin, other] = [await startOrigin(t), await startOrigin(t)];
      origin.script = {
        publish: (_, connection) => {
          if (origin.asked('publish').length > 2) return connection.publishes();
          connection.send(onStatus(1, 'error', 'NetStream.Publish.BadName', 'taken'));
        },
      };
      await publisher(t, await edgeWith(t, [origin, other], 'balance failover;'));
      assert.equal(origin.asked('publish').length, 3);
      assert.equal(other.asked('publish').length, 0, 'the stream would be at two origins');
    },
  );

  test('who leaves while the origin has the name taken says nothing about the origin', testOptions, async (t) => {
    const origin = await startOrigin(t, {
      publish: (name, connection) => {
        if (name !== stream) return connection.publishes();
        connection.send(onStatus(1, 'error', 'NetStream.Publish.BadName', 'taken'));
      },
    });
    const edge = await edgeWith(t, [origin]);
    const leaving = await RtmpPeer.connect({ port: edge.port() });
    leaving.publish(stream);
    const connection = await accepted(origin);
    // The edge has read the answer, and waits to ask again.
    await origin.until('the end of the push', () => connection.closed || undefined);
    leaving.reset();
    await edge.logged(({ msg }) => msg === 'client gone');
    await publisher(t, edge, 'another');
    const complaints = edge.log.filter(({ msg, state }) => msg === 'push failed' || state === 'down');
    assert.deepEqual(complaints, []);
  });

  test('an origin that never speaks to publishers, not even to answer pings, keeps them', testOptions, async (t) => {
    const [first, second] = [await startOrigin(t, { answersPings: false }), await startOrigin(t)];
    const edge = await edgeWith(t, [first, second], 'stall_timeout 50;');
    const peer = await publisher(t, edge);
    const connection = await accepted(first);
    const live = new Broadcast([peer]);
    t.after(() => live.stop());
    // Far more than four stall timeouts of frames.
    await received(first, connection, 60);
    assert.equal(second.connections.length, 0);
  });

  test('an origin that takes no bytes is found by that, though pings mean nothing to it', testOptions, async (t) => {
    const first = await startOrigin(t, {
      answersPings: false,
      publish: (_, c) => {
        c.send(statusStart);
        c.socket.pause();
      },
    });
    const second = await startOrigin(t);
    const edge = await edgeWith(t, [first, second]);
    const peer = await publisher(t, edge);
    await accepted(first);
    // More than the kernel takes in for a reader that does not read.
    for (let i = 0; i < 16; i++) peer.send(keyframe(i * 40, i, 1_000_000));
    await accepted(second);
    const lost = await edge.logged(({ msg }) => msg === 'push lost');
    assert.match(JSON.stringify(lost.err), /takes no bytes/);
  });

  test(
    'a slow origin: GOPs are dropped whole, and what it gets begins with a keyframe behind its headers',
    testOptions,
    async (t) => {
      const origin = await startOrigin(t, {
        publish: (_, c) => {
          c.send(statusStart);
          c.socket.pause();
        },
      });
      const edge = await edgeWith(t, [origin], 'stall_timeout 20000; push_queue_max_bytes 1000000;');
      const peer = await publisher(t, edge);
      const connection = await accepted(origin);
      const sent: RtmpMessage[] = [...headers];
      const dropped = edge.logged(({ msg }) => msg.startsWith('push drops'));
      for (let i = 0; i < 24; i++)
        sent.push(keyframe(i * 80, 2 * i, 500_000), interFrame(i * 80 + 40, 2 * i + 1, 200_000));
      peer.send(...sent);
      await dropped;
      connection.socket.resume();
      // By and by there is room again.
      for (let i = 24; ; i++) {
        const more = [keyframe(i * 80, 2 * i), interFrame(i * 80 + 40, 2 * i + 1)];
        sent.push(...more);
        peer.send(...more);
        const last = await origin.until('a reaction', () =>
          connection.media.length > 0 ? connection.media : undefined,
        );
        if (last.some(({ timestamp }) => timestamp >= 24 * 80)) break;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const got = connection.media.map(content);
      const known = sent.map(content);
      // How often it had to drop depends on how fast the origin reads again.
      let gaps = 0;
      for (let at = 0, next = 0; at < got.length; at++, next++) {
        if (got[at] === known[next]) continue;
        assert.ok(at > headers.length, 'it begins as it was sent');
        const behind = at + headers.length;
        // The last of them is still on its way.
        if (behind >= got.length) break;
        assert.deepEqual(got.slice(at, behind), headers.map(content), 'headers again behind a gap');
        assert.equal(connection.media[behind]?.payload[0], 0x17, 'then a keyframe');
        at = behind;
        next = known.indexOf(got[at] ?? '', next);
        assert.ok(next > 0, 'one that was sent, and later');
        gaps++;
      }
      assert.ok(gaps > 0);
      assert.equal(peer.closed, false);
    },
  );

  test(
    'an origin that asks to reconnect elsewhere is left at a keyframe, while it still takes all',
    testOptions,
    async (t) => {
      const origin = await startOrigin(t);
      const parent = await edgeWith(t, [origin], 'drain_timeout 60000;');
      const other = await startOrigin(t);
      const edge = await startEdge(t, edgeConfig({ origins: [parent.port(), other.port] }));
      const peer = await publisher(t, edge);
      peer.send(...headers, keyframe(0));
      const old = await accepted(origin);
      await received(origin, old, 4);
      parent.signal('SIGTERM');
      const connection = await accepted(other);
      await edge.logged(({ msg, origin: name }) => msg === 'push connected' && name === `127.0.0.1:${other.port}`);
      peer.send(interFrame(40), keyframe(80));
      await received(other, connection, 4);
      assertSame(connection.media.slice(3), [keyframe(80)]);
      await origin.until('all of the old GOP', () => old.media.length === 5 || undefined);
      assert.equal(await parent.exit(), 0);
    },
  );
});
