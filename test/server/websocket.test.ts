/** WebSocket: handshake, frames byte for byte, and what clients may send (RFC 6455). */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { FlvReader } from '../../edge/flv/reader.ts';
import { flvHeader } from '../../edge/flv/tag.ts';
import {
  acceptValue,
  type ClientFrame,
  closeFrame,
  pongFrame,
  WebSocketError,
  WebSocketReader,
} from '../../edge/server/http/websocket.ts';
import { clip, keyframe } from '../support/media.ts';
import { flvVhost, getRequest, RawClient, startEdge, type TestEdge } from './harness.ts';

const upgrade = {
  Upgrade: 'websocket',
  Connection: 'keep-alive, Upgrade',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** A frame as clients send it. */
function masked(opcode: number, payload: Buffer): Buffer {
  const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
  const length = payload.length < 126 ? [0x80 | payload.length] : [0xfe, payload.length >> 8, payload.length & 0xff];
  const body = payload.map((byte, index) => byte ^ mask[index & 3]!);
  return Buffer.concat([Buffer.from([0x80 | opcode, ...length]), mask, body]);
}

/** The next frame from the server; its header must be the shortest that will do. */
async function takeFrame(client: RawClient): Promise<{ opcode: number; payload: Buffer }> {
  const [first, short] = await client.take(2);
  assert.equal(first! & 0xf0, 0x80);
  let length = short!;
  if (short === 126) {
    length = (await client.take(2)).readUInt16BE(0);
    assert.ok(length > 125);
  } else if (short === 127) {
    length = Number((await client.take(8)).readBigUInt64BE(0));
    assert.ok(length > 0xffff);
  }
  return { opcode: first! & 0x0f, payload: Buffer.from(await client.take(length)) };
}

async function play(edge: TestEdge, headers: Record<string, string> = {}): Promise<RawClient> {
  const attached = once(edge.events, 'play');
  const client = new RawClient(edge.port(), getRequest('/live/one.flv', { ...upgrade, ...headers }));
  await attached;
  return client;
}

describe('WebSocket-FLV', () => {
  it('accepts with the first frame, then sends one message for each slice', async (context) => {
    const edge = await startEdge(context);
    const player = await play(edge);
    const publisher = await edge.publisher();
    assert.equal(player.received.length, 0);
    publisher.push(...clip({ gops: 1, framesPerGop: 2 }));
    const head = await player.takeHead();
    assert.match(head, /^HTTP\/1\.1 101 /);
    // The example of RFC 6455 §1.3.
    assert.match(head, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
    assert.deepEqual(await takeFrame(player), { opcode: 2, payload: flvHeader({ audio: true, video: true }) });
    const sizes = [(await takeFrame(player)).payload.length];
    for (const size of [60_000, 70_000]) {
      publisher.push(keyframe(100 + size / 1000, size, size));
      sizes.push((await takeFrame(player)).payload.length);
    }
    assert.deepEqual(sizes.slice(1), [60_000 + 5 + 15, 70_000 + 5 + 15]);
  });

  it('answers the first subprotocol that is offered', async (context) => {
    const edge = await startEdge(context);
    const publisher = await edge.publisher();
    publisher.push(...clip());
    for (const [offered, answered] of [
      ['flv', 'flv'],
      ['v1.stream.example, flv', 'v1.stream.example'],
      [' ,"not a token", flv', 'flv'],
      ['', undefined],
    ] as const) {
      const player = await play(edge, { 'Sec-WebSocket-Protocol': offered });
      const head = await player.takeHead();
      assert.equal(/\r\nSec-WebSocket-Protocol: (.*?)(\r\n|$)/.exec(head)?.[1], answered);
    }
    const socket = new WebSocket(edge.url('/live/one.flv').replace('http', 'ws'), ['a', 'b']);
    await once(socket, 'open');
    assert.equal(socket.protocol, 'a');
    socket.close();
  });

  it('is understood by a browser’s client', async (context) => {
    const edge = await startEdge(context);
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const socket = new WebSocket(edge.url('/live/one.flv').replace('http', 'ws'));
    socket.binaryType = 'arraybuffer';
    const types: number[] = [];
    const reader = new FlvReader();
    socket.addEventListener('message', ({ data }) => reader.push(Buffer.from(data), ({ type }) => types.push(type)));
    while (types.length < 9) await once(socket, 'message');
    edge.hub.streams.get('__defaultVhost__/live/one')!.end('the stream is over');
    const [event] = await once(socket, 'close');
    assert.deepEqual([event.code, event.reason], [1000, 'the stream is over']);
    assert.equal(edge.clients.size, 0);
  });

  it('answers pings, echoes a close, and passes over the rest', async (context) => {
    const edge = await startEdge(context);
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const player = await play(edge);
    await player.takeHead();
    await takeFrame(player);
    await takeFrame(player);
    player.socket.write(Buffer.concat([masked(1, Buffer.alloc(5000, 'x')), masked(9, Buffer.from('here?'))]));
    assert.deepEqual(await takeFrame(player), { opcode: 10, payload: Buffer.from('here?') });
    player.socket.write(masked(8, Buffer.from([3, 232])));
    assert.deepEqual(await takeFrame(player), { opcode: 8, payload: Buffer.from([3, 232]) });
    await player.rest();
    await edge.clients.empty();
  });

  it('closes on what breaks the protocol or is too long', async (context) => {
    const edge = await startEdge(context);
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const unmasked = Buffer.from([0x89, 0]);
    const long = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x10, 0, 0, 0, 1, 2, 3, 4]);
    for (const [bytes, code] of [
      [unmasked, 1002],
      [long, 1009],
    ] as const) {
      const player = await play(edge);
      await player.takeHead();
      await takeFrame(player);
      await takeFrame(player);
      player.socket.write(bytes);
      const { opcode, payload } = await takeFrame(player);
      assert.deepEqual([opcode, payload.readUInt16BE(0)], [8, code]);
      await player.rest();
    }
  });

  it('refuses with an HTTP answer', async (context) => {
    const edge = await startEdge(context, {
      httpApi: { enabled: true },
      vhosts: [flvVhost({ edge: { httpFirstFrameTimeoutMs: 20 } })],
    });
    const oldVersion =
      /^HTTP\/1\.1 426 Upgrade Required(?=.*\r\nConnection: close, Upgrade\r\n)(?=.*\r\nUpgrade: websocket\r\n).*\r\nSec-WebSocket-Version: 13\r\n.*speaks version 13/s;
    const cases = [
      ['http', '/live/none.flv', {}, /^HTTP\/1\.1 404 Not Found.*no frame of the stream within 20 ms\n$/s],
      ['http', '/none', {}, /^HTTP\/1\.1 404 .*does not fit the mount pattern/s],
      ['http', '/live/none.flv', { 'Sec-WebSocket-Version': '8' }, oldVersion],
      ['http', '/live/none.flv', { 'Sec-WebSocket-Key': 'short' }, /^HTTP\/1\.1 400 .*Sec-WebSocket-Key/s],
      ['http-api', '/live/none.flv', {}, /^HTTP\/1\.1 404 .*no streams are served here/s],
    ] as const;
    for (const [protocol, path, headers, answer] of cases) {
      const client = new RawClient(edge.port(protocol), getRequest(path, { ...upgrade, ...headers }));
      assert.match((await client.rest()).toString(), answer);
    }
  });

  it('takes an upgrade to something else for plain HTTP', async (context) => {
    const edge = await startEdge(context);
    const client = new RawClient(edge.port(), getRequest('/healthz', { ...upgrade, Upgrade: 'h2c' }));
    assert.match(await client.takeHead(), /^HTTP\/1\.1 200 OK/);
  });
});

