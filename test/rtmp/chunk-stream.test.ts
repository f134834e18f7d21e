import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkReader } from '../../edge/rtmp/chunk-reader.ts';
import { ChunkStreamId, encodeMessage, messageSize, writeMessage } from '../../edge/rtmp/chunk-writer.ts';
import { RtmpError } from '../../edge/rtmp/errors.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';
import fc from '../support/property.ts';
import { encodePlan, type Plan } from './chunk-model.ts';

/** Pushes `bytes` cut at `cuts` (offsets in any order) and returns what was delivered. */
function read(bytes: Buffer, cuts: readonly number[] = [], reader = new ChunkReader()): RtmpMessage[] {
  const messages: RtmpMessage[] = [];
  const offsets = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let start = 0;
  for (const end of [...offsets, bytes.length]) {
    reader.push(bytes.subarray(start, end), (message) => messages.push(message));
    start = end;
  }
  return messages;
}

function hex(text: string): Buffer {
  return Buffer.from(text.replace(/\s/g, ''), 'hex');
}

const timeStep = fc.oneof(
  fc.nat(100),
  fc.constantFrom(0xfffffe, 0xffffff, 0x1000000, 0x7fffffff, 0xffffffff, 0xfffffff0),
);

const plan: fc.Arbitrary<Plan> = fc.record({
  messages: fc.array(
    fc.record({
      csid: fc.constantFrom(3, 4, 6, 63, 64, 319, 320, 65599),
      type: fc.constantFrom(8, 9, 18, 20),
      step: timeStep,
      streamId: fc.constantFrom(0, 1, 1, 1, 0x01020304),
      length: fc.oneof(fc.constantFrom(0, 1, 2, 3, 5, 128), fc.nat(700)),
      fill: fc.nat(255),
      wish: fc.nat(3),
    }),
    { minLength: 1, maxLength: 25 },
  ),
  turns: fc.array(fc.nat(20), { minLength: 1, maxLength: 10 }),
  repeatExtended: fc.boolean(),
  chunkSizes: fc.array(fc.constantFrom(5, 64, 127, 128, 129, 4096, 0x7fffffff), { minLength: 1, maxLength: 4 }),
  changeEvery: fc.integer({ min: 1, max: 12 }),
  abortEvery: fc.constantFrom(0, 0, 3),
});

test('any chunk stream, cut anywhere, gives the messages it was made of', () => {
  fc.assert(
    fc.property(plan, fc.array(fc.nat(100_000), { maxLength: 12 }), (planned, cuts) => {
      const { bytes, expected } = encodePlan(planned);
      assert.deepEqual(read(bytes, cuts), expected);
    }),
    { numRuns: 400 },
  );
});

test('any chunk stream, pushed byte by byte, gives the messages it was made of', () => {
  fc.assert(
    fc.property(plan, (planned) => {
      const { bytes, expected } = encodePlan(planned);
      assert.deepEqual(read(bytes, [...bytes.keys()]), expected);
    }),
    { numRuns: 60 },
  );
});

test('what the writer writes, the reader reads, and messageSize says how long it is', () => {
  const message = fc.record({
    headerType: fc.constantFrom<0 | 1>(0, 1),
    timeField: timeStep,
    type: fc.constantFrom(8, 9, 18),
    length: fc.oneof(fc.nat(600), fc.constantFrom(0, 127, 128, 129, 4096, 70_000)),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(3, 63, 64, 319, 320, 65599),
      fc.constantFrom(1, 100, 128, 4096, 60_000, 0x7fffffff),
      fc.array(message, { minLength: 1, maxLength: 12 }),
      fc.array(fc.nat(200_000), { maxLength: 6 }),
      (csid, chunkSize, planned, cuts) => {
        const parts: Buffer[] = [];
        const expected: RtmpMessage[] = [];
        let timestamp = 0;
        for (const [i, { headerType, timeField, type, length }] of planned.entries()) {
          const header = i === 0 ? 0 : headerType;
          timestamp = header === 0 ? timeField : (timestamp + timeField) % 2 ** 32;
          const payload = Buffer.alloc(length, i + 1);
          const size = messageSize(length, header, csid, timeField, chunkSize);
          const target = Buffer.alloc(size + 2, 0xee);
          const end = writeMessage(target, 1, header, csid, timeField, type, 1, payload, chunkSize);
          assert.equal(end, size + 1);
          assert.equal(target[0], 0xee);
          assert.equal(target[end], 0xee);
          parts.push(target.subarray(1, end));
          expected.push({ type, timestamp, streamId: 1, payload });
        }
        assert.deepEqual(read(Buffer.concat(parts), cuts, new ChunkReader({ chunkSize })), expected);
      },
    ),
    { numRuns: 150 },
  );
});

