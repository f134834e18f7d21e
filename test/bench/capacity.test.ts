import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { audiences, need, page, readSheet, type Sheet } from './capacity.ts';

test('CAPACITY.md is what its figures come to', () => {
  const there = readFileSync(path.join(import.meta.dirname, 'CAPACITY.md'), 'utf8');
  assert.equal(there, page(readSheet()), 'write it again: node test/bench/capacity.ts');
});

test('each figure and price says when, where from and how', () => {
  const { measured, prices } = readSheet();
  for (const { value, date, machine, how } of Object.values(measured)) {
    assert.ok(Number.isFinite(value) && value > 0 && machine !== '' && how !== '');
    assert.match(date, /^\d{4}-\d\d-\d\d$/);
  }
  for (const { value, date, source } of Object.values(prices)) {
    assert.ok(Number.isFinite(value) && value > 0 && source !== '');
    assert.match(date, /^\d{4}-\d\d/);
  }
});

/** All figures are 1, of a stream of 1 Mb/s. */
function simple(): Sheet {
  const sheet = readSheet();
  const one = { unit: '', what: '', machine: '', date: '', how: '', source: '' };
  const all = <Name extends string>(names: Record<Name, object>, value: number) =>
    Object.fromEntries(Object.keys(names).map((name) => [name, { ...one, value }])) as Record<
      Name,
      typeof one & { value: number }
    >;
  const measured = { ...all(sheet.measured, 1), streamKbps: { ...one, value: 1000 } };
  return { measured, prices: all(sheet.prices, 1) };
}

test('an origin has a connection for each edge and stream; behind a tier one for each stream', () => {
  const audience = { title: '', players: 1000, playersAnEdge: 100, streams: 5, tierEdges: 0, tls: false };
  const alone = need(simple(), audience);
  assert.equal(alone.edges, 10);
  assert.equal(alone.originConnections, 50);
  assert.equal(alone.edgeCpu, 101);
  assert.ok(Math.abs(alone.edgeMb - (1 + 5 + 0.1)) < 1e-9);
  assert.equal(alone.playersGbps, 1);
  // 1 Gb/s for an hour is 450 GB.
  assert.equal(alone.egressPerHour, 450);
  const behind = need(simple(), { ...audience, tierEdges: 2 });
  assert.equal(behind.originConnections, 5);
  assert.equal(behind.tierGbps, 0.05);
  assert.equal(behind.tierEdgeGbps, 0.025);
  assert.ok(behind.cores > alone.cores);
});

test('an edge pulls no more streams than it has players', () => {
  const audience = { title: '', players: 10, playersAnEdge: 2, streams: 5, tierEdges: 0, tls: false };
  assert.equal(need(simple(), audience).originConnections, 10);
});

test('audiences of a title are counted as it says', () => {
  for (const { title, players } of audiences) {
    const [, count = '', million] = /^([\d,]+)( million)?/.exec(title) ?? [];
    assert.equal(players, Number(count.replaceAll(',', '')) * (million === undefined ? 1 : 1_000_000));
  }
});