describe('WebSocketReader', () => {
  function read(chunks: Iterable<Buffer>): ClientFrame[] {
    const frames: ClientFrame[] = [];
    const reader = new WebSocketReader();
    for (const chunk of chunks) reader.push(chunk, (frame) => frames.push(frame));
    return frames;
  }

  it('reads the same wherever its bytes are cut', () => {
    const bytes = Buffer.concat([
      masked(2, Buffer.alloc(300, 7)),
      masked(9, Buffer.from('a')),
      masked(1, Buffer.alloc(3)),
      masked(10, Buffer.from('unasked')),
      masked(9, Buffer.alloc(125, 'b')),
      masked(8, Buffer.alloc(0)),
    ]);
    const whole = read([bytes]);
    assert.deepEqual(
      whole.map((frame) => (frame.kind === 'ping' ? frame.payload.toString() : frame.kind)),
      ['a', 'b'.repeat(125), 'close'],
    );
    for (let cut = 1; cut < bytes.length; cut++) {
      assert.deepEqual(read([bytes.subarray(0, cut), bytes.subarray(cut)]), whole);
    }
    assert.deepEqual(read(Array.from(bytes, (byte) => Buffer.from([byte]))), whole);
  });

  it('throws at reserved bits and long or cut control frames', () => {
    for (const bytes of [
      [0xc2, 0x80, 0, 0, 0, 0],
      [0x89, 0xfe, 0, 126, 0, 0, 0, 0],
      [0x09, 0x80, 0, 0, 0, 0],
    ]) {
      assert.throws(() => read([Buffer.from(bytes)]), WebSocketError);
    }
  });

  it('writes control frames that are never too long', () => {
    assert.deepEqual(pongFrame(Buffer.from('x')), Buffer.from([0x8a, 1, 0x78]));
    const frame = closeFrame(1000, 'ü'.repeat(100));
    assert.ok(frame[1]! <= 125 && frame[1]! > 120);
    assert.equal(frame.subarray(4).toString(), 'ü'.repeat(61));
    assert.equal(acceptValue('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });
});