test('RTMP 1.0 §5.3.2.1: four audio messages, by types 0, 2 and 3', () => {
  const body = 'aa'.repeat(32);
  const bytes = hex(`03 0003e8 000020 08 39300000 ${body}  83 000014 ${body}  c3 ${body}  c3 ${body}`);
  const payload = hex(body);
  assert.deepEqual(
    read(bytes),
    [1000, 1020, 1040, 1060].map((timestamp) => ({ type: 8, timestamp, streamId: 12345, payload })),
  );
});

test('RTMP 1.0 §5.3.2.2: a video message of 307 bytes in chunks of 128', () => {
  const payload = Buffer.alloc(307, 0x5a);
  const bytes = Buffer.concat([
    hex('04 0003e8 000133 09 3a300000'),
    payload.subarray(0, 128),
    hex('c4'),
    payload.subarray(128, 256),
    hex('c4'),
    payload.subarray(256),
  ]);
  const message = { type: 9, timestamp: 1000, streamId: 12346, payload };
  assert.deepEqual(encodeMessage(message, 4, 128), bytes);
  assert.deepEqual(read(bytes), [message]);
});

test('RTMP 1.0 §5.3.1.1: ids of chunk streams have one, two or three bytes', () => {
  const message = { type: 9, timestamp: 0, streamId: 1, payload: Buffer.alloc(200) };
  const ids = { 63: '3f', 64: '0000', 319: '00ff', 320: '010001', 65599: '01ffff' };
  for (const [csid, bytes] of Object.entries(ids)) {
    assert.equal(encodeMessage(message, Number(csid), 128).toString('hex', 0, bytes.length / 2), bytes);
  }
});

test('a type 3 header behind type 0 adds the timestamp again', () => {
  const body = 'bb'.repeat(4);
  const messages = read(hex(`04 00001a 000004 08 01000000 ${body}  c4 ${body}`));
  assert.deepEqual(
    messages.map((m) => m.timestamp),
    [26, 52],
  );
});

test('a chunk stream may begin with type 1 (librtmp pings do)', () => {
  const messages = read(hex('42 000000 000006 04 0006 00000d0f'));
  assert.deepEqual(messages, [{ type: 4, timestamp: 0, streamId: 0, payload: hex('000600000d0f') }]);
});

test('a message may be continued by a repeated header instead of type 3', () => {
  const half = 'cc'.repeat(128);
  const messages = read(hex(`04 00000a 000100 08 01000000 ${half}  44 000000 000100 08 ${half}`));
  assert.deepEqual(messages, [{ type: 8, timestamp: 10, streamId: 1, payload: Buffer.alloc(256, 0xcc) }]);
});

test('the end of a message is not held back when its type 3 chunk leaves the extended timestamp out', () => {
  const reader = new ChunkReader();
  const bytes = hex(`04 ffffff 000082 08 01000000 01000000 ${'dd'.repeat(128)} c4 dddd`);
  assert.deepEqual(read(bytes, [], reader), [
    { type: 8, timestamp: 0x01000000, streamId: 1, payload: Buffer.alloc(130, 0xdd) },
  ]);
});

test('an Abort that does not say what is delivered like any message', () => {
  const types: number[] = [];
  const bytes = Buffer.from('02 000000 000000 02 00000000'.replaceAll(' ', ''), 'hex');
  new ChunkReader().push(bytes, ({ type }) => types.push(type));
  assert.deepEqual(types, [2]);
});

test('SetChunkSize and Abort are applied, and not delivered', () => {
  const reader = new ChunkReader();
  const bytes = hex(`
    02 000000 000004 01 00000000 00000004
    04 000001 000006 08 01000000 11111111
    02 000000 000004 02 00000000 00000004
    04 000002 000002 08 01000000 2222`);
  assert.deepEqual(read(bytes, [], reader), [{ type: 8, timestamp: 2, streamId: 1, payload: hex('2222') }]);
  assert.equal(reader.chunkSize, 4);
});

test('chunks may have a byte each', () => {
  const reader = new ChunkReader();
  const bytes = hex('02 000000 000004 01 00000000 00000001  04 000000 000002 08 01000000 aa c4 bb');
  assert.deepEqual(read(bytes, [], reader), [{ type: 8, timestamp: 0, streamId: 1, payload: hex('aabb') }]);
});

