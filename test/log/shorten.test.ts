import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shorten } from '../../edge/log/shorten.ts';

test('what is short stays as it is', () => {
  const fields = { client: 'abc', n: 5, nothing: null, list: [1, 'a'], deep: { deeper: { text: 'x' } } };
  assert.deepEqual(shorten(fields), fields);
  const date = new Date(0);
  assert.equal(shorten(date), date);
  const error = new Error('boom');
  assert.equal(shorten(error), error);
});

test('whatever a client can put into a field, the line stays short', () => {
  const long = 'x'.repeat(1_000_000);
  const ring: Record<string, unknown> = {};
  ring.self = ring;
  for (const value of [
    long,
    { tcUrl: long },
    { [long]: 1 },
    { upnode: { deep: { deep: long } } },
    { list: Array.from({ length: 100_000 }, () => 'entry') },
    Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`key${n}`, n])),
    ring,
  ]) {
    assert.ok(JSON.stringify(shorten(value)).length < 10_000, JSON.stringify(shorten(value)).slice(0, 200));
  }
  assert.match(String(shorten(long)), /^x{2048}… \(1000000 characters\)$/);
});
