import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { awakeNow, watchLateness } from '../../edge/time/awake.ts';
import type { UpstreamError } from '../../edge/upstream/connection/errors.ts';
import { Watchdog, type Watched } from '../../edge/upstream/connection/watchdog.ts';
import { stopClock } from '../support/stopped-clock.ts';

const options = { timeout: 90_000 };
const stallTimeoutMs = 100;

/** A connection whose other side does what a test says. */
class Connection implements Watched {
  readonly origin = 'a:1935';
  answersPings = true;
  answerMs = 0;
  heardMs = awakeNow();
  pendingBytes = 0;
  takenBytes = 0;
  pings = 0;
  /** What the other side does about a ping. */
  onPing: () => void = () => {};

  ping(): void {
    this.pings++;
    this.onPing();
  }

  receive(): void {
    this.heardMs = awakeNow();
  }
}

interface Verdict {
  readonly error: UpstreamError;
  readonly atMs: number;
}

function watch(
  t: TestContext,
  connection: Connection,
  owesMedia = true,
): { stalled: Promise<Verdict>; found: () => boolean } {
  let found = false;
  const stalled = new Promise<Verdict>((resolve) => {
    const dog = new Watchdog(connection, {
      owesMedia,
      stallTimeoutMs: () => stallTimeoutMs,
      stalled: (error) => {
        found = true;
        resolve({ error, atMs: awakeNow() });
      },
    });
    t.after(() => dog.stop());
  });
  return { stalled, found: () => found };
}

test('one that answers pings and falls silent is found after the stall timeout, not before', options, async (t) => {
  const connection = new Connection();
  const { error, atMs } = await watch(t, connection).stalled;
  assert.equal(error.failure, 'stalled');
  assert.equal(connection.pings, 1);
  assert.ok(atMs - connection.heardMs >= stallTimeoutMs);
});

test('one that answers pings is never left, whatever else it does not send', options, async (t) => {
  const connection = new Connection();
  connection.onPing = () => connection.receive();
  const { found } = watch(t, connection);
  while (connection.pings < 12) await delay(10);
  assert.equal(found(), false);
});

test('one that never answers pings is given four times the stall timeout, or its longest pause', options, async (t) => {
  const connection = new Connection();
  connection.answersPings = false;
  const { stalled, found } = watch(t, connection);
  await delay(200);
  connection.receive();
  const { atMs } = await stalled;
  assert.equal(found(), true);
  assert.ok(atMs - connection.heardMs >= 4 * 200 - 30, `${atMs - connection.heardMs} ms`);
});

test('one that owes no media and answers no pings may be silent for ever', options, async (t) => {
  const connection = new Connection();
  connection.answersPings = false;
  const { found } = watch(t, connection, false);
  await delay(6 * stallTimeoutMs);
  assert.equal(found(), false);
});

test('bytes that wait and do not move: found after the stall timeout', options, async (t) => {
  const connection = new Connection();
  connection.answersPings = false;
  connection.pendingBytes = 5000;
  const since = awakeNow();
  const { error, atMs } = await watch(t, connection, false).stalled;
  assert.match(error.reason, /takes no bytes/);
  assert.ok(atMs - since >= stallTimeoutMs);
});

test('bytes that move, however slowly, are no stall; nor is the answer to a ping behind them', options, async (t) => {
  const connection = new Connection();
  connection.pendingBytes = 5000;
  const { found } = watch(t, connection, false);
  for (let i = 0; i < 12; i++) {
    await delay(stallTimeoutMs / 2);
    connection.takenBytes += 1;
  }
  assert.equal(found(), false);
});

test('an edge that was held up itself does not blame the origin', options, async (t) => {
  const connection = new Connection();
  const { found, stalled } = watch(t, connection);
  await delay(stallTimeoutMs / 2);
  // Everything stands still, and what came meanwhile is read only after the timers have run.
  const until = performance.now() + 3 * stallTimeoutMs;
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(found(), false);
  connection.receive();
  // It is found when it is silent from then on.
  const { atMs } = await stalled;
  assert.ok(atMs - connection.heardMs >= stallTimeoutMs);
});

test('one that we publish to and that answers later and later is slow, and not dead', options, async (t) => {
  const connection = new Connection();
  const { stalled, found } = watch(t, connection, false);
  connection.answerMs = 3 * stallTimeoutMs;
  const sinceMs = connection.heardMs;
  const { atMs } = await stalled;
  assert.equal(found(), true);
  assert.ok(atMs - sinceMs >= 5 * stallTimeoutMs, `${atMs - sinceMs} ms`);
});

