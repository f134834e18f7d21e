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
  ['XML', '0b 0b 3cc3bc2f3e', '<ü/>'],
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

test('the class of a typed object is kept; an object without a class has none', () => {
  const [value] = decode('0a 13 05 4142 03 61 0401');
  assert.deepEqual(wireType(value as AmfObject), { kind: 'typed-object', className: 'AB' });
  const [anonymous] = decode('0a 0b 01 03 61 04 05 01');
  assert.equal(wireType(anonymous as AmfObject), undefined);
});

test('references to strings, objects and traits', () => {
  // An array of: "foo", the same string, an object with traits, another with the same traits, the first object again.
  const [value] = decode('09 0b 01  06 07 666f6f  06 00  0a 13 05 4142 03 61 0401  0a 01 0402  0a 02');
  assert.deepEqual(value, ['foo', 'foo', { a: 1 }, { a: 2 }, { a: 1 }]);
  const list = value as AmfValue[];
  assert.equal(list[2], list[4]);
});

test('references to dates, XML, byte arrays and arrays', () => {
  // Each behind the value that it names; 0 is the array around them all.
  const [value] = decode(`
    09 15 01  08 01 4271f71fb0450000  08 02  0b 09 3c612f3e  0b 04  0c 05 41ff  0c 06
    09 03 01 02  09 08  09 03 03 61 03 01 02  09 0a`);
  const date = new Date(1234567890000);
  const [list, named] = [[false], { a: true, 0: false }];
  assert.deepEqual(value, [date, date, '<a/>', '<a/>', 'A\u00ff', 'A\u00ff', list, list, named, named]);
});

/** A length or count of up to 20 bits, with the bit that says that it is no reference. */
function lengthOf(bytes: number): string {
  const header = (bytes << 1) | 1;
  return Buffer.from([0x80 | (header >> 14), 0x80 | ((header >> 7) & 0x7f), header & 0x7f]).toString('hex');
}

const longBytes = 100_000;
const long = `${lengthOf(longBytes)} ${'78'.repeat(longBytes)}`;

/** An array of these values. */
function list(...values: string[]): string {
  return `09 ${lengthOf(values.length)} 01 ${values.join('')}`;
}

test('a small payload that unfolds to much text by references is refused', () => {
  const often = (reference: string): string[] => Array.from({ length: 200 }, () => reference);
  const texts = { string: ['06', '06 00'], XML: ['0b', '0b 02'], bytes: ['0c', '0c 02'] };
  for (const [what, [marker, reference = '']] of Object.entries(texts)) {
    assert.throws(() => decode(list(`${marker} ${long}`, ...often(reference))), { code: 'too-large' }, what);
  }
  // An object whose only member has a long name, then others with the same traits.
  assert.throws(() => decode(list(`0a 13 01 ${long} 01`, ...often('0a 01 01'))), { code: 'too-large' });
  // What a reference names counts, not what was before it.
  assert.equal(decode(list(`06 ${long}`, '0b 09 3c612f3e', ...often('0b 02'))).length, 1);
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
  assert.throws(
    () => decode(`0a 07 ${long}`),
    (error: Error) => error.message.length < 200,
  );
});

test('depth is limited in members of all kinds', () => {
  const within = { array: '090301', 'array with names': '09030361 03 01', names: '09010361', traits: '0a13010361' };
  for (const [what, bytes] of Object.entries({ ...within, 'dynamic object': '0a0b010361' })) {
    assert.throws(() => decode(bytes.repeat(100)), { code: 'too-deep' }, what);
  }
});
