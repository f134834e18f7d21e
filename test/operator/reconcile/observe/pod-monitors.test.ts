/** The CRD of PodMonitors may be there, come later, or go; what is not known is asked again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { PodMonitors } from '../../../../operator/reconcile/observe/pod-monitors.ts';

type After = { after(fn: () => void): void };

/** What the API server says each time it is asked; the last is said for ever. */
function scene(t: After, answers: readonly (boolean | Error)[], listed: 'listed' | 'refused' = 'listed') {
  const left = [...answers];
  const seen = { asked: 0, watches: 0, ended: 0 };
  const begun = { next: Promise.withResolvers<void>() };
  const monitors = new PodMonitors({
    api: {
      serves: async () => {
        seen.asked++;
        const answer = left.length > 1 ? left.shift() : left[0];
        if (answer instanceof Error) throw answer;
        return answer ?? false;
      },
    },
    watcher: {
      watch: () => {
        seen.watches++;
        return listed === 'listed' ? Promise.resolve() : new Promise(() => {});
      },
    },
    labelSelector: 'ours',
    changed: () => {},
    listed: () => {},
    begun: () => begun.next.resolve(),
    ended: () => seen.ended++,
    longEnough: () => new Promise((resolve) => setImmediate(() => resolve('late'))),
    log: pino({ level: 'silent' }),
    pauses: { absentMs: 2, failedMs: 1, unlistedMs: 3 },
  });
  t.after(() => monitors.close());
  return { monitors, seen, begun };
}

test('a CRD that comes later is found without any other change', async (t) => {
  const { monitors, seen, begun } = scene(t, [false, false, false, true]);
  await monitors.start();
  assert.equal(monitors.watched, false);
  await begun.next.promise;
  assert.equal(monitors.watched, true);
  assert.deepEqual(seen, { asked: 4, watches: 1, ended: 0 });
});

test('a question that failed is asked again, as often as it takes', async (t) => {
  const { monitors, seen, begun } = scene(t, [new Error('503'), new Error('503'), new Error('no answer'), true]);
  await monitors.start();
  await begun.next.promise;
  assert.equal(seen.asked, 4);
});

test('a CRD that goes and comes again is followed', async (t) => {
  const { monitors, seen, begun } = scene(t, [true, false, true]);
  await monitors.start();
  await begun.next.promise;
  begun.next = Promise.withResolvers();
  monitors.end();
  monitors.end();
  assert.equal(monitors.watched, false);
  assert.equal(seen.ended, 1);
  await begun.next.promise;
  assert.deepEqual(seen, { asked: 3, watches: 2, ended: 1 });
});

test('PodMonitors that may not be listed are none, until they may', async (t) => {
  const { monitors, seen } = scene(t, [true], 'refused');
  await monitors.start();
  assert.equal(monitors.watched, false);
  while (seen.watches < 3) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(monitors.watched, false);
  // Those of one namespace of two may have been told: nobody would tell of their end.
  assert.ok(seen.ended >= 2);
});

test('closed: nothing is asked any more', async (t) => {
  const { monitors, seen } = scene(t, [false]);
  const starting = monitors.start();
  monitors.close();
  await starting;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(seen.asked, 1);
});
