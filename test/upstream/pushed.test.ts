/** What is known of streams that this edge pushes: who is told, what they hold, and when too many are lost. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MediaMemory } from '../../edge/budget/media-memory.ts';
import { UpstreamError } from '../../edge/upstream/connection/errors.ts';
import { OriginHealth } from '../../edge/upstream/origins/origin-health.ts';
import { type Lack, PushedStreams } from '../../edge/upstream/origins/pushed-streams.ts';
import type { Push } from '../../edge/upstream/push/push.ts';
import { PushLosses } from '../../edge/upstream/push/push-losses.ts';
import { PushMemory } from '../../edge/upstream/push/push-memory.ts';

test('who pushes a stream is told of it, until it does not any more', () => {
  const streams = new PushedStreams();
  const told: string[] = [];
  const pushed = (name: string) => ({
    lacking: (origin: string, { kind }: Lack) => told.push(`${name} ${origin} ${kind}`),
    seen: () => told.push(`${name} seen`),
  });
  const tell = (): string[] => {
    told.length = 0;
    streams.lacking('s', 'a:1935', { kind: 'said' });
    streams.seen('s');
    streams.seen('other');
    return [...told];
  };
  assert.deepEqual(tell(), []);
  const endFirst = streams.add('s', pushed('first'));
  assert.deepEqual(tell(), ['first a:1935 said', 'first seen']);
  const endSecond = streams.add('s', pushed('second'));
  endFirst();
  assert.deepEqual(tell(), ['second a:1935 said', 'second seen'], 'a late end of the first is none of the second');
  endSecond();
  assert.deepEqual(tell(), []);
});

test('what publishers make the process keep counts, and no more when they are gone', () => {
  const memory = new MediaMemory(() => 100);
  let givenUp = 0;
  const [first, second] = [new PushMemory(memory, () => givenUp++), new PushMemory(memory, () => {})];
  first.keptBytes = 70;
  second.keptBytes = 20;
  first.keptBytes = 60;
  assert.deepEqual([first.keptBytes, memory.bytesOf('push')], [60, 80]);
  memory.settle();
  assert.equal(givenUp, 0);
  second.keptBytes = 50;
  memory.settle();
  assert.equal(givenUp, 1);
  first.close();
  assert.equal(memory.bytesOf('push'), 50);
  second.close();
  assert.equal(memory.bytesOf('push'), 0);
  assert.equal(memory.pushes.size, 0);
});

test('an origin that is well and drops each push at once is found out at the third', async (t) => {
  let isWell = false;
  const health = new OriginHealth({
    probe: async () => {
      if (!isWell) throw new Error('it is away');
    },
    times: () => ({ probeMinMs: 1, probeMaxMs: 1, retryMinMs: 1, retryMaxMs: 1, checkIntervalMs: 0 }),
    changed: () => {},
  });
  t.after(() => health.close());
  const { promise: found, resolve } = Promise.withResolvers<void>();
  let tooMany = 0;
  const losses = new PushLosses(health, () => {
    tooMany++;
    resolve();
  });
  const origin = { scheme: 'rtmp', host: 'a', port: 1935 } as const;
  const lose = async (failure: 'broken' | 'stalled'): Promise<void> => {
    losses.begin();
    losses.count({ origin } as Push, new UpstreamError(failure, 'closed', { origin: 'a:1935' }));
    // Until the origin has been asked whether it is well.
    await health.answers(origin);
    await new Promise(setImmediate);
  };
  for (let index = 0; index < 5; index++) await lose('broken');
  assert.equal(losses.inARow, 5);
  isWell = true;
  for (let index = 0; index < 5; index++) await lose('stalled');
  for (let index = 0; index < 2; index++) await lose('broken');
  assert.deepEqual([losses.inARow, tooMany], [12, 0], 'who dies, or reads slowly, has dropped nobody');
  await lose('broken');
  await found;
  await lose('broken');
  assert.equal(tooMany, 1, 'it is told once');
});
