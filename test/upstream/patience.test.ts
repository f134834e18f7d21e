/** While an origin does not answer, others are asked whether they do. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import type { OriginAddress } from '../../edge/conf/model.ts';
import { originName } from '../../edge/upstream/connection/address.ts';
import { anotherAnswers, answerPatienceMs } from '../../edge/upstream/origins/patience.ts';

const origins = ['a', 'b', 'c'].map((host): OriginAddress => ({ scheme: 'rtmp', host, port: 1935 }));

/** The first that was not asked, of those above. */
function next(asked: ReadonlySet<string>): OriginAddress | undefined {
  return origins.find((origin) => !asked.has(originName(origin)));
}

test('one after another is asked, until one answers', async () => {
  const asked: string[] = [];
  const answers = async ({ host }: OriginAddress): Promise<boolean> => {
    asked.push(host);
    return host === 'c';
  };
  await anotherAnswers({ next, answers }, ['a:1935'], 1, new AbortController().signal);
  assert.deepEqual(asked, ['b', 'c']);
});

test('one that does not answer holds up no other, and may still answer', async () => {
  let answerLate = (_: boolean): void => {};
  const answers = ({ host }: OriginAddress): Promise<boolean> => {
    if (host === 'c') answerLate(true);
    return new Promise((resolve) => {
      if (host === 'b') answerLate = resolve;
    });
  };
  await anotherAnswers({ next, answers }, ['a:1935'], 1, new AbortController().signal);
});

test('it ends when it is told to, though nobody answers', async () => {
  const end = new AbortController();
  const answers = async ({ host }: OriginAddress): Promise<boolean> => {
    if (host === 'c') end.abort();
    return false;
  };
  await assert.rejects(anotherAnswers({ next, answers }, [], 1, end.signal), { name: 'AbortError' });
});

test('an origin may take five intervals to answer', () => {
  const vhost = defaultVhost();
  assert.equal(answerPatienceMs({ ...vhost, edge: { ...vhost.edge, locateIntervalMs: 300 } }), 1_500);
});
