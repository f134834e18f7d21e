/** The journal: bounded, told in words, and kept only where there is a console. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultConfig } from '../../../edge/conf/defaults.ts';
import { type Happening, inWords } from '../../../edge/server/console/happenings.ts';
import { Journal } from '../../../edge/server/console/journal.ts';
import { isConsoleWanted } from '../../../edge/server/console/wanted.ts';

const always = (): boolean => true;

function switched(stream: string, to = 'b:1935'): Happening {
  return { kind: 'switch', stream, from: 'a:1935', to, gapMs: 120 };
}

function refusal(reason: string, ip = '192.0.2.1'): Happening {
  return { kind: 'refusal', ip, stream: '/live/one', reason };
}

describe('the journal', () => {
  it('lists the newest first, and each stream’s switches in their order', () => {
    let nowMs = 0;
    const journal = new Journal(always, () => ++nowMs);
    journal.tell(switched('one'));
    journal.tell(switched('two'));
    journal.tell(switched('one', 'c:1935'));
    assert.deepEqual(
      journal.entries().map(({ atMs, happening }) => [atMs, 'to' in happening && happening.to]),
      [
        [3, 'c:1935'],
        [2, 'b:1935'],
        [1, 'b:1935'],
      ],
    );
    assert.deepEqual(
      journal.switchesOf('one').map(({ happening }) => happening.to),
      ['b:1935', 'c:1935'],
    );
  });

  it('counts what is the same within a minute, and begins anew after it', () => {
    let nowMs = 0;
    const journal = new Journal(always, () => nowMs);
    journal.tell(refusal('token: expired', '192.0.2.1'));
    nowMs = 59_000;
    journal.tell(refusal('token: expired', '192.0.2.2'));
    journal.tell(refusal('security'));
    const [, merged] = journal.entries();
    assert.ok(journal.entries().length === 2 && merged !== undefined);
    const entry = journal.entries().find(({ times }) => times === 2);
    assert.deepEqual([entry?.atMs, entry?.happening], [59_000, refusal('token: expired', '192.0.2.2')]);
    nowMs += 60_000;
    journal.tell(refusal('token: expired'));
    assert.equal(journal.entries().length, 3);
  });

  it('is bounded, and no flood of one kind pushes another out', () => {
    const journal = new Journal(always);
    journal.tell({ kind: 'reload failed', reason: 'it is wrong' });
    for (let index = 0; index < 5_000; index++) {
      journal.tell(refusal(`reason ${index}`));
      journal.tell(switched(`stream ${index}`));
    }
    const kinds = journal.entries().map(({ happening }) => happening.kind);
    const count = (kind: string): number => kinds.filter((each) => each === kind).length;
    assert.deepEqual([count('reload failed'), count('refusal'), count('switch')], [1, 100, 1_000]);
    assert.deepEqual(journal.switchesOf('stream 4999').length, 1);
  });

  it('keeps no long texts', () => {
    const journal = new Journal(always);
    journal.tell(refusal('x'.repeat(100_000)));
    assert.ok(JSON.stringify(journal.entries()).length < 600);
  });

  it('keeps nothing while there is no console', () => {
    let wanted = false;
    const journal = new Journal(() => wanted);
    journal.tell(switched('one'));
    assert.deepEqual(journal.entries(), []);
    wanted = true;
    journal.tell(switched('one'));
    assert.equal(journal.entries().length, 1);
  });
});

describe('a console', () => {
  it('is there with the page beside the API, or with figures for everybody', () => {
    const wanted = (page: boolean, api: boolean, server: boolean, pageFigures: boolean): boolean =>
      isConsoleWanted(
        defaultConfig({ edge: { page, pageFigures }, httpApi: { enabled: api }, httpServer: { enabled: server } }),
      );
    assert.equal(wanted(true, true, false, false), true);
    assert.equal(wanted(true, false, true, true), true);
    assert.equal(wanted(true, false, true, false), false);
    assert.equal(wanted(true, false, false, true), false);
    assert.equal(wanted(false, true, true, true), false);
  });
});

describe('what happened, in words', () => {
  const cases: readonly (readonly [Happening, number, string])[] = [
    [switched('/live/one'), 1, '/live/one went from a:1935 to b:1935: players had no frame for 120 ms.'],
    [switched('/live/one', 'a:1935'), 1, '/live/one goes on at a:1935: players had no frame for 120 ms.'],
    [refusal('token: expired'), 1, '192.0.2.1 at /live/one was refused: token: expired.'],
    [refusal('token: expired'), 17, '17 clients were refused: token: expired. The last was 192.0.2.1 at /live/one.'],
    [{ kind: 'origin', origin: 'a:1935', state: 'down', reason: 'refused' }, 1, 'Origin a:1935 is down: refused.'],
    [{ kind: 'origin', origin: 'a:1935', state: 'up', reason: '' }, 1, 'Origin a:1935 is up.'],
    [{ kind: 'drain', clients: 1 }, 1, 'The edge is draining: 1 client may finish.'],
    [{ kind: 'reload', changes: 0, needsRestart: [] }, 1, 'The configuration was reloaded: nothing has changed.'],
    [
      { kind: 'reload', changes: 2, needsRestart: ['listen'] },
      1,
      'The configuration was reloaded: 2 changes; waiting for a restart: listen.',
    ],
    [
      { kind: 'limit', what: 'Connections turned away', reason: 'max_connections is reached' },
      12,
      'Connections turned away: 12 (max_connections is reached).',
    ],
  ];
  for (const [happening, times, words] of cases) {
    it(words, () => assert.equal(inWords(happening, times), words));
  }
});
