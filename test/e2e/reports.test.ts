/**
 * What users of other edges report, as scenarios. Those about failing origins are in failover-players.test.ts and
 * failover-publishers.test.ts, the graceful stop is in failover-stop.test.ts, HTTP-FLV of unknown streams is in
 * ../server/flv.test.ts.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { FlvReader } from '../../edge/flv/reader.ts';
import { onStatus } from '../../edge/rtmp/command.ts';
import type { EdgeProcess } from '../support/edge-process.ts';
import { audioFrame, audioHeader, clip, interFrame, keyframe, metadata, videoHeader } from '../support/media.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { edgeConfig, originConfig } from '../support/rtmp-config.ts';
import { content, RtmpPeer } from '../support/rtmp-peer.ts';
import { player, publisher, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';

const api = 'http_api { enabled on; listen 127.0.0.1:0; }';

/** What the edge's API lists. */
async function listed(edge: EdgeProcess, what: 'streams' | 'clients'): Promise<unknown[]> {
  const response = await fetch(`http://127.0.0.1:${edge.port('http-api')}/api/v1/${what}?count=1000`);
  const body = (await response.json()) as Record<string, unknown[]>;
  return body[what] ?? [];
}

/** Waits until it lists nothing: it says so as soon as a last timer has run. */
async function untilNone(edge: EdgeProcess, what: 'streams' | 'clients'): Promise<void> {
  while ((await listed(edge, what)).length > 0) await delay(10);
}

/** The answer to an HTTP-FLV player. */
async function flvPlayer(t: TestContext, edge: EdgeProcess): Promise<IncomingMessage> {
  const request = get(`http://127.0.0.1:${edge.port('http')}/live/${stream}.flv`);
  t.after(() => request.destroy());
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response.on('error', () => {});
}

