/** What origins have said of clients: for whom it counts, how long, and how much of it is kept. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpstreamError } from '../../edge/upstream/connection/errors.ts';
import { ClientVerdicts } from '../../edge/upstream/origins/client-verdicts.ts';

const longMs = 60_000;
const no = new UpstreamError('rejected', 'no such token', { origin: 'a:1935' });

test('a verdict counts for the stream and the parameters it was asked with, and for nothing else', () => {
  const verdicts = new ClientVerdicts();
  const refusal = verdicts.refuse('v/a/s', '?t=1', no, longMs);
  verdicts.accept('v/a/s', '?t=2', longMs);
  assert.equal(verdicts.find('v/a/s', '?t=1'), refusal);
  assert.deepEqual([refusal.code, refusal.httpStatus], ['NetStream.Play.Failed', 403]);
  assert.equal(refusal.message, 'the origin refuses: no such token');
  assert.equal(verdicts.find('v/a/s', '?t=2'), 'accepted');
  for (const [key, param] of [
    ['v/a/s', ''],
    ['v/a/s', '?t=3'],
    ['v/a/other', '?t=1'],
    ['v/a/s?t=1', ''],
  ] as const) {
    assert.equal(verdicts.find(key, param), undefined, `${key} ${param}`);
  }
});

test('the newest verdict counts, until its time is over', () => {
  const verdicts = new ClientVerdicts();
  verdicts.refuse('s', '', no, longMs);
  verdicts.accept('s', '', longMs);
  assert.equal(verdicts.find('s', ''), 'accepted');
  verdicts.accept('s', '', 0);
  assert.equal(verdicts.find('s', ''), undefined);
});

test('parameters that clients make up are bounded: those longest untouched go first', () => {
  const verdicts = new ClientVerdicts();
  for (let at = 0; at < 10_000; at++) verdicts.accept('s', `?t=${at}`, longMs);
  assert.equal(verdicts.find('s', '?t=0'), 'accepted');
  verdicts.accept('s', '?t=0', longMs);
  verdicts.accept('s', '?t=new', longMs);
  assert.equal(verdicts.find('s', '?t=1'), undefined);
  for (const at of [0, 2, 9_999, 'new']) assert.equal(verdicts.find('s', `?t=${at}`), 'accepted', `${at}`);
});
