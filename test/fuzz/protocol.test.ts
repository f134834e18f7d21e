/**
 * Malformed input to every reader of edge/rtmp and edge/flv. Whatever comes: an error of the layer's own classes or
 * none, an end, and no more memory than the bytes received account for.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classify, codecName, sequenceHeaderKey } from '../../edge/flv/media.ts';
import { metadataPayload } from '../../edge/flv/metadata.ts';
import { FlvError, FlvReader } from '../../edge/flv/reader.ts';
import { flvHeader } from '../../edge/flv/tag.ts';
import { AmfError, decodeAmf0, encodeAmf0 } from '../../edge/rtmp/amf0.ts';
import { ChunkReader } from '../../edge/rtmp/chunk-reader.ts';
import { encodeMessage } from '../../edge/rtmp/chunk-writer.ts';
import { buildCommand, parseClientCommand, parseServerCommand, redirectOf } from '../../edge/rtmp/command.ts';
import { parseControl } from '../../edge/rtmp/control.ts';
import { RtmpError } from '../../edge/rtmp/errors.ts';
import { ClientHandshake, ServerHandshake } from '../../edge/rtmp/handshake.ts';
import { eachMediaMessage } from '../../edge/rtmp/media-messages.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';
import { resolveStreamUrl } from '../../edge/rtmp/url.ts';
import { corpus } from './corpus.ts';

/** A small generator of numbers, the same in each run (xorshift32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Runs `read`; only the layer's own errors may come out of it. */
function survives(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (error instanceof RtmpError || error instanceof AmfError || error instanceof FlvError) return;
    throw error;
  }
}

/** All that reads a whole message. */
function readMessage(message: RtmpMessage): void {
  survives(() => void parseControl(message));
  for (const type of [17, 20]) {
    survives(() => {
      const command = parseClientCommand({ ...message, type });
      if (command.kind === 'publish' || command.kind === 'play') {
        resolveStreamUrl({ tcUrl: '', app: '', stream: command.streamName });
      }
    });
    survives(() => {
      const command = parseServerCommand({ ...message, type });
      if (command.kind === 'onStatus') redirectOf(command.info);
    });
  }
  survives(() => void eachMediaMessage({ ...message, type: MessageType.aggregate }, () => {}));
  survives(() => void encodeAmf0(...decodeAmf0(message.payload)));
  for (const type of [8, 9, 15, 18]) {
    survives(() => void eachMediaMessage({ ...message, type }, () => {}));
    classify(type, message.payload);
    codecName(type, message.payload);
    sequenceHeaderKey(type, message.payload);
  }
  metadataPayload(message.payload);
}

/** `bytes` to everything, in two pieces cut at `cut`. */
function readEverything(bytes: Buffer, cut: number): void {
  const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
  const chunks = new ChunkReader();
  survives(() => {
    for (const piece of pieces) chunks.push(piece, readMessage);
  });
  const flv = new FlvReader();
  survives(() => {
    for (const piece of pieces) flv.push(piece, (tag) => void classify(tag.type, tag.payload));
  });
  for (const handshake of [new ServerHandshake(), new ClientHandshake()]) {
    survives(() => {
      for (const piece of pieces) handshake.push(piece);
    });
  }
  for (const type of [4, 22]) readMessage({ type, timestamp: 0, streamId: 0, payload: bytes });
  survives(() => void resolveStreamUrl({ tcUrl: bytes.toString('latin1'), app: '', stream: bytes.toString('utf8') }));
}

for (const [what, bytes] of corpus) {
  test(`malformed: ${what}`, () => {
    for (const cut of [0, 1, bytes.length >> 1, bytes.length]) readEverything(bytes, Math.min(cut, bytes.length));
  });
}

/** Sound input, for mutations to begin with. */
function soundInput(): Buffer[] {
  const connect = buildCommand(
    'connect',
    1,
    [{ app: 'live', tcUrl: 'rtmp://a/live', fourCcList: ['hvc1'], capsEx: 3, objectEncoding: 0 }],
    0,
  );
  const messages = [
    connect,
    buildCommand('publish', 5, [null, 's?k=v', 'live'], 1),
    {
      type: 18,
      timestamp: 0,
      streamId: 1,
      payload: encodeAmf0('@setDataFrame', 'onMetaData', { a: [1, { b: null }] }),
    },
    { type: 9, timestamp: 0xffffff, streamId: 1, payload: Buffer.from('9611687663310000000261610100000162', 'hex') },
    { type: 8, timestamp: 20, streamId: 1, payload: Buffer.alloc(400, 0xaf) },
  ];
  const stream = Buffer.concat(messages.map((message, i) => encodeMessage(message, 3 + (i % 3), 128)));
  const c0c1 = new ClientHandshake().start();
  return [stream, ...messages.map((message) => message.payload), c0c1, flvHeader({ audio: true, video: true })];
}

function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  const result = Buffer.from(bytes);
  for (let i = random(6); i >= 0 && result.length > 0; i--) {
    const at = random(result.length);
    result[at] = [random(256), 0, 0xff, (result[at] ?? 0) ^ (1 << random(8))][random(4)] ?? 0;
  }
  const cut = random(4) === 0 ? random(result.length + 1) : result.length;
  return random(8) === 0 ? Buffer.concat([result.subarray(0, cut), result]) : result.subarray(0, cut);
}

test('mutations of sound input and of the corpus', () => {
  const random = randomFrom(0x5eed);
  const seeds = [...soundInput(), ...[...corpus.values()].filter((bytes) => bytes.length < 2000)];
  for (let i = 0; i < 6000; i++) {
    const bytes = mutate(seeds[random(seeds.length)] ?? Buffer.alloc(0), random);
    readEverything(bytes, random(bytes.length + 1));
  }
});

test('random bytes', () => {
  const random = randomFrom(0xf00d);
  for (let i = 0; i < 2000; i++) {
    const bytes = Buffer.alloc(random(200));
    for (let at = 0; at < bytes.length; at++) bytes[at] = random(random(2) === 0 ? 256 : 16);
    readEverything(bytes, random(bytes.length + 1));
  }
});

test('a reader that was told of 16 MB messages holds what it received, not what was announced', () => {
  const bytes = corpus.get('messages of 16 MB on many chunk streams');
  assert.ok(bytes);
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 20 }, () => new ChunkReader());
  for (const reader of readers) reader.push(bytes, readMessage);
  const flv = Array.from({ length: 50 }, () => new FlvReader());
  for (const reader of flv) reader.push(corpus.get('FLV tag of 16 MB announced') ?? Buffer.alloc(0), () => undefined);
  const grown = process.memoryUsage().arrayBuffers - before;
  // 20 readers × 120 messages × 16 MB and 50 × 16 MB were announced: 39 GB.
  assert.ok(grown < 64 * 1024 * 1024, `${grown} bytes taken`);
  assert.equal(readers.length + flv.length, 70);
});
