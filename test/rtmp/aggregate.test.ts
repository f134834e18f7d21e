import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitAggregate } from '../../edge/rtmp/aggregate.ts';

function aggregate(payload: string, timestamp: number): Parameters<typeof splitAggregate>[0] {
  return { type: 22, timestamp, streamId: 1, payload: Buffer.from(payload.replace(/\s/g, ''), 'hex') };
}

const twoParts = `
  08 000002 000064 00 000000 aaaa 0000000d
  09 000001 000078 00 000000 bb   0000000c`;

test('parts get the stream id of the aggregate, and times moved to its own', () => {
  assert.deepEqual(splitAggregate(aggregate(twoParts, 5000)).parts, [
    { type: 8, timestamp: 5000, streamId: 1, payload: Buffer.from('aaaa', 'hex') },
    { type: 9, timestamp: 5020, streamId: 1, payload: Buffer.from('bb', 'hex') },
  ]);
});

test('times wrap at 32 bits, and use the extended byte', () => {
  const { parts } = splitAggregate(
    aggregate('08 000000 ffffff ff 000000 0000000b  08 000000 000003 00 000000', 0xffffffff),
  );
  assert.deepEqual(
    parts.map((part) => part.timestamp),
    [0xffffffff, 3],
  );
});

test('the last back pointer may be missing', () => {
  assert.equal(splitAggregate(aggregate(twoParts.replace(/0000000c\s*$/, ''), 0)).parts.length, 2);
  assert.deepEqual(splitAggregate(aggregate('', 0)), { parts: [], fault: undefined });
});

test('what is behind the last whole part is left out', () => {
  for (const rest of ['00', '08 0000', '08 000002 000064 00 000000 aa', '08 ffffff 000064 00 000000 aa']) {
    const { parts, fault } = splitAggregate(aggregate(`${twoParts}${rest}`, 0));
    assert.equal(parts.length, 2);
    assert.match(fault ?? '', /behind the last part/);
  }
});

test('an aggregate of nothing but empty parts is not followed for long', () => {
  const { parts, fault } = splitAggregate({ ...aggregate('', 0), payload: Buffer.alloc(15 * 100_000) });
  assert.equal(parts.length, 4096);
  assert.match(fault ?? '', /more than 4096 parts/);
});
