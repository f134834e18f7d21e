import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AmfError,
  type AmfObject,
  type AmfValue,
  decodeAmf0,
  ecmaArray,
  encodeAmf0,
  isAmfObject,
  readAmf0,
  typedObject,
  wireType,
} from '../../edge/rtmp/amf0.ts';
import fc from '../support/property.ts';

function hex(text: string): Buffer {
  return Buffer.from(text.replace(/\s/g, ''), 'hex');
}

function failsWith(code: AmfError['code']): (error: unknown) => boolean {
  return (error) => error instanceof AmfError && error.code === code;
}

/** Bytes by the tables of the AMF0 specification, §2. */
const vectors: [string, string, AmfValue][] = [
  ['number', '00 3ff8000000000000', 1.5],
  ['true', '01 01', true],
  ['false', '01 00', false],
  ['string', '02 0003 666f6f', 'foo'],
  ['UTF-8 string', '02 0002 c3bc', 'ü'],
  ['object', '03 0001 61 00 3ff0000000000000 0001 62 05 0000 09', { a: 1, b: null }],
  ['empty object', '03 0000 09', {}],
  ['null', '05', null],
  ['undefined', '06', undefined],
  ['strict array', '0a 00000002 0101 02 0000', [true, '']],
  ['date', '0b 4271f71fb0450000 0000', new Date(1234567890000)],
];
for (const [what, bytes, value] of vectors) {
  test(`AMF0 ${what} is read and written`, () => {
    assert.deepEqual(decodeAmf0(hex(bytes)), [value]);
    assert.deepEqual(encodeAmf0(value), hex(bytes));
  });
}

test('AMF0 types that are only read', () => {
  assert.deepEqual(decodeAmf0(hex('0c 00000003 666f6f')), ['foo']);
  assert.deepEqual(decodeAmf0(hex('0f 00000004 3c612f3e')), ['<a/>']);
  assert.deepEqual(decodeAmf0(hex('0d')), [undefined]);
});

test('an ECMA array is read as an object and written as an ECMA array again, whatever count it had', () => {
  const bytes = hex('08 00000063 0001 61 0101 0000 09');
  const [value] = decodeAmf0(bytes);
  assert.deepEqual(value, { a: true });
  assert.deepEqual(wireType(value as AmfObject), { kind: 'ecma-array' });
  assert.deepEqual(encodeAmf0(value), hex('08 00000001 0001 61 0101 0000 09'));
});

test('a typed object keeps its class', () => {
  const bytes = hex('10 0002 4142 0001 61 0101 0000 09');
  const [value] = decodeAmf0(bytes);
  assert.deepEqual(value, { a: true });
  assert.deepEqual(encodeAmf0(value), bytes);
  assert.deepEqual(encodeAmf0(typedObject('AB', { a: true })), bytes);
});

test('references give the object they name', () => {
  const [first, again, list] = decodeAmf0(hex('03 0001 61 0101 0000 09   07 0000   0a 00000002 07 0000 07 0000'));
  assert.deepEqual(first, { a: true });
  assert.equal(again, first);
  assert.deepEqual(list, [first, first]);
});

test('a string of 65,536 bytes is written as long string', () => {
  const text = 'x'.repeat(65_536);
  assert.equal(encodeAmf0(text)[0], 0x0c);
  assert.deepEqual(decodeAmf0(encodeAmf0(text, 1)), [text, 1]);
  assert.equal(encodeAmf0('x'.repeat(65_535))[0], 0x02);
});

test('an empty key is a property like others', () => {
  assert.deepEqual(decodeAmf0(hex('03 0000 0101 0001 61 05 0000 09')), [{ '': true, a: null }]);
});

test('__proto__ is a property and changes no prototype', () => {
  const [value] = decodeAmf0(hex('03 0009 5f5f70726f746f5f5f 03 0001 61 0101 000009 0000 09'));
  assert.deepEqual(Object.keys(value as AmfObject), ['__proto__']);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.equal((value as AmfObject).a, undefined);
  // Sent again, it is the second.
  const name = '0009 5f5f70726f746f5f5f';
  const [again] = decodeAmf0(hex(`03 ${name} 05 ${name} 0101 0000 09`));
  assert.deepEqual(Object.entries(again as AmfObject), [['__proto__', true]]);
});

