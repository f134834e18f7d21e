/** Pushes that go wrong where their origin is well. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onStatus } from '../../edge/rtmp/command.ts';
import { clip, interFrame, keyframe } from '../support/media.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { edgeConfig } from '../support/rtmp-config.ts';
import type { OriginConnection } from '../support/rtmp-origin.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { player, publisher, startEdge, startOrigin, testOptions } from '../support/rtmp-scene.ts';

const start = onStatus(1, 'status', 'NetStream.Publish.Start', 'publish');
const notFound = onStatus(1, 'error', 'NetStream.Play.StreamNotFound', 'no such stream');

describe('pushes that go wrong', { concurrency: 3 }, () => {
  for (const how of ['is silent about it', 'says so'] as const) {
    test(`an origin that has nothing of what it accepted, and ${how}: it is pushed again`, testOptions, async (t) => {
      const waiting: OriginConnection[] = [];
      let publishes = 0;
      const origin = await startOrigin(t, {
        publish: (_, connection) => {
          connection.send(start);
          if (++publishes === 2) for (const peer of waiting) peer.send(...clip());
        },
        play: (_, connection) => {
          if (publishes >= 2) connection.send(...clip());
          else if (how === 'says so') connection.send(notFound);
          else waiting.push(connection);
        },
      });
      // A machine that stands still must not look like an origin that does: the push would be made again for that.
      const edge = await startEdge(t, edgeConfig({ origins: [origin.port], edge: 'stall_timeout 60000;' }));
      const source = await publisher(t, edge);
      const live = new Broadcast([source]);
      t.after(() => live.stop());
      const first = await origin.request('publish');
      await origin.until('media', () => first.media.length > 3 || undefined);
      const peer = await player(t, edge);
      await peer.frames(13);
      assert.equal(source.closed, false);
      await origin.until('the first push to end', () => first.closed || undefined);
      await origin.until('a keyframe of the second push', () =>
        origin.connections.find(
          (each) => each !== first && each.media.some(({ payload }) => payload[1] === 1 && payload[0] === 0x17),
        ),
      );
      const { times } = await edge.logged(({ msg }) => msg.startsWith('origin lacks a stream'));
      assert.equal(times, 1);
    });
  }

  test('an origin that does not decide about one publisher keeps the others', testOptions, async (t) => {
    const origin = await startOrigin(t, {
      publish: (name, connection) => {
        if (name !== 'slow') connection.publishes();
      },
    });
    const edge = await startEdge(
      t,
      edgeConfig({ origins: [origin.port], edge: 'request_timeout 1000; publish_timeout 4000;' }),
    );
    const slow = await RtmpPeer.connect({ port: edge.port() });
    t.after(() => slow.reset());
    slow.publish('slow');
    const failed = await edge.logged(({ msg }) => msg === 'push failed');
    assert.match((failed.err as { reason: string }).reason, /^no answer to publish within request_timeout 1000 ms$/);
    await publisher(t, edge, 'other');
    const { description } = await slow.status('NetStream.Publish.Failed');
    assert.match(description, /within 4000 ms: no answer to publish/);
    const states = edge.log.filter(({ msg, reason }) => msg === 'origin state' && /to publish/.test(String(reason)));
    assert.ok(!states.some(({ state }) => state === 'down'));
  });

  test('an origin that takes nothing of one stream keeps the others', testOptions, async (t) => {
    const origin = await startOrigin(t, {
      answersPings: false,
      publish: (name, connection) => {
        connection.send(start);
        if (name === 'stuck') connection.socket.pause();
      },
    });
    const other = await startOrigin(t);
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port, other.port], edge: 'balance failover;' }));
    const fine = await publisher(t, edge, 'fine');
    const stuck = await publisher(t, edge, 'stuck');
    const connection = await origin.request('publish');
    // More than the kernel takes in for a reader that does not read.
    for (let i = 0; i < 16; i++) stuck.send(keyframe(i * 40, i, 1_000_000));
    await other.request('publish');
    const lost = await edge.logged(({ msg }) => msg === 'push lost');
    assert.match(JSON.stringify(lost.err), /takes no bytes/);
    const name = `127.0.0.1:${origin.port}`;
    await edge.logged(({ msg, origin: of, state }) => msg === 'origin state' && of === name && state === 'suspect');
    await edge.logged(
      ({ msg, origin: of, state }) => msg === 'origin state' && of === name && state === 'up',
      edge.log.indexOf(lost),
    );
    assert.ok(!edge.log.some(({ msg, state }) => msg === 'origin state' && state === 'down'));
    fine.send(keyframe(0), interFrame(40));
    await origin.until('what the other publisher sends', () => connection.media.length >= 2 || undefined);
    assert.equal(connection.closed, false);
    assert.equal(stuck.closed, false);
  });
});