test('the top bits of the extended timestamp are kept', () => {
  const message = { type: 9, timestamp: 0xfedcba98, streamId: 1, payload: Buffer.alloc(300, 1) };
  assert.deepEqual(read(encodeMessage(message, ChunkStreamId.video, 128)), [message]);
});

test('payloads in one piece are views of the bytes pushed', () => {
  const large = { type: 9, timestamp: 1, streamId: 1, payload: Buffer.alloc(8192, 1) };
  const small = { type: 8, timestamp: 1, streamId: 1, payload: Buffer.alloc(100, 1) };
  const chunks = [encodeMessage(large, ChunkStreamId.video, 60_000), encodeMessage(small, ChunkStreamId.audio, 60_000)];
  // In memory that no other Buffer is a part of.
  const bytes = Buffer.alloc(8_400);
  chunks.reduce((at, each) => at + each.copy(bytes, at), 0);
  const size = chunks.reduce((sum, { length }) => sum + length, 0);
  const messages = read(bytes.subarray(0, size), [], new ChunkReader({ chunkSize: 60_000 }));
  assert.deepEqual(messages, [large, small]);
  assert.ok(messages.every(({ payload }) => payload.buffer === bytes.buffer));
});

test('a message that comes in several pieces has bytes of its own', () => {
  const message = { type: 9, timestamp: 1, streamId: 1, payload: Buffer.alloc(8192, 1) };
  const bytes = encodeMessage(message, ChunkStreamId.video, 60_000);
  const input = Buffer.alloc(5000);
  const reader = new ChunkReader({ chunkSize: 60_000 });
  const messages: RtmpMessage[] = [];
  for (let at = 0; at < bytes.length; at += input.length) {
    input.fill(0xee);
    const count = bytes.copy(input, 0, at);
    reader.push(input.subarray(0, count), (each) => messages.push(each));
  }
  assert.deepEqual(messages, [message]);
});

const broken: [string, string, string][] = [
  ['type 3 on a new chunk stream', 'c4', 'bad-chunk-header'],
  ['type 2 on a new chunk stream', '84 000000', 'bad-chunk-header'],
  [
    'another message before the last is complete',
    `04 000000 000100 08 01000000 ${'00'.repeat(128)} 04 000000 000001 08 01000000`,
    'bad-chunk-header',
  ],
  [
    'another length before the last is complete',
    `04 000000 000100 08 01000000 ${'00'.repeat(128)} 44 000000 000101 08`,
    'bad-chunk-header',
  ],
  ['chunk size 0', '02 000000 000004 01 00000000 00000000', 'bad-chunk-size'],
  ['chunk size with the top bit', '02 000000 000004 01 00000000 80000000', 'bad-chunk-size'],
  ['a SetChunkSize of two bytes', '02 000000 000002 01 00000000 0000', 'bad-chunk-size'],
];
for (const [what, bytes, code] of broken) {
  test(`${what} is an error, and the reader is of no more use`, () => {
    const reader = new ChunkReader();
    assert.throws(
      () => read(hex(bytes), [], reader),
      (error) => error instanceof RtmpError && error.code === code,
    );
    assert.throws(
      () => reader.push(hex('04'), () => undefined),
      (error) => error instanceof RtmpError && error.code === 'reader-dead',
    );
  });
}

test('a message larger than allowed is refused by its header', () => {
  const reader = new ChunkReader({ maxMessageBytes: 1000 });
  assert.throws(
    () => read(hex('04 000000 0003e9 08 01000000'), [], reader),
    (error) => error instanceof RtmpError && error.code === 'message-too-large',
  );
});

test('unfinished messages together are bounded', () => {
  const reader = new ChunkReader({ maxMessageBytes: 100_000, chunkSize: 60_000 });
  const begun = (csid: number): Buffer =>
    encodeMessage({ type: 9, timestamp: 0, streamId: 1, payload: Buffer.alloc(100_000) }, csid, 60_000).subarray(
      0,
      60_012,
    );
  read(Buffer.concat([begun(3), begun(4)]), [], reader);
  assert.throws(
    () => read(Buffer.concat([begun(5), begun(6)]), [], reader),
    (error) => error instanceof RtmpError && error.code === 'message-too-large',
  );
});

