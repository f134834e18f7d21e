/** No input crashes or hangs the configuration: it is read, or ConfigError says why not. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ROOT } from '../../edge/conf/directives.ts';
import { parseTree } from '../../edge/conf/grammar.ts';
import { parseConfig } from '../../edge/conf/load.ts';
import { printConfig } from '../../edge/conf/print.ts';
import { ConfigError } from '../../edge/conf/problem.ts';
import { leavesOf } from '../../edge/conf/schema.ts';

/** Whatever is accepted must also be printed and mean the same. */
function survives(text: string, env: Record<string, string> = {}): void {
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

describe('fuzz', () => {
  it('random text', () =>
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => survives(text))));

  it('random words of the language', () =>
    fc.assert(
      fc.property(soup, (text) => survives(text)),
      { numRuns: 1000 },
    ));

  it('random values in their places', () =>
    fc.assert(
      fc.property(placed, (text) => survives(text)),
      { numRuns: 2000 },
    ));

  it('random values of variables', () => {
    const variable = fc.constantFrom(...leaves.map(({ path }) => `SRS_${path.join('_').toUpperCase()}`));
    fc.assert(
      fc.property(variable, fc.oneof(fc.constantFrom(...samples), fc.string({ unit: 'binary' })), (name, value) => {
        survives('listen 1935; vhost v { }', { [name]: value });
      }),
      { numRuns: 1000 },
    );
  });

  it('a file cut or changed anywhere', () => {
    const file = readFileSync(join(import.meta.dirname, 'fixtures/every-directive.conf'), 'utf8');
    const change = fc.tuple(fc.nat(file.length), fc.nat(3), fc.constantFrom('', '{', '}', ';', '"', '\n', 'x'));
    fc.assert(
      fc.property(change, ([at, drop, put]) => survives(file.slice(0, at) + put + file.slice(at + drop))),
      { numRuns: 300 },
    );
    for (let cut = 0; cut < file.length; cut += 97) survives(file.slice(0, cut));
  });

  it('long and deep input in linear time', () => {
    const long = 'x'.repeat(1_000_000);
    survives(`listen ${long};`);
    survives(`vhost a { cluster { mode remote; origin ${'a.'.repeat(100_000)}; } }`);
    survives(`vhost a { http_remux { mount ${'['.repeat(100_000)}.flv; } }`);
    survives(`${'a '.repeat(200_000)};`);
    survives(long);
    assert.equal(parseTree('a{'.repeat(500_000), 'x').problems.length, 1);
  });
});
