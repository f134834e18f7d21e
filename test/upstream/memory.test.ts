import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { StreamMemory } from '../../edge/upstream/origins/memory.ts';

test('the origin that had a stream is remembered; absence is, for its time, and forgotten when it is found', async () => {
  const memory = new StreamMemory();
  assert.equal(memory.originOf('s'), undefined);
  assert.equal(memory.absentForMs('s'), 0);
  memory.foundAt('s', 'a:1935');
  assert.equal(memory.originOf('s'), 'a:1935');
  memory.absent('s', 30);
  assert.equal(memory.originOf('s'), undefined);
  const left = memory.absentForMs('s');
  assert.ok(left > 0 && left <= 30);
  memory.foundAt('s', 'b:1935');
  assert.equal(memory.absentForMs('s'), 0);
  memory.absent('s', 5);
  await delay(10);
  assert.equal(memory.absentForMs('s'), 0);
  assert.equal(memory.size, 0);
});

test('names that come and go leave nothing behind', async () => {
  const memory = new StreamMemory();
  for (let i = 0; i < 500; i++) memory.absent(`s${i}`, 1);
  await delay(5);
  memory.absent('last', 1000);
  assert.equal(memory.size, 1);
});

test('a flood of names is bounded; the newest are kept', () => {
  const memory = new StreamMemory();
  for (let i = 0; i < 30_000; i++) memory.foundAt(`s${i}`, 'a:1935');
  assert.equal(memory.size, 10_000);
  assert.equal(memory.originOf('s29999'), 'a:1935');
  assert.equal(memory.originOf('s0'), undefined);
  // What was found again is among the newest.
  memory.foundAt('s20000', 'b:1935');
  memory.foundAt('new', 'a:1935');
  assert.equal(memory.originOf('s20000'), 'b:1935');
  assert.equal(memory.originOf('s20001'), undefined);
});
