/**
 * AMF0, the encoding of RTMP commands and metadata (AMF0 specification, "amf0-file-format-specification" §2).
 * ECMA arrays and typed objects become tagged objects (amf-value.ts); a value behind the avmplus marker is AMF3.
 */

import { AmfReader } from './amf-reader.ts';
import {
  type AmfObject,
  AmfReferences,
  type AmfValue,
  ecmaArray,
  maxAmfDepth,
  setProperty,
  typedObject,
  wireType,
} from './amf-value.ts';
import { Amf3Decoder } from './amf3.ts';
import { AmfError } from './errors.ts';

export { type AmfObject, type AmfValue, ecmaArray, isAmfObject, typedObject, wireType } from './amf-value.ts';
export { AmfError } from './errors.ts';

const Marker = {
  number: 0x00,
  boolean: 0x01,
  string: 0x02,
  object: 0x03,
  null: 0x05,
  undefined: 0x06,
  reference: 0x07,
  ecmaArray: 0x08,
  objectEnd: 0x09,
  strictArray: 0x0a,
  date: 0x0b,
  longString: 0x0c,
  unsupported: 0x0d,
  xmlDocument: 0x0f,
  typedObject: 0x10,
  avmplus: 0x11,
} as const;

/**
 * All values from `offset` to the end of `payload`.
 *
 * @throws AmfError when the bytes end inside a value, are no AMF0, or unfold to something unreasonably deep or large.
 */
export function decodeAmf0(payload: Buffer, offset = 0): AmfValue[] {
  const { values, fault } = readAmf0(payload, offset);
  if (fault !== undefined) throw fault;
  return values;
}

/** Whether a text can begin here: cheaper than to try, for messages that must begin with a name. */
export function mayBeText(payload: Buffer, offset: number): boolean {
  const marker = payload[offset];
  return marker === Marker.string || marker === Marker.longString || marker === Marker.avmplus;
}

/** What could be read of a payload. */
interface Amf0Values {
  readonly values: AmfValue[];
  /** Where each value begins; at the end, where the last one ends. */
  readonly offsets: number[];
  /** Why reading stopped before the end of the payload, if it did. */
  readonly fault: AmfError | undefined;
}

/** The values from `offset` on, as far as they can be read. */
export function readAmf0(payload: Buffer, offset = 0): Amf0Values {
  const input = new AmfReader(payload, offset);
  const decoder = new Amf0Decoder(input);
  const values: AmfValue[] = [];
  const offsets = [offset];
  let fault: AmfError | undefined;
  try {
    while (!input.atEnd) {
      values.push(decoder.read(0));
      offsets.push(input.at);
    }
  } catch (error) {
    if (!(error instanceof AmfError)) throw error;
    fault = error;
  }
  return { values, offsets, fault };
}

class Amf0Decoder {
  readonly #input: AmfReader;
  readonly #references: AmfReferences;

  constructor(input: AmfReader) {
    this.#input = input;
    this.#references = new AmfReferences(input.budget);
  }

  read(depth: number): AmfValue {
    const input = this.#input;
    const start = input.at;
    const marker = input.beginValue(depth);
    switch (marker) {
      case Marker.number:
        return input.take(8).readDoubleBE(0);
      case Marker.boolean:
        return input.takeByte() !== 0;
      case Marker.string:
        return this.#readString();
      case Marker.longString:
      case Marker.xmlDocument:
        return input.takeText(input.take(4).readUInt32BE(0));
      case Marker.null:
        return null;
      case Marker.undefined:
      case Marker.unsupported:
        return undefined;
      case Marker.reference:
        return this.#references.get(input.take(2).readUInt16BE(0), start);
      case Marker.object:
        return this.#readProperties({}, depth);
      case Marker.ecmaArray:
        input.take(4); // The count is a hint that senders get wrong; the end marker counts.
        return this.#readProperties(ecmaArray({}), depth);
      case Marker.typedObject:
        return this.#readProperties(typedObject(this.#readString(), {}), depth);
      case Marker.strictArray:
        return this.#readStrictArray(depth);
      case Marker.date: {
        const milliseconds = input.take(8).readDoubleBE(0);
        input.take(2); // Time zone: reserved, to be ignored.
        return new Date(milliseconds);
      }
      case Marker.avmplus:
        return new Amf3Decoder(input).read(depth + 1);
      default:
        throw new AmfError('unknown-marker', start, `AMF0 type marker 0x${marker.toString(16).padStart(2, '0')}`);
    }
  }

