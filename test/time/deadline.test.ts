import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { awakeNow, watchLateness } from '../../edge/time/awake.ts';
import { Deadline } from '../../edge/time/deadline.ts';

/** Holds this process up, as SIGSTOP or a throttled cgroup does. */
function holdUp(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test('time in which the process was held up hardly counts', async () => {
  await delay(20);
  const before = awakeNow();
  const realBefore = performance.now();
  holdUp(1_500);
  assert.ok(performance.now() - realBefore >= 1_500);
  assert.ok(awakeNow() - before <= 300, `${awakeNow() - before} ms counted`);
});

test('who watches is told how late the event loop came, until they watch no more', async () => {
  const late: number[] = [];
  const first = await new Promise<() => void>((resolve) => {
    const end = watchLateness(() => resolve(end));
  });
  first();
  await new Promise<void>((resolve) => {
    const end = watchLateness((lateMs) => {
      late.push(lateMs);
      end();
      resolve();
    });
    holdUp(700);
  });
  assert.ok((late[0] ?? 0) >= 500, `${late} ms late`);
  await delay(300);
  assert.equal(late.length, 1);
});

test('a deadline expires once, after its time', async () => {
  const startedMs = performance.now();
  let calls = 0;
  await new Promise<void>((resolve) => {
    new Deadline(() => {
      calls++;
      resolve();
    }).start(120);
  });
  assert.ok(performance.now() - startedMs >= 119);
  assert.equal(calls, 1);
});

test('a deadline that is started over counts from then on; one that is stopped never expires', async () => {
  const expired: string[] = [];
  const again = new Deadline(() => expired.push('again'));
  const stopped = new Deadline(() => expired.push('stopped'));
  const sooner = new Deadline(() => expired.push('sooner'));
  again.start(60);
  again.start(200);
  sooner.start(60_000);
  sooner.start(20);
  stopped.start(20);
  stopped.stop();
  assert.equal(stopped.pending, false);
  assert.equal(stopped.leftMs, Number.POSITIVE_INFINITY);
  await new Promise<void>((resolve) => new Deadline(resolve).start(120));
  assert.deepEqual(expired, ['sooner']);
  assert.ok(again.pending && again.leftMs <= 100);
  await new Promise<void>((resolve) => new Deadline(resolve).start(200));
  assert.deepEqual(expired, ['sooner', 'again']);
});

test('what arrived while the process was held up is read before the verdict', async () => {
  let verdict = 'met';
  const deadline = new Deadline(() => {
    verdict = 'missed';
  });
  deadline.start(100);
  // Stands for I/O: it is ready while the process is held up, and is handled after the timers.
  setImmediate(() => setImmediate(() => setImmediate(() => deadline.stop())));
  holdUp(1_000);
  await delay(150);
  assert.equal(verdict, 'met');
});
