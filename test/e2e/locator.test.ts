/** Where a stream is: which origins are asked for it, in what order, and how often. */

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { audioFrame, audioHeader, clip, interFrame, keyframe, metadata, videoHeader } from '../support/media.ts';
import { edgeConfig } from '../support/rtmp-config.ts';
import type { OriginScript, RtmpOrigin } from '../support/rtmp-origin.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { player, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';

/** As SRS is about a stream that it does not have. */
const silent: OriginScript = {};
const full: OriginScript = { play: (_, connection) => connection.send(...clip()) };

async function startOrigins(t: TestContext, scripts: readonly OriginScript[]): Promise<RtmpOrigin[]> {
  return Promise.all(scripts.map((script) => startOrigin(t, script)));
}

function timesAsked(origins: readonly RtmpOrigin[], name: string): number[] {
  return origins.map((origin) => origin.asked('play').filter((asked) => asked.stream === name).length);
}

const isPicture = ({ payload }: { readonly payload: Buffer }): boolean => payload[0] === 0x17 && payload[1] === 1;

describe('the stream locator', { concurrency: 3 }, () => {
  test(
    'six origins, of which the last has the stream and the others are silent: none is waited for; who has it is known from then on',
    testOptions,
    async (t) => {
      const origins = await startOrigins(t, [silent, silent, silent, silent, silent, full]);
      // An origin that were waited for would be so for longer than the test may take.
      const edge = await startEdge(
        t,
        edgeConfig({
          origins: origins.map(({ port }) => port),
          edge: 'balance failover; locate_interval 50; first_frame_timeout 60000; linger 0;',
        }),
      );
      const first = await RtmpPeer.player({ port: edge.port() }, stream);
      await first.frames(13);
      assert.deepEqual(timesAsked(origins, stream), [1, 1, 1, 1, 1, 1]);
      await Promise.all(
        origins
          .slice(0, 5)
          .map((origin) => origin.until('to be let go', () => origin.connections[0]?.closed || undefined)),
      );
      assert.equal(origins[5]?.connections[0]?.closed, false);
      first.reset();
      await origins[5]?.until('the end of the pull', () => origins[5]?.connections[0]?.closed || undefined);
      await (await player(t, edge)).frames(13);
      assert.deepEqual(timesAsked(origins, stream), [1, 1, 1, 1, 1, 2]);
    },
  );

  test('an origin that answers in time is asked alone', testOptions, async (t) => {
    const origins = await startOrigins(t, [full, full]);
    const edge = await startEdge(
      t,
      edgeConfig({ origins: origins.map(({ port }) => port), edge: 'balance failover; locate_interval 10000;' }),
    );
    await (await player(t, edge)).frames(13);
    assert.deepEqual(timesAsked(origins, stream), [1, 0]);
  });

  test('locate_parallel bounds how many are asked at a time', testOptions, async (t) => {
    const origins = await startOrigins(t, [silent, silent, silent, full]);
    const edge = await startEdge(
      t,
      edgeConfig({
        origins: origins.map(({ port }) => port),
        edge: 'balance failover; locate_interval 1; locate_parallel 2; first_frame_timeout 150;',
      }),
    );
    const peer = await player(t, edge);
    const third = await origins[2]?.request('play');
    assert.ok(third !== undefined);
    // The third place was free when one of the first two had been given up.
    await origins[0]?.until('to be let go', () => origins[0]?.connections[0]?.closed || undefined);
    await peer.frames(13);
  });

  test(
    'a name that is nowhere: each origin is asked once in absent_ttl, also by players that leave at once',
    testOptions,
    async (t) => {
      const origins = await startOrigins(t, [silent, silent, silent]);
      const edge = await startEdge(
        t,
        edgeConfig({
          origins: origins.map(({ port }) => port),
          edge: 'absent_ttl 60000; locate_interval 20; first_frame_timeout 300;',
        }),
      );
      for (let round = 0; round < 10; round++) {
        const hasty = await RtmpPeer.player({ port: edge.port() }, 'nowhere');
        hasty.reset();
      }
      for (const origin of origins) {
        await origin.until('to be let go', () => origin.connections[0]?.closed || undefined);
      }
      const patient = await Promise.all([player(t, edge, 'nowhere'), player(t, edge, 'nowhere')]);
      await (await player(t, edge, 'other')).until('something to be asked', () => true);
      await Promise.all(
        origins.map((origin) => origin.until('other', () => timesAsked([origin], 'other')[0] || undefined)),
      );
      assert.deepEqual(timesAsked(origins, 'nowhere'), [1, 1, 1]);
      assert.ok(patient.every(({ closed }) => !closed));
    },
  );

  test(
    'an origin that sends pictures nobody can decode does not have the stream while another has it whole',
    testOptions,
    async (t) => {
      const origins = await startOrigins(t, [
        {
          play: (_, connection) => {
            connection.send(metadata(0), videoHeader(0));
            const send = (frame: number): void => {
              if (connection.closed) return;
              connection.send(interFrame(frame * 40, 9_000 + frame));
              setTimeout(send, 40, frame + 1);
            };
            send(0);
          },
        },
        silent,
        full,
      ]);
      const edge = await startEdge(
        t,
        edgeConfig({
          origins: origins.map(({ port }) => port),
          edge: 'balance failover; locate_interval 50; first_frame_timeout 60000; linger 0;',
        }),
      );
      const first = await RtmpPeer.player({ port: edge.port() }, stream);
      await first.until('a picture', () => first.mediaMessages.find(isPicture));
      await origins[0]?.until('to be let go', () => origins[0]?.connections[0]?.closed || undefined);
      assert.deepEqual(timesAsked(origins, stream), [1, 1, 1]);
      first.reset();
      await origins[2]?.until('the end of the pull', () => origins[2]?.connections[0]?.closed || undefined);
      await (await player(t, edge)).frames(13);
      assert.deepEqual(timesAsked(origins, stream), [1, 1, 2], 'who has it whole is who is remembered');
    },
  );

  test(
    'an origin without a GOP cache, met between two key frames: players have its sound at once',
    testOptions,
    async (t) => {
      const [meeting, empty] = await startOrigins(t, [
        {
          play: (_, connection) =>
            connection.send(metadata(0), videoHeader(0), audioHeader(0), interFrame(0), audioFrame(3), audioFrame(26)),
        },
        silent,
      ]);
      assert.ok(meeting !== undefined && empty !== undefined);
      const edge = await startEdge(
        t,
        edgeConfig({ origins: [meeting.port, empty.port], edge: 'balance failover; locate_interval 20;' }),
      );
      const peer = await player(t, edge);
      await peer.until('sound', () => peer.mediaMessages.find(({ payload }) => payload.equals(audioFrame(3).payload)));
      // The other was asked, and let go again when it had nothing; the stream stays where it is.
      await empty.request('play');
      await empty.until('to be let go', () => empty.connections[0]?.closed || undefined);
      (await meeting.request('play')).send(keyframe(80), audioFrame(83));
      await peer.until('a picture', () => peer.mediaMessages.find(isPicture));
      assert.deepEqual(timesAsked([meeting, empty], stream), [1, 1]);
    },
  );

  test('headers of a publisher that has gone are no stream', testOptions, async (t) => {
    const origins = await startOrigins(t, [
      { play: (_, connection) => connection.send(metadata(0), videoHeader(0, 7), audioHeader(0)) },
      full,
    ]);
    const edge = await startEdge(
      t,
      edgeConfig({
        origins: origins.map(({ port }) => port),
        edge: 'balance failover; locate_interval 50; first_frame_timeout 60000;',
      }),
    );
    const peer = await player(t, edge);
    const messages = await peer.frames(13);
    assert.ok(messages.every(({ payload }) => !payload.equals(videoHeader(0, 7).payload)));
  });

  test(
    'a storm of unknown names: the origin is asked within locate_rate, and another client’s stream does not wait for it',
    testOptions,
    async (t) => {
      const origin = await startOrigin(t, {
        play: (name, connection) => {
          if (name === stream) connection.send(...clip());
        },
      });
      const edge = await startEdge(
        t,
        edgeConfig({ origins: [origin.port], process: 'locate_rate 5;', edge: 'first_frame_timeout 60000;' }),
      );
      const names = 60;
      const storm = await Promise.all(
        Array.from({ length: names }, (_, index) =>
          RtmpPeer.player({ port: edge.port(), localAddress: '127.0.0.2' }, `made-up-${index}`),
        ),
      );
      t.after(() => storm.map((peer) => peer.reset()));
      const peer = await player(t, edge);
      await peer.frames(13);
      const asked = origin.asked('play').length;
      assert.ok(asked < names / 2, `${asked} names were asked for before the stream that exists`);
    },
  );

  test('streams that exist are not held up by locate_rate', testOptions, async (t) => {
    const origin = await startOrigin(t, full);
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port], process: 'locate_rate 1;' }));
    const peers = await Promise.all(Array.from({ length: 40 }, (_, index) => player(t, edge, `stream${index}`)));
    await Promise.all(peers.map((peer) => peer.frames(13)));
  });
});
