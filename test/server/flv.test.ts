/** HTTP-FLV: the answer held back, framing byte for byte, refusals, flags of the header, and leaving. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { FlvReader, type FlvTag } from '../../edge/flv/reader.ts';
import { flvHeader, tagSize } from '../../edge/flv/tag.ts';
import { Refusal } from '../../edge/stream/request.ts';
import { audioFrame, audioHeader, clip, interFrame, keyframe, metadata, videoHeader } from '../support/media.ts';
import { flvVhost, getRequest, RawClient, startEdge, type TestEdge } from './harness.ts';

const bothTracks = flvHeader({ audio: true, video: true });

/** Reads one chunk of chunked transfer coding; undefined is the last one. */
async function takeChunk(client: RawClient): Promise<Buffer | undefined> {
  let line = '';
  while (!line.endsWith('\r\n')) line += (await client.take(1)).toString('latin1');
  const size = Number.parseInt(line, 16);
  const chunk = await client.take(size);
  assert.equal((await client.take(2)).toString('latin1'), '\r\n');
  return size === 0 ? undefined : chunk;
}

/** The tags of media that comes without the FLV header. */
function tagsOf(bytes: Buffer): FlvTag[] {
  const tags: FlvTag[] = [];
  new FlvReader().push(Buffer.concat([bothTracks, bytes]), (tag) => tags.push(tag));
  return tags;
}

/** Connects a player and waits until it is attached. */
async function play(edge: TestEdge, request: string): Promise<RawClient> {
  const attached = once(edge.events, 'play');
  const client = new RawClient(edge.port(), request);
  await attached;
  return client;
}

async function text(edge: TestEdge, path: string, init: RequestInit = {}): Promise<{ status: number; body: string }> {
  const response = await fetch(edge.url(path), init);
  return { status: response.status, body: await response.text() };
}

