/** The origins that a search is asking, and how long they are waited for. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awakeNow } from '../../edge/time/awake.ts';
import { OpenTrials } from '../../edge/upstream/pull/open-trials.ts';
import type { PullTrial } from '../../edge/upstream/pull/pull-trial.ts';

interface Trial {
  readonly name: string;
  askedMs: number | undefined;
  hasAccepted: boolean;
  closed: number;
}

/** A trial as far as it is looked at here. */
function trial(name: string, askedMs: number | undefined, hasAccepted = false): Trial & PullTrial {
  const it = { name, askedMs, hasAccepted, closed: 0, close: () => it.closed++ };
  return it as unknown as Trial & PullTrial;
}

test('who waits for its turn is not being asked; who has accepted has answered', () => {
  const trials = new OpenTrials();
  const waiting = trial('waiting', undefined);
  trials.add(waiting);
  assert.deepEqual([trials.count, trials.isAsking, [...trials.unanswered]], [1, false, []]);
  trials.add(trial('asked', awakeNow()));
  trials.add(trial('accepted', awakeNow(), true));
  assert.deepEqual(trials.names, ['waiting', 'asked', 'accepted']);
  assert.deepEqual([trials.isAsking, [...trials.unanswered]], [true, ['asked']]);
  trials.remove(waiting);
  assert.equal(trials.count, 2);
});

test('each is waited for as long as it may take to answer, and no longer', () => {
  const trials = new OpenTrials();
  assert.equal(trials.waitMs(1_000), 0);
  trials.add(trial('silent', awakeNow() - 5_000));
  assert.equal(trials.waitMs(1_000), 0);
  trials.add(trial('asked', awakeNow() - 100));
  const leftMs = trials.waitMs(1_000);
  assert.ok(leftMs > 0 && leftMs <= 900, `${leftMs} ms`);
  for (const other of [trial('accepted', awakeNow() - 5_000, true), trial('waiting', undefined)]) {
    trials.add(other);
    assert.equal(trials.waitMs(1_000), 1_000);
    trials.remove(other);
  }
});

test('all are given up at once', () => {
  const trials = new OpenTrials();
  const both = [trial('a', awakeNow()), trial('b', undefined)];
  for (const each of both) trials.add(each);
  trials.letGo();
  assert.deepEqual(
    both.map(({ closed }) => closed),
    [1, 1],
  );
  assert.equal(trials.count, 0);
});
