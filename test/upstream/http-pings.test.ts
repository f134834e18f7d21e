import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OriginAddress } from '../../edge/conf/model.ts';
import { HttpPings } from '../../edge/upstream/connection/http-pings.ts';

const a: OriginAddress = { scheme: 'http', host: 'a', port: 8080 };
const b: OriginAddress = { scheme: 'http', host: 'b', port: 8080 };

/** Servers that answer when the test says so. */
function servers() {
  const asked: { readonly host: string; readonly answer: (isThere: boolean) => void }[] = [];
  const pings = new HttpPings(({ host }) => new Promise((resolve) => void asked.push({ host, answer: resolve })));
  return { asked, pings };
}

test('a server that has not answered yet is asked once, however many streams wonder', async () => {
  const { asked, pings } = servers();
  const answers = [pings.answers(a), pings.answers(b), pings.answers(a), pings.answers({ ...a })];
  assert.deepEqual(
    asked.map(({ host }) => host),
    ['a', 'b'],
  );
  asked[0]?.answer(true);
  asked[1]?.answer(false);
  assert.deepEqual(await Promise.all(answers), [true, false, true, true]);
});

test('an answer counts for a moment, and is forgotten', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { asked, pings } = servers();
  const first = pings.answers(a);
  asked[0]?.answer(true);
  assert.equal(await first, true);
  assert.equal(await pings.answers(a), true);
  assert.equal(asked.length, 1);
  t.mock.timers.tick(500);
  void pings.answers(a);
  assert.equal(asked.length, 2);
});

test('a server that did not answer is asked again at once', async () => {
  const { asked, pings } = servers();
  const first = pings.answers(a);
  asked[0]?.answer(false);
  assert.equal(await first, false);
  void pings.answers(a);
  assert.equal(asked.length, 2);
});