describe('HTTP-FLV', () => {
  it('holds its answer until the first frame, then sends one chunk for each slice', async (context) => {
    const edge = await startEdge(context);
    const player = await play(edge, getRequest('/live/one.flv'));
    const publisher = await edge.publisher();
    assert.equal(player.received.length, 0);
    const messages = clip({ gops: 1, framesPerGop: 2 });
    publisher.push(...messages);
    const head = await player.takeHead();
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(head, /\r\nContent-Type: video\/x-flv(\r\n|$)/);
    assert.match(head, /\r\nTransfer-Encoding: chunked(\r\n|$)/);
    assert.deepEqual(await takeChunk(player), bothTracks);
    const first = await takeChunk(player);
    const tags = tagsOf(first!);
    assert.deepEqual(
      tags.map(({ type, payload }) => [type, payload.length]),
      messages.map(({ type, payload }) => [type, type === 18 ? payload.length - 16 : payload.length]),
    );
    assert.deepEqual(tags.at(-1)!.payload, messages.at(-1)!.payload);

    const next = interFrame(80);
    publisher.push(next);
    assert.equal((await takeChunk(player))!.length, tagSize(next.payload.length));
  });

  it('gives who comes later the same from the last key frame on', async (context) => {
    const edge = await startEdge(context);
    const publisher = await edge.publisher();
    publisher.push(...clip({ gops: 2, framesPerGop: 3 }));
    const player = await play(edge, getRequest('/live/one.flv'));
    await player.takeHead();
    await takeChunk(player);
    const tags = tagsOf((await takeChunk(player))!);
    assert.deepEqual(
      tags.map(({ type }) => type),
      [18, 9, 8, 9, 8, 9, 8, 9, 8],
    );
    assert.equal(tags[3]!.payload[0], 0x17);
  });

  it('gives an edge no more than that, where a player has the GOP before a key frame that has just come', async (context) => {
    const edge = await startEdge(context);
    const publisher = await edge.publisher();
    publisher.push(...clip({ gops: 1, framesPerGop: 3 }));
    publisher.push(keyframe(120));
    const newest = keyframe(120).payload;
    const opening = async (headers: Record<string, string>): Promise<Buffer[]> => {
      const client = await play(edge, getRequest('/live/one.flv', headers));
      await client.takeHead();
      await takeChunk(client);
      const pictures: Buffer[] = [];
      while (pictures.at(-1)?.equals(newest) !== true) {
        const tags = tagsOf((await takeChunk(client))!).filter(({ type }) => type === 9);
        pictures.push(...tags.map(({ payload }) => payload));
      }
      client.socket.destroy();
      return pictures.slice(1);
    };
    const all = [keyframe(0), interFrame(40, 1), interFrame(80, 2)].map(({ payload }) => payload);
    assert.deepEqual(await opening({}), [...all, newest]);
    assert.deepEqual(await opening({ 'X-Edge-Reconnect': 'a-key' }), [newest]);
  });

  it('answers HTTP/1.0 without chunks and to the end of the connection', async (context) => {
    const edge = await startEdge(context);
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const player = await play(edge, getRequest('/live/one.flv', {}, '1.0'));
    const head = await player.takeHead();
    assert.doesNotMatch(head, /transfer-encoding/i);
    assert.match(head, /\r\nConnection: close(\r\n|$)/);
    assert.deepEqual(await player.take(13), bothTracks);
    edge.hub.streams.get('__defaultVhost__/live/one')!.end('over');
    assert.ok(tagsOf(await player.rest()).length > 3);
  });

  it('ends the response properly when the stream ends', async (context) => {
    const edge = await startEdge(context);
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const player = await play(edge, getRequest('/live/one.flv'));
    await player.takeHead();
    edge.hub.streams.get('__defaultVhost__/live/one')!.end('over');
    assert.equal((await player.rest()).subarray(-7).toString('latin1'), '\r\n0\r\n\r\n');
    assert.deepEqual(edge.calls.slice(-1), ['stopped one']);
    assert.equal(edge.clients.size, 0);
  });

  it('answers as soon as the stream is known to be live, though its video waits for a key frame', async (context) => {
    const edge = await startEdge(context, { vhosts: [flvVhost({ play: { gopCacheMaxFrames: 5 } })] });
    const publisher = await edge.publisher();
    publisher.push(videoHeader(0), keyframe(0));
    for (let index = 1; index < 20; index++) publisher.push(interFrame(index * 40));
    const player = await play(edge, getRequest('/live/one.flv'));
    assert.match(await player.takeHead(), /^HTTP\/1\.1 200 OK\r\n/);
    assert.deepEqual(await takeChunk(player), flvHeader({ audio: false, video: true }));
    publisher.push(keyframe(800));
    assert.deepEqual(
      tagsOf((await takeChunk(player))!).map(({ payload }) => payload),
      [videoHeader(0).payload, keyframe(800).payload],
    );
  });

  it('answers those who were there first when nothing of the source can be decoded yet', async (context) => {
    const edge = await startEdge(context);
    const player = await play(edge, getRequest('/live/one.flv'));
    const publisher = await edge.publisher();
    publisher.push(videoHeader(0));
    // The source goes on sending what needs a key frame.
    let sent = 0;
    const source = setInterval(() => publisher.push(interFrame(40 * sent++)), 40);
    context.after(() => clearInterval(source));
    assert.match(await player.takeHead(), /^HTTP\/1\.1 200 OK\r\n/);
    assert.deepEqual(await takeChunk(player), flvHeader({ audio: false, video: true }));
  });

  it('answers 404 when no frame comes in time, and lets go of the stream', async (context) => {
    const edge = await startEdge(context, { vhosts: [flvVhost({ edge: { httpFirstFrameTimeoutMs: 30 } })] });
    const { status, body } = await text(edge, '/live/none.flv');
    assert.equal(status, 404);
    assert.match(body, /no frame of the stream within 30 ms/);
    assert.equal(edge.hub.streams.size, 0);
    assert.deepEqual(edge.calls, ['play __defaultVhost__/live/none', 'stopped none']);
  });

  it('answers 404 at once when the stream is known to be nowhere', async (context) => {
    const edge = await startEdge(context);
    edge.absent = true;
    assert.equal((await text(edge, '/live/none.flv')).status, 404);
    assert.deepEqual(edge.calls, []);
  });

  it('tells a refusal in its own words and status', async (context) => {
    const edge = await startEdge(context);
    edge.refusal = new Refusal('NetStream.Play.Failed', 'the token is no good', 401);
    assert.deepEqual(await text(edge, '/live/one.flv'), { status: 401, body: 'the token is no good\n' });
    assert.deepEqual(edge.calls, ['play __defaultVhost__/live/one']);
    assert.equal(edge.clients.totalFailed, 1);
  });

  it('takes no new player while draining or with all its connections in use', async (context) => {
    const edge = await startEdge(context, { maxConnections: 1 });
    const publisher = await edge.publisher();
    publisher.push(...clip());
    edge.draining = true;
    // Load balancers have not noticed yet: clients still come, and are served.
    const player = await play(edge, getRequest('/live/one.flv'));
    await player.takeHead();
    assert.equal((await text(edge, '/live/one.flv')).status, 503);
    const stopped = once(edge.events, 'stopped');
    player.socket.destroy();
    await stopped;
    edge.accepting = false;
    assert.deepEqual(await text(edge, '/live/one.flv'), { status: 503, body: 'this edge is about to stop\n' });
  });

  it('serves no vhost that is off, unknown, or without http_remux', async (context) => {
    const edge = await startEdge(context, {
      vhosts: [
        flvVhost({ name: 'off.example', enabled: false }),
        flvVhost({ name: 'rtmp.example', httpRemux: { enabled: false } }),
      ],
    });
    for (const [host, reason] of [
      ['off.example', /disabled/],
      ['rtmp.example', /http_remux is off/],
      ['other.example', /no vhost serves "other.example"/],
    ] as const) {
      const { status, body } = await text(edge, `/live/one.flv?vhost=${host}`);
      assert.equal(status, 404);
      assert.match(body, reason);
    }
  });

  it('names the vhost block that serves a host, and keeps parameters', async (context) => {
    const edge = await startEdge(context, { vhosts: [flvVhost(), flvVhost({ name: 'a.example' })] });
    for (const [path, host] of [
      ['/live/1.flv?token=x', 'a.example:8080'],
      ['/live/2.flv?domain=a.example', 'b.example'],
      ['/live/3.flv', 'b.example'],
    ] as const) {
      (await play(edge, getRequest(path, { Host: host }))).socket.destroy();
    }
    assert.deepEqual(
      edge.calls.filter((call) => call.startsWith('play')),
      ['play a.example/live/1?token=x', 'play a.example/live/2?domain=a.example', 'play __defaultVhost__/live/3'],
    );
  });

  it('looks without playing on HEAD', async (context) => {
    const edge = await startEdge(context);
    assert.equal((await fetch(edge.url('/live/one.flv'), { method: 'HEAD' })).status, 404);
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const response = await fetch(edge.url('/live/one.flv'), { method: 'HEAD' });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'video/x-flv');
    assert.deepEqual(edge.calls, []);
    const post = await fetch(edge.url('/live/one.flv'), { method: 'POST' });
    assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD']);
  });

  it('lets pages of other origins play if crossdomain is on', async (context) => {
    const edge = await startEdge(context);
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const origin = { Origin: 'http://elsewhere.example' };
    const player = await play(edge, getRequest('/live/one.flv', origin));
    assert.match(await player.takeHead(), /\r\nAccess-Control-Allow-Origin: \*(\r\n|$)/);
    const plain = await play(edge, getRequest('/live/one.flv'));
    assert.doesNotMatch(await plain.takeHead(), /Access-Control/);
    const options = await fetch(edge.url('/live/one.flv'), { method: 'OPTIONS', headers: origin });
    assert.equal(options.status, 200);
    assert.equal(options.headers.get('access-control-allow-headers'), '*');

    edge.config = { ...edge.config, httpServer: { ...edge.config.httpServer, crossdomain: false } };
    const refused = await fetch(edge.url('/live/one.flv'), { method: 'OPTIONS', headers: origin });
    assert.deepEqual([refused.status, refused.headers.get('allow')], [405, 'GET, HEAD']);
    const closed = await play(edge, getRequest('/live/one.flv', origin));
    assert.doesNotMatch(await closed.takeHead(), /Access-Control/);
  });

  it('serves a client that closes its side until it is really gone', async (context) => {
    const edge = await startEdge(context);
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const player = await play(edge, getRequest('/live/one.flv'));
    player.socket.end();
    await player.takeHead();
    await takeChunk(player);
    await takeChunk(player);
    const next = interFrame(1000);
    publisher.push(next);
    assert.equal((await takeChunk(player))!.length, tagSize(next.payload.length));
    player.socket.destroy();
    // Its system refuses the first bytes after that, and the edge learns it with the next ones.
    for (let time = 1040; edge.clients.size > 0; time += 40) {
      publisher.push(interFrame(time));
      await new Promise(setImmediate);
    }
    assert.deepEqual(edge.calls.slice(-1), ['stopped one']);
  });

  it('finds out that a client has gone before its answer; one that reads on gets it', async (context) => {
    const edge = await startEdge(context);
    const gone = await play(edge, getRequest('/live/one.flv'));
    const patient = await play(edge, getRequest('/live/one.flv'));
    patient.socket.end();
    const stopped = once(edge.events, 'stopped');
    gone.socket.destroy();
    await stopped;
    assert.equal(edge.clients.size, 1);
    const publisher = await edge.publisher();
    publisher.push(...clip());
    let head = await patient.takeHead();
    while (head === 'HTTP/1.1 100 Continue') head = await patient.takeHead();
    assert.match(head, /^HTTP\/1\.1 200 OK/);
  });

  it('lets go of a client that has gone while callbacks were asked', async (context) => {
    const edge = await startEdge(context);
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const answer = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    edge.play = async (request, vhost) => {
      asked.resolve();
      await answer.promise;
      return edge.hub.play(request, vhost);
    };
    const hasty = new RawClient(edge.port(), getRequest('/live/one.flv'));
    await asked.promise;
    hasty.socket.resetAndDestroy();
    const stopped = once(edge.events, 'stopped');
    answer.resolve();
    await stopped;
    await edge.clients.empty();
  });
});

