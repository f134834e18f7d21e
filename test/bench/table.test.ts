import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Case } from './case.ts';
import { summarize, table } from './table.ts';

const one: Case = {
  name: 'example',
  title: 'an example',
  servers: ['nginx', 'ours'],
  columns: {
    cpu: { title: 'CPU', digits: 1, over: 'min' },
    rss: { title: 'RSS', digits: 0, over: 'max' },
    delivered: { title: 'delivered', digits: 1, over: 'min' },
  },
  compare: 'cpu',
  measure: () => Promise.reject(new Error('not measured here')),
};

const full = { cpu: 10, rss: 40, delivered: 100 };

test('rounds come to the cheapest CPU, the greatest memory and the worst delivery', () => {
  const rounds = [full, { cpu: 8, rss: 50, delivered: 99 }, { cpu: 9, rss: 30, delivered: 101 }];
  assert.deepEqual(summarize(one, rounds), { cpu: 8, rss: 50, delivered: 99 });
});

test('ours is compared with each of the others', () => {
  const text = table(
    one,
    new Map([
      ['nginx', full],
      ['ours', { cpu: 2, rss: 80, delivered: 100 }],
    ]),
  );
  assert.match(text, /\| nginx-rtmp \| 10\.0 \| 40 \| 100\.0 \| × 0\.20 \|/);
});

test('who delivers less than everything is marked and not compared', () => {
  const short = { ...full, delivered: 97 };
  assert.match(
    table(
      one,
      new Map([
        ['nginx', short],
        ['ours', full],
      ]),
    ),
    /nginx-rtmp \(falls short\) .* – \|/,
  );
  assert.match(
    table(
      one,
      new Map([
        ['nginx', full],
        ['ours', short],
      ]),
    ),
    /\| nginx-rtmp \| .* – \|/,
  );
});

test('who cuts players off is marked', () => {
  assert.match(table(one, new Map([['nginx', { ...full, gone: 1 }]])), /nginx-rtmp \(falls short\)/);
});
