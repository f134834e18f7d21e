/** Merged read: when publishers' sockets rest, and for how long. */

import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import { readRestMs } from '../../edge/conf/vhost.ts';
import { restReading } from '../../edge/server/merged-read.ts';

test('mr decides over read_interval, min_latency over both', () => {
  const edge = { readIntervalMs: 20 };
  const publish = { mr: true, mrLatencyMs: 350 };
  assert.equal(readRestMs(defaultVhost({ edge })), 20);
  assert.equal(readRestMs(defaultVhost({ edge, publish })), 350);
  assert.equal(readRestMs(defaultVhost({ edge, publish, minLatency: true })), 0);
});

test('a socket rests; those that follow wake with it; then each can rest again', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const first = new Socket();
  const second = new Socket();
  const longer = new Socket();
  restReading(first, 100);
  t.mock.timers.tick(60);
  restReading(second, 100);
  restReading(longer, 200);
  assert.deepEqual(
    [first, second, longer].map((socket) => socket.isPaused()),
    [true, true, true],
  );
  t.mock.timers.tick(40);
  assert.deepEqual(
    [first, second, longer].map((socket) => socket.isPaused()),
    [false, false, true],
  );
  restReading(first, 100);
  assert.equal(first.isPaused(), true);
  t.mock.timers.tick(160);
  assert.deepEqual(
    [first, second, longer].map((socket) => socket.isPaused()),
    [false, false, false],
  );
});
