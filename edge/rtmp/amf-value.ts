/**
 * AMF values as JavaScript values, and the limits both decoders keep (AMF0 specification §2, AMF3 specification §3).
 *
 * Three AMF types become a plain object: Object, ECMA array and typed object. The difference is kept in a hidden
 * (non-enumerable, symbol-keyed) tag so that re-encoding writes the type that was read. `{ ...object }` drops the tag.
 */

import { AmfError } from './errors.ts';

/** `undefined` is AMF's undefined. XML comes as its text, an AMF3 byte array as a string of one character per byte. */
export type AmfValue = number | boolean | string | null | undefined | Date | AmfValue[] | AmfObject;

export interface AmfObject {
  [key: string]: AmfValue;
}

const wireTypeKey = Symbol('AMF wire type');

/** An ECMA array, or an object with a class name. */
type WireType = { readonly kind: 'ecma-array' } | { readonly kind: 'typed-object'; readonly className: string };

type Tagged = AmfObject & { [wireTypeKey]?: WireType };

function tag(object: AmfObject, wireType: WireType): AmfObject {
  Object.defineProperty(object, wireTypeKey, { value: wireType, enumerable: false, configurable: true });
  return object;
}

/** Marks `object` (and returns it) to be encoded as an ECMA array, which is what onMetaData is on the wire. */
export function ecmaArray(object: AmfObject): AmfObject {
  return tag(object, { kind: 'ecma-array' });
}

/** Marks `object` (and returns it) to be encoded as a typed object of that class. */
export function typedObject(className: string, object: AmfObject): AmfObject {
  return tag(object, { kind: 'typed-object', className });
}

/** How `object` was (and will be) written; undefined for an anonymous Object. */
export function wireType(object: AmfObject): WireType | undefined {
  return (object as Tagged)[wireTypeKey];
}

/** True for what AMF calls an object: neither null, Date nor array. */
export function isAmfObject(value: AmfValue): value is AmfObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** Sets a property whatever its name is: `__proto__` must become a property, not a prototype. */
export function setProperty(object: AmfObject, key: string, value: AmfValue): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[key] = value;
  }
}

/** Nesting a decoder or encoder follows. Real commands stay below 5. */
export const maxAmfDepth = 32;
/** Values in one payload, with what references repeat counted each time. */
const maxValues = 65_536;
/** Characters of text in one payload, counted likewise. */
const maxCharacters = 16 * 1024 * 1024;

/**
 * Counts what a payload unfolds to. References make a small payload mean a huge tree ("billion laughs"), so a
 * repeated object is charged again, with everything in it.
 */
export class AmfBudget {
  values = 0;
  characters = 0;

  charge(values: number, characters: number, offset: number): void {
    this.values += values;
    this.characters += characters;
    if (this.values > maxValues || this.characters > maxCharacters) {
      throw new AmfError('too-large', offset, 'AMF data unfolds to more than a command or metadata ever holds');
    }
  }
}

/** The objects of a payload that later references may name, in order of appearance. */
export class AmfReferences {
  readonly #entries: { value: AmfValue; values: number; characters: number; complete: boolean }[] = [];
  readonly #budget: AmfBudget;

  constructor(budget: AmfBudget) {
    this.#budget = budget;
  }

  /** Enters a value that has no members. */
  add(value: AmfValue, characters: number): void {
    this.#entries.push({ value, values: 1, characters, complete: true });
  }

  /** Enters an object before its members are read; returns its index for `close`. */
  open(value: AmfValue): number {
    const { values, characters } = this.#budget;
    return this.#entries.push({ value, values, characters, complete: false }) - 1;
  }

  /** The object at `index` has all its members: from now on it may be referred to. */
  close(index: number): void {
    const entry = this.#entries[index];
    if (entry !== undefined) {
      entry.values = this.#budget.values - entry.values + 1;
      entry.characters = this.#budget.characters - entry.characters;
      entry.complete = true;
    }
  }

  /** What reference `index`, read at `offset`, stands for. */
  get(index: number, offset: number): AmfValue {
    const entry = this.#entries[index];
    if (entry === undefined) {
      throw new AmfError('bad-reference', offset, `AMF reference ${index} to an object that was not sent`);
    }
    if (!entry.complete) throw new AmfError('cyclic', offset, `AMF reference ${index} to an object it is part of`);
    this.#budget.charge(entry.values, entry.characters, offset);
    return entry.value;
  }
}
