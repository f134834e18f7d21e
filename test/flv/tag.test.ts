import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlvError, FlvReader, type FlvTag } from '../../edge/flv/reader.ts';
import { flvHeader, tagSize, writeTag } from '../../edge/flv/tag.ts';
import fc from '../support/property.ts';

function hex(text: string): Buffer {
  return Buffer.from(text.replace(/\s/g, ''), 'hex');
}

function write({ type, timestamp, payload }: FlvTag): Buffer {
  const target = Buffer.alloc(tagSize(payload.length) + 2, 0xee);
  const end = writeTag(target, 1, type, timestamp, payload);
  assert.equal(end, target.length - 1);
  assert.equal(target[0], 0xee);
  assert.equal(target[end], 0xee);
  return target.subarray(1, end);
}

function read(bytes: Buffer, cuts: readonly number[] = []): FlvTag[] {
  const reader = new FlvReader();
  const tags: FlvTag[] = [];
  const offsets = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let start = 0;
  for (const end of [...offsets, bytes.length]) {
    reader.push(bytes.subarray(start, end), (tag) => tags.push(tag));
    start = end;
  }
  return tags;
}

test('FLV header, by §E.2', () => {
  assert.deepEqual(flvHeader({ audio: true, video: true }), hex('464c56 01 05 00000009 00000000'));
  assert.deepEqual(flvHeader({ audio: true, video: false }), hex('464c56 01 04 00000009 00000000'));
  assert.deepEqual(flvHeader({ audio: false, video: true }), hex('464c56 01 01 00000009 00000000'));
});

test('FLV tag, by §E.4.1: the upper byte of the timestamp behind the lower three', () => {
  const tag = { type: 9, timestamp: 0xfedcba98, payload: hex('1701000000') };
  assert.deepEqual(write(tag), hex('09 000005 dcba98 fe 000000 1701000000 00000010'));
});

const tag = fc.record(
  {
    type: fc.constantFrom(8, 9, 15, 18),
    timestamp: fc.oneof(fc.nat(100), fc.integer({ min: 0, max: 0xffffffff })),
    payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  },
  { noNullPrototype: true },
);

test('any tags, cut anywhere, come back as they were', () => {
  fc.assert(
    fc.property(fc.array(tag, { maxLength: 10 }), fc.array(fc.nat(4000), { maxLength: 10 }), (tags, cuts) => {
      const bytes = Buffer.concat([flvHeader({ audio: true, video: true }), ...tags.map(write)]);
      assert.deepEqual(read(bytes, cuts), tags);
      assert.deepEqual(read(bytes, [...bytes.keys()]), tags);
    }),
    { numRuns: 60 },
  );
});

test('a large tag, in pieces', () => {
  const tags = [{ type: 9, timestamp: 1, payload: Buffer.alloc(1_000_000, 5) }];
  const bytes = Buffer.concat([flvHeader({ audio: true, video: true }), ...tags.map(write)]);
  assert.deepEqual(read(bytes, [100, 1000, 70_000, 200_000, 500_000]), tags);
});

test('a longer header is passed over; the filter bits are no part of the type', () => {
  const bytes = hex('464c56 01 05 0000000b ffff 00000000  29 000001 000000 00 000000 aa 0000000c');
  assert.deepEqual(read(bytes), [{ type: 9, timestamp: 0, payload: hex('aa') }]);
});

test('what is no FLV is refused, as early as possible', () => {
  assert.throws(() => read(Buffer.from('<html>')), FlvError);
  assert.throws(() => read(Buffer.from('FLx')), FlvError);
  assert.throws(() => read(hex('464c56 01 05 00000008 00000000')), FlvError);
  assert.throws(() => read(hex('464c56 01 05 ffffffff 00000000')), FlvError);
});