test('one that we publish to is pinged all the time, and reads as long as it answers', options, async (t) => {
  const connection = new Connection();
  connection.pendingBytes = 1_000_000;
  connection.onPing = () => connection.receive();
  const { stalled, found } = watch(t, connection, false);
  // Not a byte of what waits is taken meanwhile.
  while (connection.pings < 30) await delay(10);
  assert.equal(found(), false);
  connection.onPing = () => {};
  assert.match((await stalled).error.message, /takes no bytes/);
});

test('what it is sent at once takes a slow one its time, within bounds', options, async (t) => {
  const connection = new Connection();
  let verdict: UpstreamError | undefined;
  const { promise, resolve } = Promise.withResolvers<number>();
  const dog = new Watchdog(connection, {
    owesMedia: false,
    stallTimeoutMs: () => stallTimeoutMs,
    stalled: (error) => {
      verdict = error;
      resolve(awakeNow());
    },
  });
  t.after(() => dog.stop());
  const sinceMs = awakeNow();
  dog.burst(100_000_000);
  const atMs = await promise;
  assert.match(verdict?.message ?? '', /silent for/);
  assert.ok(atMs - sinceMs >= 5 * stallTimeoutMs, `${atMs - sinceMs} ms`);
});

test('one that owes media is not excused by what it once took to answer', options, async (t) => {
  const connection = new Connection();
  connection.answerMs = 1_000_000;
  assert.equal((await watch(t, connection).stalled).error.failure, 'stalled');
});

/** What happens in the milliseconds of a time that the test makes pass, with a stall timeout of 20 ms. */
async function passes(
  t: TestContext,
  owesMedia: boolean,
  properties: Partial<Pick<Connection, 'answersPings' | 'answerMs' | 'pendingBytes'>>,
  events: Readonly<Record<number, (connection: Connection, dog: Watchdog) => void>> = {},
): Promise<{ readonly foundAtMs: number; readonly message: string; readonly pingsAtMs: readonly number[] }> {
  const goOn = stopClock(t);
  // From here on, 200 ms count without another tick.
  await new Promise<void>((resolve) => {
    const end = watchLateness(() => {
      end();
      resolve();
    });
  });
  const connection = Object.assign(new Connection(), properties);
  const pingsAtMs: number[] = [];
  let [nowMs, message] = [0, ''];
  connection.onPing = () => pingsAtMs.push(nowMs);
  const dog = new Watchdog(connection, {
    owesMedia,
    stallTimeoutMs: () => 20,
    stalled: (error) => (message = error.reason),
  });
  for (; message === '' && nowMs < 190; nowMs++) {
    events[nowMs]?.(connection, dog);
    goOn(1);
  }
  dog.stop();
  return { foundAtMs: nowMs, message, pingsAtMs };
}

const hear = (connection: Connection): void => connection.receive();
const wait = (connection: Connection): void => {
  connection.pendingBytes = 5_000;
};

describe('to the millisecond', () => {
  test('one that owes media is pinged once, after a quarter of the stall timeout, and found when that is over', async (t) => {
    const { foundAtMs, message, pingsAtMs } = await passes(t, true, {});
    assert.deepEqual([foundAtMs, message, pingsAtMs], [20, 'silent for 20 ms', [4]]);
  });

  test('without pings its longest pause counts, four times', async (t) => {
    const { foundAtMs } = await passes(t, true, { answersPings: false }, { 30: hear });
    assert.equal(foundAtMs, 30 + 4 * 30);
  });

  test('one that we publish to is pinged at each check, and its answers may be late by four times what they took', async (t) => {
    const { foundAtMs, pingsAtMs } = await passes(t, false, { answerMs: 5 });
    assert.equal(foundAtMs, 4 * 5 + 20);
    assert.deepEqual(pingsAtMs.slice(0, 4), [4, 9, 14, 19]);
  });

  test('what it is sent at once takes it 10 ms for each KB', async (t) => {
    const { foundAtMs } = await passes(t, false, {}, { 0: (_, dog) => dog.burst(3_000) });
    assert.equal(foundAtMs, 30 + 20);
  });

  test('one that takes nothing is found although it talks, if it owes media', async (t) => {
    const { foundAtMs, message } = await passes(t, true, { pendingBytes: 5_000 }, { 15: hear });
    assert.deepEqual([foundAtMs, message], [20, 'takes no bytes for 20 ms']);
  });

  test('one that we publish to takes nothing: what it said last counts, and how late that was', async (t) => {
    const { foundAtMs } = await passes(t, false, { pendingBytes: 5_000, answerMs: 5 }, { 10: hear });
    assert.equal(foundAtMs, 10 + 4 * 5 + 20);
  });

  test('bytes are stuck from the moment in which they wait', async (t) => {
    const { foundAtMs } = await passes(t, true, { answersPings: false }, { 12: wait });
    assert.equal(foundAtMs, 30);
  });
});
