/**
 * AMF3, as far as clients put it behind AMF0's avmplus marker (AMF3 specification §3; Enhanced RTMP v2, "Action
 * Message Format"). Decoding only: what we send is AMF0, which every client reads.
 */

import type { AmfReader } from './amf-reader.ts';
import { type AmfObject, AmfReferences, type AmfValue, ecmaArray, setProperty, typedObject } from './amf-value.ts';
import { AmfError } from './errors.ts';

const Marker = {
  undefined: 0x00,
  null: 0x01,
  false: 0x02,
  true: 0x03,
  integer: 0x04,
  double: 0x05,
  string: 0x06,
  xmlDocument: 0x07,
  date: 0x08,
  array: 0x09,
  object: 0x0a,
  xml: 0x0b,
  byteArray: 0x0c,
} as const;

interface Traits {
  readonly className: string;
  readonly dynamic: boolean;
  readonly members: readonly string[];
}

/** Reads values one by one; the tables of strings, objects and traits live as long as the decoder. */
export class Amf3Decoder {
  readonly #input: AmfReader;
  readonly #strings: string[] = [];
  readonly #objects: AmfReferences;
  readonly #traits: Traits[] = [];

  constructor(input: AmfReader) {
    this.#input = input;
    this.#objects = new AmfReferences(input.budget);
  }

  /** The next value. @throws AmfError */
  read(depth: number): AmfValue {
    const start = this.#input.at;
    const marker = this.#input.beginValue(depth);
    switch (marker) {
      case Marker.undefined:
        return undefined;
      case Marker.null:
        return null;
      case Marker.false:
        return false;
      case Marker.true:
        return true;
      case Marker.integer:
        return (this.#readU29() << 3) >> 3; // 29 bits with sign
      case Marker.double:
        return this.#input.take(8).readDoubleBE(0);
      case Marker.string:
        return this.#readString();
      case Marker.xmlDocument:
      case Marker.xml:
        return this.#readBlob('utf8', start);
      case Marker.byteArray:
        return this.#readBlob('latin1', start);
      case Marker.date:
        return this.#readDate(start);
      case Marker.array:
        return this.#readArray(depth, start);
      case Marker.object:
        return this.#readObject(depth, start);
      default:
        throw new AmfError('unsupported', start, `AMF3 type marker 0x${marker.toString(16).padStart(2, '0')}`);
    }
  }

  /** §1.3.1: up to four bytes, seven bits each, but eight in the fourth. */
  #readU29(): number {
    let value = 0;
    for (let i = 0; i < 3; i++) {
      const byte = this.#input.takeByte();
      if (byte < 0x80) return (value << 7) | byte;
      value = (value << 7) | (byte & 0x7f);
    }
    return (value << 8) | this.#input.takeByte();
  }

  #readString(): string {
    const start = this.#input.at;
    const header = this.#readU29();
    if ((header & 1) === 0) {
      const text = this.#strings[header >> 1];
      if (text === undefined) {
        throw new AmfError('bad-reference', start, `AMF3 reference ${header >> 1} to a string that was not sent`);
      }
      this.#input.budget.charge(0, text.length, start);
      return text;
    }
    const text = this.#input.takeText(header >> 1, 'utf8');
    if (text !== '') this.#strings.push(text);
    return text;
  }

  /** XML and byte arrays: a length and bytes, or a reference into the table of objects. */
  #readBlob(encoding: 'utf8' | 'latin1', start: number): AmfValue {
    const header = this.#readU29();
    if ((header & 1) === 0) return this.#objects.get(header >> 1, start);
    const before = this.#input.budget.characters;
    const text = this.#input.takeText(header >> 1, encoding);
    this.#objects.add(text, this.#input.budget.characters - before);
    return text;
  }

  #readDate(start: number): AmfValue {
    const header = this.#readU29();
    if ((header & 1) === 0) return this.#objects.get(header >> 1, start);
    const date = new Date(this.#input.take(8).readDoubleBE(0));
    this.#objects.add(date, 0);
    return date;
  }

  /** §3.11. An array with named members becomes an object tagged as ECMA array, as AMF0 would have it. */
  #readArray(depth: number, start: number): AmfValue {
    const header = this.#readU29();
    if ((header & 1) === 0) return this.#objects.get(header >> 1, start);
    const count = header >> 1;
    const named = this.#input.next !== 0x01; // 0x01: the empty string that ends the named members
    if (!named) {
      this.#input.takeByte();
      const values: AmfValue[] = [];
      const reference = this.#objects.open(values);
      for (let i = 0; i < count; i++) values.push(this.read(depth + 1));
      this.#objects.close(reference);
      return values;
    }
    const object = ecmaArray({});
    const reference = this.#objects.open(object);
    this.#readDynamicMembers(object, depth);
    for (let i = 0; i < count; i++) setProperty(object, String(i), this.read(depth + 1));
    this.#objects.close(reference);
    return object;
  }

  #readDynamicMembers(object: AmfObject, depth: number): void {
    for (let key = this.#readString(); key !== ''; key = this.#readString()) {
      setProperty(object, key, this.read(depth + 1));
    }
  }

  /** §3.12. */
  #readObject(depth: number, start: number): AmfValue {
    const header = this.#readU29();
    if ((header & 1) === 0) return this.#objects.get(header >> 1, start);
    const traits = this.#readTraits(header, start);
    const object: AmfObject = traits.className === '' ? {} : typedObject(traits.className, {});
    const reference = this.#objects.open(object);
    for (const key of traits.members) {
      this.#input.budget.charge(0, key.length, this.#input.at);
      setProperty(object, key, this.read(depth + 1));
    }
    if (traits.dynamic) this.#readDynamicMembers(object, depth);
    this.#objects.close(reference);
    return object;
  }

  #readTraits(header: number, start: number): Traits {
    if ((header & 2) === 0) {
      const traits = this.#traits[header >> 2];
      if (traits === undefined) {
        throw new AmfError('bad-reference', start, `AMF3 reference ${header >> 2} to traits that were not sent`);
      }
      return traits;
    }
    const className = this.#readString();
    if ((header & 4) !== 0) {
      // Only the class itself knows how many bytes it wrote.
      throw new AmfError('unsupported', start, `AMF3 object of externalizable class "${className.slice(0, 80)}"`);
    }
    const count = header >> 4;
    const members: string[] = [];
    for (let i = 0; i < count; i++) members.push(this.#readString());
    const traits = { className, dynamic: (header & 8) !== 0, members };
    this.#traits.push(traits);
    return traits;
  }
}
