/** What another release of the schema lacks, and what it can hold. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Schema } from '../../../operator/api/schema.ts';
import { fitted, lacking, unknownSettings } from '../../../operator/api/served-schema.ts';

const text: Schema = { type: 'string' };
const object = (properties: Readonly<Record<string, Schema>>, more: Partial<Schema> = {}): Schema => ({
  type: 'object',
  properties,
  ...more,
});
const list = (items: Schema): Schema => ({ type: 'array', items });
const words = (...all: string[]): Schema => ({ type: 'string', enum: all });

describe('a schema that lacks something', () => {
  const ours = object({ a: text, b: object({ c: text }), d: list(object({ e: words('X', 'Y'), f: text })) });
  const theirs = object({ a: text, b: object({}), d: list(object({ e: words('X') }, { required: ['e'] })) });

  it('lacks fields and words, at any depth', () => {
    assert.deepEqual(lacking(ours, theirs, 's'), ['s.b.c', 's.d[].e Y', 's.d[].f']);
    assert.deepEqual(lacking(theirs, ours, 's'), []);
    assert.deepEqual(lacking(object({ g: ours }), object({}), 's'), ['s.g'], 'what holds others stands for them');
  });

  it('lacks nothing that it does not name, where it holds anything', () => {
    assert.deepEqual(lacking(ours, { type: 'object' }, 's'), []);
    assert.deepEqual(lacking(ours, object({}, { 'x-kubernetes-preserve-unknown-fields': true }), 's'), []);
    assert.deepEqual(lacking(words('X'), text, 's'), [], 'any word');
  });

  it('holds the rest: fields are left out, and items of a list that miss what they need', () => {
    const value = {
      a: '1',
      b: { c: '2' },
      d: [
        { e: 'X', f: '3' },
        { e: 'Y', f: '4' },
      ],
      z: 1,
    };
    assert.deepEqual(fitted(value, theirs), { a: '1', b: {}, d: [{ e: 'X' }] });
    assert.deepEqual(fitted({ a: '1', b: { c: '2' } }, ours), { a: '1', b: { c: '2' } });
  });

  it('holds whatever is in a map', () => {
    assert.deepEqual(fitted({ a: { b: 'c' } }, object({ a: { type: 'object', additionalProperties: text } })), {
      a: { b: 'c' },
    });
  });
});

describe('settings that we know nothing of', () => {
  const ours = object({ known: text, list: list(object({ name: text })), word: words('X') });
  const served = object({
    known: text,
    list: list(object({ name: text, more: text })),
    flag: { type: 'boolean', default: false },
    group: object({ flag: { type: 'boolean', default: false } }, { default: {} }),
    motto: text,
    word: words('X', 'Y'),
  });

  it('are those that are not as the API server would fill them in', () => {
    const filled = { known: 'a', list: [{ name: 'b' }], word: 'X', flag: false, group: { flag: false } };
    assert.deepEqual(unknownSettings(filled, ours, served, 'spec'), []);
    const set = {
      known: 'a',
      list: [{ name: 'b' }, { name: 'c', more: 'd' }],
      word: 'Y',
      flag: true,
      group: { flag: true },
      motto: '',
    };
    assert.deepEqual(unknownSettings(set, ours, served, 'spec'), [
      'spec.list[1].more',
      'spec.word Y',
      'spec.flag',
      'spec.group',
      'spec.motto',
    ]);
  });
});
