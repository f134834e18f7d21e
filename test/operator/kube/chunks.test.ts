/** Lines of a byte stream: the same, however the bytes are cut. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lines } from '../../../operator/kube/chunks.ts';
import fc from '../../support/property.ts';

async function* chunked(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function all(stream: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of stream) found.push(line);
  return found;
}

test('however the bytes are cut, the lines are the same; characters of several bytes stay whole', async () => {
  const text = fc.array(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).map((line) => line.replaceAll('\n', ' ')),
  );
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), async (given, sizes) => {
      const bytes = Buffer.from(given.map((line) => `${line}\n`).join(''));
      assert.deepEqual(await all(lines(chunked(bytes, sizes), 1000)), given);
    }),
    { numRuns: 50 },
  );
});

test('what has no end of line is no line', async () => {
  assert.deepEqual(await all(lines(chunked(Buffer.from('{"a":1}\n{"b"'), [5]), 100)), ['{"a":1}']);
});

test('a line without end is refused before it fills the memory', async () => {
  await assert.rejects(all(lines(chunked(Buffer.alloc(1000, 97), [10]), 100)), RangeError);
});