  #readString(): string {
    return this.#input.takeText(this.#input.take(2).readUInt16BE(0));
  }

  #readProperties(object: AmfObject, depth: number): AmfObject {
    const reference = this.#references.open(object);
    for (;;) {
      // Some encoders leave out the end of the last object: the end of the message is its end, too.
      if (this.#input.atEnd) {
        this.#references.close(reference);
        return object;
      }
      const key = this.#readString();
      // The end is an empty key with the end marker; an empty key alone is a property like any other.
      if (key === '' && this.#input.next === Marker.objectEnd) {
        this.#input.takeByte();
        this.#references.close(reference);
        return object;
      }
      setProperty(object, key, this.read(depth + 1));
    }
  }

  #readStrictArray(depth: number): AmfValue[] {
    const count = this.#input.take(4).readUInt32BE(0);
    const values: AmfValue[] = [];
    const reference = this.#references.open(values);
    for (let i = 0; i < count; i++) values.push(this.read(depth + 1));
    this.#references.close(reference);
    return values;
  }
}

/**
 * The values one behind the other, as AMF0. Objects tagged as ECMA array or typed object are written as such.
 *
 * @throws AmfError for values nested too deeply or in a circle, and for a key longer than 65,535 bytes.
 */
export function encodeAmf0(...values: AmfValue[]): Buffer {
  const parts: Buffer[] = [];
  for (const value of values) writeValue(parts, value, 0);
  return Buffer.concat(parts);
}

const objectEnd = Buffer.from([0, 0, Marker.objectEnd]);

function writeValue(parts: Buffer[], value: AmfValue, depth: number): void {
  if (depth > maxAmfDepth)
    throw new AmfError('too-deep', -1, `value nested deeper than ${maxAmfDepth}, or in a circle`);
  if (value === undefined) parts.push(Buffer.from([Marker.undefined]));
  else if (value === null) parts.push(Buffer.from([Marker.null]));
  else if (typeof value === 'number') parts.push(numberBytes(Marker.number, value, 9));
  else if (typeof value === 'boolean') parts.push(Buffer.from([Marker.boolean, value ? 1 : 0]));
  else if (typeof value === 'string') writeString(parts, value);
  else if (value instanceof Date) parts.push(numberBytes(Marker.date, value.getTime(), 11));
  else if (Array.isArray(value)) {
    parts.push(countBytes(Marker.strictArray, value.length));
    for (const item of value) writeValue(parts, item, depth + 1);
  } else writeObject(parts, value, depth);
}

function numberBytes(marker: number, value: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes[0] = marker;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function countBytes(marker: number, count: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = marker;
  bytes.writeUInt32BE(count, 1);
  return bytes;
}

function writeString(parts: Buffer[], value: string): void {
  const text = Buffer.from(value, 'utf8');
  if (text.length > 0xffff) parts.push(countBytes(Marker.longString, text.length), text);
  else parts.push(Buffer.from([Marker.string]), shortText(text));
}

/** UTF-8 with a 16-bit length: keys, class names, short strings. */
function shortText(text: Buffer): Buffer {
  if (text.length > 0xffff) throw new AmfError('too-large', -1, `a key of ${text.length} bytes; AMF0 allows 65535`);
  const bytes = Buffer.allocUnsafe(2 + text.length);
  bytes.writeUInt16BE(text.length, 0);
  text.copy(bytes, 2);
  return bytes;
}

function writeObject(parts: Buffer[], object: AmfObject, depth: number): void {
  const wire = wireType(object);
  const keys = Object.keys(object);
  if (wire === undefined) parts.push(Buffer.from([Marker.object]));
  else if (wire.kind === 'ecma-array') parts.push(countBytes(Marker.ecmaArray, keys.length));
  else parts.push(Buffer.from([Marker.typedObject]), shortText(Buffer.from(wire.className, 'utf8')));
  for (const key of keys) {
    parts.push(shortText(Buffer.from(key, 'utf8')));
    writeValue(parts, object[key], depth + 1);
  }
  parts.push(objectEnd);
}