test('room of complete and aborted messages is free again', () => {
  const reader = new ChunkReader({ maxMessageBytes: 1000 });
  const message = encodeMessage({ type: 9, timestamp: 0, streamId: 1, payload: Buffer.alloc(900) }, 4, 128);
  const abort = hex('02 000000 000004 02 00000000 00000004');
  for (let i = 0; i < 10; i++) assert.equal(read(message, [], reader).length, 1);
  for (let i = 0; i < 10; i++) read(Buffer.concat([message.subarray(0, 140), abort]), [], reader);
});

test('an unfinished message has room for twice what has come, whatever its header announces', () => {
  const whole = encodeMessage({ type: 9, timestamp: 0, streamId: 1, payload: Buffer.alloc(10_000_000) }, 4, 128);
  for (const piece of [1, 100, 5000, 100_000]) {
    const reader = new ChunkReader();
    for (let at = 0; at < 300_000; at += piece) {
      read(whole.subarray(at, at + piece), [], reader);
      const come = at + piece;
      assert.ok(reader.unfinishedBytes <= Math.max(1024, 2 * come), `${reader.unfinishedBytes} for ${come}`);
    }
  }
  // The bytes at hand are not moved from one room to the next.
  const reader = new ChunkReader();
  read(whole.subarray(0, 5000), [], reader);
  assert.equal(reader.unfinishedBytes, 5000 - 12);
});

test('a reader that is closed holds no unfinished message, and reads no further', () => {
  const reader = new ChunkReader();
  const long = encodeMessage({ type: 9, timestamp: 0, streamId: 1, payload: Buffer.alloc(100_000) }, 4, 128);
  const short = encodeMessage({ type: 8, timestamp: 0, streamId: 1, payload: Buffer.alloc(1) }, 6, 128);
  const types: number[] = [];
  const bytes = Buffer.concat([long.subarray(0, 12 + 128), short, short]);
  const rest = reader.push(bytes, ({ type }) => {
    types.push(type);
    assert.notEqual(reader.unfinishedBytes, 0);
    reader.close();
  });
  assert.deepEqual(types, [8]);
  assert.deepEqual(rest, short);
  assert.equal(reader.unfinishedBytes, 0);
});

test('the number of chunk streams is bounded', () => {
  const headers = Array.from({ length: 200 }, (_, i) => Buffer.from([0, i, 0, 0, 0, 0, 0, 0, 8, 1, 0, 0, 0]));
  assert.throws(
    () => read(Buffer.concat(headers)),
    (error) => error instanceof RtmpError && error.code === 'too-many-chunk-streams',
  );
});

test('after an exception in onMessage the reader is of no more use', () => {
  const reader = new ChunkReader();
  const bytes = encodeMessage({ type: 8, timestamp: 0, streamId: 1, payload: Buffer.alloc(1) }, 4, 128);
  assert.throws(() =>
    reader.push(bytes, () => {
      throw new Error('of the caller');
    }),
  );
  assert.throws(() => reader.push(bytes, () => undefined), RtmpError);
});

test('a reader that is stopped after any message reads the same messages, piece by piece', () => {
  const messages = Array.from({ length: 40 }, (_, i) => ({
    type: MessageType.audio,
    timestamp: i * 20,
    streamId: 1,
    payload: Buffer.alloc((i * 37) % 300, i),
  }));
  const bytes = Buffer.concat(messages.map((message, i) => encodeMessage(message, 4 + (i % 3), 128)));
  for (const every of [1, 2, 7]) {
    for (const size of [1, 13, 500, bytes.length]) {
      const reader = new ChunkReader();
      const got: RtmpMessage[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        let rest: Buffer | undefined = bytes.subarray(at, at + size);
        while (rest !== undefined) {
          const before = got.length;
          rest = reader.push(rest, (message) => {
            got.push(message);
            if (got.length % every === 0) reader.stop();
          });
          assert.ok(every > 1 || got.length <= before + 1);
        }
      }
      assert.deepEqual(got, messages);
      assert.equal(reader.unfinishedBytes, 0);
    }
  }
});

test('the limit of messages can be raised', () => {
  const message = { type: MessageType.video, timestamp: 0, streamId: 1, payload: Buffer.alloc(2000, 1) };
  const bytes = encodeMessage(message, 6, 128);
  const reader = new ChunkReader({ maxMessageBytes: 1000 });
  reader.maxMessageBytes = 2000;
  assert.deepEqual(read(bytes, [], reader), [message]);
  reader.maxMessageBytes = 1999;
  assert.throws(() => read(bytes, [], reader), /message of 2000 bytes/);
});