const value: fc.Arbitrary<AmfValue> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.double(),
    fc.boolean(),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom<AmfValue>(null, undefined),
    fc.date({ noInvalidDate: true }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 5, noNullPrototype: true }),
    fc
      .dictionary(fc.string(), tie('value'), { maxKeys: 5, noNullPrototype: true })
      .map((o) => ecmaArray(o as AmfObject)),
  ),
})).value as fc.Arbitrary<AmfValue>;

test('any values come back as they were, and the same bytes from them', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 4 }), (values) => {
      const bytes = encodeAmf0(...values);
      const again = decodeAmf0(bytes);
      assert.deepEqual(again, values);
      assert.deepEqual(encodeAmf0(...again), bytes);
    }),
  );
});

test('an object whose end marker is missing at the very end is complete', () => {
  assert.deepEqual(decodeAmf0(hex('03 0001 61 0101')), [{ a: true }]);
  assert.deepEqual(decodeAmf0(hex('08 00000001 0001 61 03 0001 62 05')), [{ a: { b: null } }]);
  assert.throws(() => decodeAmf0(hex('03 0001 61 0101 0000')), failsWith('truncated'));
});

test('what can be read of a payload, and where it stands', () => {
  const { values, offsets, fault } = readAmf0(hex('ff 05 0101 020001'), 1);
  assert.deepEqual(values, [null, true]);
  assert.deepEqual(offsets, [1, 2, 4]);
  assert.equal(fault?.code, 'truncated');
  assert.equal(readAmf0(hex('05')).fault, undefined);
});

/** Whether an object ends here for lack of bytes: its end marker may be missing. */
function endsInObject(value: AmfValue): boolean {
  return isAmfObject(value) || (Array.isArray(value) && endsInObject(value.at(-1)));
}

test('any values cut short are an error or fewer values, never wrong ones', () => {
  fc.assert(
    fc.property(value, fc.nat(), (whole, at) => {
      const bytes = encodeAmf0(whole);
      const cut = 1 + (at % Math.max(1, bytes.length - 1));
      if (cut >= bytes.length) return;
      const { values, fault } = readAmf0(bytes.subarray(0, cut));
      if (fault === undefined) assert.ok(endsInObject(values[0]));
      else assert.equal(fault.code, 'truncated');
    }),
  );
});

test('reserved markers, bad references and circles are errors that say where', () => {
  assert.throws(() => decodeAmf0(hex('05 04')), { code: 'unknown-marker', offset: 1 });
  assert.throws(() => decodeAmf0(hex('05 07 0000')), { code: 'bad-reference', offset: 1 });
  assert.throws(() => decodeAmf0(hex('03 0001 61 07 0000 0000 09')), { code: 'cyclic', offset: 4 });
  assert.throws(() => decodeAmf0(hex('0a 00ffffff 05')), { code: 'truncated' });
});

test('depth is limited when reading and when writing', () => {
  assert.throws(() => decodeAmf0(Buffer.from('0a00000001'.repeat(5000), 'hex')), failsWith('too-deep'));
  // What can be read can be written.
  const deepest = hex(`${'0a00000001'.repeat(32)}05`);
  assert.deepEqual(encodeAmf0(...decodeAmf0(deepest)), deepest);
  assert.throws(() => decodeAmf0(hex(`0a00000001${deepest.toString('hex')}`)), failsWith('too-deep'));
  assert.throws(() => encodeAmf0(decodeAmf0(deepest)), failsWith('too-deep'));
  const circle: AmfValue[] = [];
  circle.push(circle);
  assert.throws(() => encodeAmf0(circle), failsWith('too-deep'));
});

test('a small payload that unfolds to a huge tree by references is refused', () => {
  // Each array holds the one before it ten times.
  const levels = ['0a 0000000a 05050505050505050505'];
  for (let i = 0; i < 12; i++) levels.push(`0a 0000000a ${`07 ${i.toString(16).padStart(4, '0')}`.repeat(10)}`);
  assert.throws(() => decodeAmf0(hex(levels.join(''))), failsWith('too-large'));
});

test('a small payload that unfolds to much text by references is refused', () => {
  const object = encodeAmf0({ text: 'x'.repeat(100_000) });
  assert.throws(() => decodeAmf0(Buffer.concat([object, hex('07 0000'.repeat(200))])), failsWith('too-large'));
});

test('more values than any command has are refused', () => {
  assert.throws(() => decodeAmf0(Buffer.alloc(100_000, 0x05)), failsWith('too-large'));
});

test('a key longer than AMF0 can say is an error', () => {
  assert.throws(() => encodeAmf0({ ['k'.repeat(65_536)]: 1 }), failsWith('too-large'));
});