describe('flags of the FLV header', () => {
  /** The header, and the types of the tags in the first slice. */
  async function begin(edge: TestEdge): Promise<{ flags: number; types: number[] }> {
    const player = await play(edge, getRequest('/live/one.flv'));
    await player.takeHead();
    const header = (await takeChunk(player))!;
    const types = tagsOf((await takeChunk(player))!).map(({ type }) => type);
    return { flags: header[4]!, types };
  }

  it('follow the tracks that the stream has', async (context) => {
    const edge = await startEdge(context);
    const publisher = await edge.publisher();
    publisher.push(videoHeader(0), keyframe(0));
    assert.deepEqual(await begin(edge), { flags: 1, types: [9, 9] });
  });

  it('do not follow what only the metadata says, and drop no track that comes later', async (context) => {
    const edge = await startEdge(context);
    const publisher = await edge.publisher();
    publisher.push(metadata(0, { videocodecid: 7, audiocodecid: 'mp4a' }), videoHeader(0), keyframe(0));
    const player = await play(edge, getRequest('/live/one.flv'));
    await player.takeHead();
    assert.equal((await takeChunk(player))![4], 1);
    await takeChunk(player);
    publisher.push(audioHeader(0), audioFrame(3));
    const types = tagsOf((await takeChunk(player))!).map(({ type }) => type);
    assert.deepEqual(types, [8, 8]);
  });

  it('follow what has come once the stream is no longer new', async (context) => {
    const edge = await startEdge(context);
    const publisher = await edge.publisher();
    publisher.push(metadata(0, { audiocodecid: 10 }), videoHeader(0), audioHeader(0), keyframe(0));
    context.mock.method(
      performance,
      'now',
      (
        (now) => () =>
          now + 2_500
      )(performance.now()),
    );
    assert.deepEqual(await begin(edge), { flags: 1, types: [18, 9, 9] });
  });

  it('follow the configuration where it says so, and leave out what they exclude', async (context) => {
    const httpRemux = { guessHasAv: false, hasVideo: false };
    const edge = await startEdge(context, { vhosts: [flvVhost({ httpRemux })] });
    const publisher = await edge.publisher();
    publisher.push(videoHeader(0), audioHeader(0), keyframe(0), audioFrame(3));
    assert.deepEqual(await begin(edge), { flags: 4, types: [8, 8] });
  });

  it('leave nothing out without drop_if_not_match', async (context) => {
    const httpRemux = { guessHasAv: false, hasVideo: false, dropIfNotMatch: false };
    const edge = await startEdge(context, { vhosts: [flvVhost({ httpRemux })] });
    const publisher = await edge.publisher();
    publisher.push(videoHeader(0), audioHeader(0), keyframe(0), audioFrame(3));
    assert.deepEqual(await begin(edge), { flags: 4, types: [9, 8, 9, 8] });
  });
});

