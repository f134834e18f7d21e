import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

const garbage = path.join(import.meta.dirname, '../../operator/garbage.ts');

/** Keeps objects for good, and others for a while: long enough that V8 takes them for old. Says how its heap grew. */
const program = `
  import { getHeapStatistics } from 'node:v8';
  const used = () => getHeapStatistics().used_heap_size;
  const make = (i) => ({ i, text: ['a', i, 'b'], more: { i } });
  const kept = Array.from({ length: 200_000 }, (_, i) => make(i));
  const passing = Array.from({ length: 60_000 });
  gc();
  const inUse = used();
  let most = 0;
  for (let i = 0; i < 3_000_000; i++) {
    passing[i % passing.length] = make(i);
    if (i % 1000 === 0) most = Math.max(most, used());
  }
  console.log(JSON.stringify({ factor: most / inUse, kept: kept.length }));
`;

function factorOf(before: string): number {
  const flags = ['--expose-gc', '--max-semi-space-size=4', '--input-type=module'];
  const out = execFileSync(process.execPath, [...flags, '--eval', before + program], { encoding: 'utf8' });
  return (JSON.parse(out) as { readonly factor: number }).factor;
}

test('garbage does not become more than what is in use', () => {
  const bounded = factorOf(`import { boundGarbage } from ${JSON.stringify(garbage)}; boundGarbage();`);
  assert.ok(bounded < 2.2, `the heap grew to ${bounded} of what was in use`);
});
