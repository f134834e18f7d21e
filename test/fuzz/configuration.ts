/** Arbitrary configurations: whatever a file or a variable holds is read, or ConfigError says why not. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../edge/conf/directives/root.ts';
import { parseConfig } from '../../edge/conf/load.ts';
import { printConfig } from '../../edge/conf/print.ts';
import { ConfigError } from '../../edge/conf/problem.ts';
import { leavesOf } from '../../edge/conf/schema.ts';
import fc from '../support/property.ts';

/** Whatever is accepted must also be printed and mean the same. */
export function survives(text: string, env: Record<string, string> = {}): void {
  try {
    const { config } = parseConfig(text, { env });
    assert.deepEqual(parseConfig(printConfig(config)).config, config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const { at } of error.problems) if ('line' in at) assert.ok(at.line >= 1 && at.column >= 1);
  }
}

const leaves = leavesOf(ROOT.fields);
const names = [...new Set(leaves.flatMap(({ path }) => path)), 'include', 'hls', 'vhost', '__proto__', 'constructor'];
const samples = [
  'on',
  'off',
  '1',
  '-1',
  '0',
  '1935',
  '[::1]:1',
  '99999999999999999999',
  'a.flv',
  'rtmps://a',
  'remote',
];
const token = fc.oneof(
  fc.constantFrom(...names, ...samples),
  fc.constantFrom(' ', ' ', '{', '}', ';', ';', '\n', '"', "'", '#', '\r', '\t', '\0', '\u2028'),
  fc.string({ maxLength: 4 }),
);
const soup = fc.array(token, { maxLength: 60 }).map((tokens) => tokens.join(' '));

/** A directive in its right place with some value. */
const placed = fc
  .tuple(fc.constantFrom(...leaves), fc.oneof(fc.constantFrom(...samples), fc.string()))
  .map(([{ path }, value]) => {
    const open = path.slice(0, -1).map((name) => `${name}${name === 'vhost' ? ' v' : ''} {`);
    return `listen 1935; ${open.join(' ')} ${path.at(-1)} ${value}; ${'}'.repeat(open.length)}`;
  });

const file = readFileSync(join(import.meta.dirname, '../conf/fixtures/every-directive.conf'), 'utf8');

/** A file that is right, but for one place. */
const damaged = fc
  .tuple(fc.nat(file.length), fc.nat(3), fc.constantFrom('', '{', '}', ';', '"', '\n', 'x'))
  .map(([at, drop, put]) => file.slice(0, at) + put + file.slice(at + drop));

/** Texts of configuration files. */
export const configurations: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  { weight: 2, arbitrary: soup },
  { weight: 4, arbitrary: placed },
  damaged,
);

/** Environment variables that override directives. */
export const variables: fc.Arbitrary<Record<string, string>> = fc
  .tuple(
    fc.constantFrom(...leaves.map(({ path }) => `SRS_${path.join('_').toUpperCase()}`)),
    fc.oneof(fc.constantFrom(...samples), fc.string({ unit: 'binary' })),
  )
  .map(([name, value]) => ({ [name]: value }));