// Most of the time is spent waiting for time-outs and processes.
describe('reports', { concurrency: 3 }, () => {
  test(
    'the last player leaves: who plays again, at once or after the pull has ended, gets the stream',
    testOptions,
    async (t) => {
      const origin = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
      // The origin sends nothing behind its clip. That must not look like silence, however slow the machine is.
      const timing = 'linger 2000; first_frame_timeout 60000;';
      const edge = await startEdge(t, edgeConfig({ origins: [origin.port], edge: timing }));
      for (let round = 0; round < 10; round++) {
        const peer = await player(t, edge);
        await peer.frames(13);
        peer.reset();
      }
      assert.equal(origin.asked('play').length, 1, 'the pull lingered');
      await origin.until('the end of the pull', () => origin.asked('play')[0]?.closed || undefined);
      await (await player(t, edge)).frames(13);
      assert.equal(origin.asked('play').length, 2);
    },
  );

  test('a player that leaves before the first frame does not make the next one wait', testOptions, async (t) => {
    const origin = await startOrigin(t, {
      play: (_, connection) => setTimeout(() => connection.send(...clip()), 50),
    });
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port], edge: 'absent_ttl 60000;' }));
    for (let round = 0; round < 5; round++) {
      const hasty = await RtmpPeer.connect({ port: edge.port() });
      hasty.play(stream);
      hasty.reset();
    }
    await (await player(t, edge)).frames(13);
  });

  test('a stream that is published here and played elsewhere is described, too', testOptions, async (t) => {
    const origin = await startOrigin(t);
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port], root: api }));
    const peer = await publisher(t, edge);
    peer.send(...clip());
    let described: { video?: { codec: string } | null; audio?: { codec: string } | null } = {};
    while (!described.audio || !described.video) {
      [described] = (await listed(edge, 'streams')) as [typeof described];
      await delay(10);
    }
    assert.deepEqual([described.video.codec, described.audio.codec], ['H264', 'AAC']);
  });

  test('no players, no pull; a stream that nobody plays any more leaves nothing behind', testOptions, async (t) => {
    const origin = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port], root: api, edge: 'linger 100;' }));
    const peers = await Promise.all(Array.from({ length: 20 }, (_, index) => player(t, edge, `stream${index}`)));
    await Promise.all(peers.map((peer) => peer.frames(13)));
    assert.equal((await listed(edge, 'streams')).length, 20);
    for (const peer of peers) peer.reset();
    await origin.until('the end of all pulls', () => origin.connections.every(({ closed }) => closed) || undefined);
    assert.equal(origin.connections.length, 20, 'one connection for each stream');
    await untilNone(edge, 'streams');
    await untilNone(edge, 'clients');
  });

  test(
    'a stream that does not exist: origins are asked ever less often, and the player gets it when it comes',
    testOptions,
    async (t) => {
      const origins = [await startOrigin(t), await startOrigin(t)] as const;
      const edge = await startEdge(
        t,
        edgeConfig({
          origins: origins.map(({ port }) => port),
          edge: 'first_frame_timeout 50; retry_min 50; retry_max 800;',
        }),
      );
      const peer = await player(t, edge);
      const asked: number[] = [];
      for (let i = 0; i < 4; i++) {
        await origins[0].request('play', i);
        asked.push(performance.now());
      }
      // Rounds of 2 × 50 ms and then 2 × 100 ms, with pauses of 50, 100 and 200 ms (a quarter more or less) between.
      const [first = 0, , , fourth = 0] = asked;
      assert.ok(fourth - first >= 100 + 2 * 200 + 0.75 * 350 - 50, `four rounds in ${fourth - first} ms`);
      for (const origin of origins) {
        origin.script = { play: (_, connection) => connection.send(...clip()) };
      }
      await peer.frames(13);
    },
  );

  test(
    'streams that do not exist, asked for by the hundred: none of them stays, here or at the origin',
    testOptions,
    async (t) => {
      const origin = await startOrigin(t, {
        play: (_, connection) =>
          connection.send(onStatus(1, 'error', 'NetStream.Play.StreamNotFound', 'no such stream')),
      });
      const edge = await startEdge(t, edgeConfig({ origins: [origin.port], root: api }));
      for (let batch = 0; batch < 12; batch++) {
        const peers = await Promise.all(Array.from({ length: 25 }, (_, i) => player(t, edge, `unknown${batch}-${i}`)));
        for (const peer of peers) peer.reset();
      }
      await untilNone(edge, 'streams');
      await untilNone(edge, 'clients');
      await origin.until('the end of all pulls', () => origin.connections.every(({ closed }) => closed) || undefined);
    },
  );

  test('a player whose network vanished on an idle stream: TCP asks after it', testOptions, async (t) => {
    const edge = await startEdge(t, originConfig({ root: 'edge { keepalive 1000; }' }));
    const peer = await player(t, edge);
    const local = peer.socket.localPort?.toString(16).toUpperCase().padStart(4, '0');
    const mine = `:${edge.port().toString(16).toUpperCase().padStart(4, '0')} 0100007F:${local} 01`;
    // Field "tr": 02 is the keep-alive timer, 01 bytes not yet acknowledged; "tm->when" is in hundredths of a second.
    let [timer, when]: string[] = ['01'];
    while (timer === '01') {
      const connection = readFileSync('/proc/net/tcp', 'utf8')
        .split('\n')
        .find((line) => line.includes(mine));
      [timer, when] = connection?.trim().split(/\s+/)[5]?.split(':') ?? [];
      await delay(10);
    }
    assert.equal(timer, '02');
    assert.ok(Number.parseInt(when ?? '', 16) <= 110, 'within keepalive');
  });

  test(
    'players that take nothing any more are removed after write_timeout, by RTMP and by HTTP; others miss nothing',
    testOptions,
    async (t) => {
      const root = `${api} http_server { enabled on; listen 127.0.0.1:0; }`;
      const vhost = 'http_remux { enabled on; } edge { write_timeout 500; }';
      const edge = await startEdge(t, originConfig({ root, vhost, play: 'queue_length 1;' }));
      const source = await publisher(t, edge);
      source.send(metadata(0), videoHeader(0), audioHeader(0), keyframe(0));
      const dead = await player(t, edge);
      const good = await player(t, edge);
      const deadByHttp = await flvPlayer(t, edge);
      const goodByHttp = await flvPlayer(t, edge);
      const goodHttpTimes: number[] = [];
      const reader = new FlvReader();
      goodByHttp.on('data', (bytes: Buffer) => {
        reader.push(bytes, ({ timestamp, payload }) => payload.length > 1_000 && goodHttpTimes.push(timestamp));
      });
      dead.socket.pause();
      deadByHttp.pause();
      const reason = 'accepted no byte for 500 ms';
      const gone = () => edge.log.filter((entry) => entry.msg === 'client gone' && entry.reason === reason);
      const sentTimes: number[] = [];
      for (let i = 1; gone().length < 2 && !t.signal.aborted; i++) {
        sentTimes.push(i * 40);
        source.send(keyframe(i * 40, i, 400_000));
        await good.next(({ timestamp, payload }) => payload.length > 1_000 && timestamp >= i * 40);
        await delay(10);
      }
      assert.equal(new Set(gone().map(({ client }) => client)).size, 2);
      assert.equal(dead.closed, false, 'it has not even read that');
      const left = await listed(edge, 'clients');
      assert.equal(left.length, 3, 'the publisher and the good players');
      while (goodHttpTimes.at(-1) !== sentTimes.at(-1)) await once(goodByHttp, 'data');
      assert.deepEqual(goodHttpTimes, sentTimes);
      const goodTimes = good.mediaMessages.filter(({ payload }) => payload.length > 1_000);
      assert.deepEqual(
        goodTimes.map(({ timestamp }) => timestamp),
        sentTimes,
      );
    },
  );

  test('an origin far away: time-outs are the configuration’s', testOptions, async (t) => {
    const slow = await startOrigin(t, {
      connect: (command, connection) => setTimeout(() => connection.accept(command), 700),
      play: (_, connection) => connection.send(...clip()),
    });
    const patient = await startEdge(t, edgeConfig({ origins: [slow.port], edge: 'request_timeout 15000;' }));
    await (await player(t, patient)).frames(13);
    const hasty = await startEdge(t, edgeConfig({ origins: [slow.port], edge: 'request_timeout 200;' }));
    await player(t, hasty);
    const failed = await hasty.logged(({ msg }) => msg === 'pull failed');
    assert.match(JSON.stringify(failed.err), /no answer within request_timeout 200 ms/);
  });

  test('publish, stop, publish again, many times over, politely and not', { timeout: 60_000 }, async (t) => {
    const origin = await startEdge(t, originConfig());
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port()], root: api }));
    const watcher = await player(t, origin);
    for (let round = 0; round < 100; round++) {
      const peer = await RtmpPeer.publisher({ port: edge.port() }, stream);
      const frame = keyframe(round * 1000, round);
      peer.send(videoHeader(round * 1000), frame);
      await watcher.next(({ payload }) => payload.equals(frame.payload));
      const unpublished = origin.log.length;
      if (round % 3 === 0) peer.call('FCUnpublish', null, stream);
      if (round % 3 === 1) peer.call('deleteStream', null, 1);
      peer.end();
      // The origin frees the name when the edge has told it; an encoder that comes back is never that quick.
      await origin.logged(({ msg }) => msg === 'client gone', unpublished);
    }
    await untilNone(edge, 'clients');
    await untilNone(edge, 'streams');
  });

  test('origin killed: HTTP-FLV players stay and get the stream from the other origin', testOptions, async (t) => {
    const origins = await Promise.all([startEdge(t, originConfig()), startEdge(t, originConfig())]);
    const sources = await Promise.all(origins.map((origin) => RtmpPeer.publisher({ port: origin.port() }, stream)));
    const live = new Broadcast(sources);
    t.after(() => live.stop());
    const edge = await startEdge(
      t,
      edgeConfig({
        origins: origins.map((origin) => origin.port()),
        root: 'http_server { enabled on; listen 127.0.0.1:0; }',
        vhost: 'http_remux { enabled on; }',
      }),
    );
    const request = get(`http://127.0.0.1:${edge.port('http')}/live/${stream}.flv`);
    t.after(() => request.destroy());
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    assert.equal(response.statusCode, 200);
    let bytes = Buffer.alloc(0);
    response.on('data', (more: Buffer) => {
      bytes = Buffer.concat([bytes, more]);
    });
    await once(response, 'data');
    await origins[0]?.kill();
    await edge.logged(({ msg }) => msg === 'pull switched');
    const later = live.sent.length;
    while (!live.sent.slice(later).some(({ payload }) => bytes.includes(payload))) await once(response, 'data');
  });

  test(
    'the publisher comes back with other parameters: they reach every player, and a keyframe behind them',
    testOptions,
    async (t) => {
      const origin = await startEdge(t, originConfig());
      const edge = await startEdge(t, edgeConfig({ origins: [origin.port()] }));
      const players = await Promise.all([player(t, edge), player(t, edge), player(t, origin)]);
      const first = await RtmpPeer.publisher({ port: origin.port() }, stream);
      first.send(metadata(0), videoHeader(0), audioHeader(0), keyframe(0), audioFrame(3), interFrame(40));
      await Promise.all(players.map((peer) => peer.frames(6)));
      first.end();
      await origin.logged(({ msg, client }) => msg === 'client gone' && client !== undefined);
      const second = await RtmpPeer.publisher({ port: origin.port() }, stream);
      t.after(() => second.reset());
      const changed = [metadata(0, { width: 1280 }), videoHeader(0, 7), audioHeader(0, 7), keyframe(0, 100)];
      second.send(...changed, interFrame(40, 101));
      for (const peer of players) {
        const after = (await peer.frames(11)).slice(6).map(content);
        assert.deepEqual(after, [...changed, interFrame(40, 101)].map(content));
      }
      const late = await player(t, edge);
      assert.deepEqual((await late.frames(5)).map(content), [...changed, interFrame(40, 101)].map(content));
    },
  );

  test('the publisher restarts at time zero: the players’ time goes on', testOptions, async (t) => {
    const origin = await startEdge(t, originConfig());
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port()] }));
    const peer = await player(t, edge);
    await edge.logged(({ msg }) => msg === 'pull connected');
    let count = 0;
    for (let round = 0; round < 4; round++) {
      const since = origin.log.length;
      const source = await RtmpPeer.publisher({ port: origin.port() }, stream);
      const sent = clip({ startMs: round === 1 ? 5_000_000 : 0, seed: round });
      source.send(...sent);
      // Headers that have not changed are not repeated.
      count += sent.length - (round === 0 ? 0 : 3);
      await peer.frames(count);
      source.end();
      await origin.logged(({ msg }) => msg === 'client gone', since);
    }
    const times = peer.mediaMessages.filter(({ type }) => type === 9).map(({ timestamp }) => timestamp);
    for (const [index, time] of times.entries()) {
      const step = time - (times[index - 1] ?? time);
      assert.ok(step >= 0 && step <= 250, `video frame ${index} comes ${step} ms behind the one before`);
    }
  });
});
