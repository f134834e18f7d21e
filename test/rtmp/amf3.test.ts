import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AmfObject, type AmfValue, decodeAmf0, wireType } from '../../edge/rtmp/amf0.ts';

/** AMF3 behind AMF0's avmplus marker, which is how it reaches us. */
function decode(text: string): AmfValue[] {
  return decodeAmf0(Buffer.from(`11${text}`.replace(/\s/g, ''), 'hex'));
}

/** Bytes by the tables of the AMF3 specification, §3. */
const vectors: [string, string, AmfValue][] = [
  ['undefined', '00', undefined],
  ['null', '01', null],
  ['false', '02', false],
  ['true', '03', true],
  ['integer 0', '04 00', 0],
  ['integer 127', '04 7f', 127],
  ['integer 128', '04 8100', 128],
  ['integer 16383', '04 ff7f', 16383],
  ['integer 16384', '04 818000', 16384],
  ['integer 2097152', '04 80c08000', 2097152],
  ['largest integer', '04 bfffffff', 268435455],
  ['smallest integer', '04 c0808000', -268435456],
  ['integer -1', '04 ffffffff', -1],
  ['double', '05 3ff8000000000000', 1.5],
  ['string', '06 07 666f6f', 'foo'],
  ['empty string', '06 01', ''],
  ['XML document', '07 09 3c612f3e', '<a/>'],
  ['XML', '0b 09 3c612f3e', '<a/>'],
  ['date', '08 01 4271f71fb0450000', new Date(1234567890000)],
  ['array', '09 05 01 0401 0402', [1, 2]],
  ['array with names', '09 03 03 61 03 01 02', { a: true, 0: false }],
  ['byte array', '0c 05 41ff', 'A\u00ff'],
  ['anonymous dynamic object', '0a 0b 01 03 61 04 05 01', { a: 5 }],
  ['object with traits', '0a 23 05 4142 03 61 03 62 0401 0402', { a: 1, b: 2 }],
];
for (const [what, bytes, value] of vectors) {
  test(`AMF3 ${what}`, () => assert.deepEqual(decode(bytes), [value]));
}

test('the class of a typed object is kept', () => {
  const [value] = decode('0a 13 05 4142 03 61 0401');
  assert.deepEqual(wireType(value as AmfObject), { kind: 'typed-object', className: 'AB' });
});

test('references to strings, objects and traits', () => {
  // An array of: "foo", the same string, an object with traits, another with the same traits, the first object again.
  const [value] = decode('09 0b 01  06 07 666f6f  06 00  0a 13 05 4142 03 61 0401  0a 01 0402  0a 02');
  assert.deepEqual(value, ['foo', 'foo', { a: 1 }, { a: 2 }, { a: 1 }]);
  const list = value as AmfValue[];
  assert.equal(list[2], list[4]);
});

test('the empty string is never in the table of strings', () => {
  assert.deepEqual(decode('09 07 01  06 01  06 07 666f6f  06 00'), [['', 'foo', 'foo']]);
});

test('behind an AMF3 value AMF0 goes on', () => {
  assert.deepEqual(decode('04 05 00 3ff8000000000000 11 03'), [5, 1.5, true]);
});

test('broken AMF3 is an error', () => {
  assert.throws(() => decode(''), { code: 'truncated' });
  assert.throws(() => decode('04 ff'), { code: 'truncated' });
  assert.throws(() => decode('06 ffffffff'), { code: 'truncated' });
  assert.throws(() => decode('06 02'), { code: 'bad-reference' });
  assert.throws(() => decode('0a 05'), { code: 'bad-reference' });
  assert.throws(() => decode('0a 00'), { code: 'bad-reference' });
  assert.throws(() => decode('09 03 01 09 00'), { code: 'cyclic' });
  assert.throws(() => decode('09 ffffff01 01'), { code: 'truncated' });
  assert.throws(() => decode('0a fffffff3 01'), { code: 'truncated' });
  assert.throws(() => decode('0d 01'), { code: 'unsupported' });
  assert.throws(() => decode('0a 07 05 4142'), { code: 'unsupported' });
  assert.throws(() => decode('090301'.repeat(100)), { code: 'too-deep' });
});