describe('slow players', () => {
  it('lose whole GOPs, and go on at a key frame', async (context) => {
    const edge = await startEdge(context, { vhosts: [flvVhost({ play: { queueLengthSeconds: 1 } })] });
    const publisher = await edge.publisher();
    publisher.push(videoHeader(0), keyframe(0));
    const player = await play(edge, getRequest('/live/one.flv'));
    await player.takeHead();
    await takeChunk(player);
    player.socket.pause();
    const [client] = [...edge.clients.values()];
    // One picture a second, each larger than what a socket on this machine holds.
    let time = 0;
    while (client!.droppedGops === 0) {
      time += 1000;
      publisher.push(keyframe(time, time, 4_000_000));
      await new Promise(setImmediate);
    }
    player.socket.resume();
    const stream = edge.hub.streams.get('__defaultVhost__/live/one')!;
    const payloads: Buffer[] = [];
    for (;;) {
      const tags = tagsOf((await takeChunk(player))!);
      payloads.push(...tags.map(({ payload }) => payload));
      const newest = payloads.at(-1)!;
      if (newest.length > 1000 && newest.readUInt32BE(5) === time) break;
    }
    assert.ok(payloads.length < stream.stats.videoFrames);
  });

  it('are disconnected when they take nothing for write_timeout', async (context) => {
    const edge = await startEdge(context, { vhosts: [flvVhost({ edge: { writeTimeoutMs: 50 } })] });
    const publisher = await edge.publisher();
    publisher.push(videoHeader(0), keyframe(0));
    const player = await play(edge, getRequest('/live/one.flv'));
    await player.takeHead();
    player.socket.pause();
    const stopped = once(edge.events, 'stopped');
    publisher.push(keyframe(1000, 1, 16_000_000));
    await stopped;
    assert.equal(edge.clients.size, 0);
  });
});
