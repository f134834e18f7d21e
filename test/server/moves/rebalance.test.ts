/** Players that are asked to go to other edges because those have more room, by the API. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { clip } from '../../support/media.ts';
import { getRequest, RawClient, startEdge, type TestEdge } from '../harness.ts';

const options = { timeout: 90_000 };

async function start(context: TestContext, players: { able: number; plain: number }): Promise<TestEdge> {
  const edge = await startEdge(context, { httpApi: { enabled: true } });
  (await edge.publisher()).push(...clip());
  for (const [query, count] of [
    ['?capsEx=1', players.able],
    ['', players.plain],
  ] as const) {
    for (let i = 0; i < count; i++) {
      const client = new RawClient(edge.port(), getRequest(`/live/one.flv${query}`));
      context.after(() => client.socket.destroy());
      await client.takeHead();
    }
  }
  return edge;
}

async function post(edge: TestEdge, query: string): Promise<unknown> {
  const response = await fetch(edge.url(`/api/v1/moves${query}`, 'http-api'), { method: 'POST' });
  return ((await response.json()) as { asking: unknown }).asking;
}

async function figures(edge: TestEdge): Promise<{ able: number; asked: number; moved: number; ended: number }> {
  const response = await fetch(edge.url('/api/v1/moves', 'http-api'));
  return ((await response.json()) as { moves: Awaited<ReturnType<typeof figures>> }).moves;
}

async function untilAsked(edge: TestEdge, asked: number): Promise<void> {
  while (edge.moves.counts.asked < asked) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('POST /api/v1/moves', options, () => {
  it('leaves edges below alone: they would take it for an edge that stops', async (context) => {
    const edge = await start(context, { able: 1, plain: 0 });
    const below = new RawClient(edge.port(), getRequest('/live/one.flv', { 'X-Edge-Reconnect': 'a-key' }));
    context.after(() => below.socket.destroy());
    await below.takeHead();
    assert.equal((await figures(edge)).able, 1);
    assert.equal(await post(edge, '?clients=2&within_ms=0'), 1);
  });

  it('asks as many as it is told, and nobody twice', async (context) => {
    const edge = await start(context, { able: 5, plain: 3 });
    assert.deepEqual(await figures(edge), { able: 5, asked: 0, moved: 0, ended: 0 });
    assert.equal(await post(edge, '?clients=2&within_ms=100'), 2);
    await untilAsked(edge, 2);
    assert.equal(await post(edge, '?clients=10&within_ms=0'), 3);
    await untilAsked(edge, 5);
    assert.equal(await post(edge, '?clients=10&within_ms=0'), 0);
    assert.deepEqual(await figures(edge), { able: 0, asked: 5, moved: 0, ended: 0 });
  });

  it('leaves those alone who have just come', async (context) => {
    const edge = await start(context, { able: 2, plain: 0 });
    assert.equal(await post(edge, '?clients=2&within_ms=0&older_than_ms=999999999'), 0);
    assert.equal(await post(edge, '?clients=2&within_ms=0&older_than_ms=0'), 2);
    await untilAsked(edge, 2);
  });

  it('takes the place of what was ordered before', async (context) => {
    const edge = await start(context, { able: 3, plain: 0 });
    assert.equal(await post(edge, '?clients=3&within_ms=999999999'), 3);
    assert.equal(await post(edge, '?clients=0&within_ms=0'), 0);
    assert.equal(await post(edge, '?clients=1&within_ms=0'), 1);
    await untilAsked(edge, 1);
    assert.deepEqual(await figures(edge), { able: 2, asked: 1, moved: 0, ended: 0 });
  });

  it('counts those who went over', async (context) => {
    const edge = await start(context, { able: 1, plain: 0 });
    const stopped = once(edge.events, 'stopped');
    await post(edge, '?clients=1&within_ms=0');
    await untilAsked(edge, 1);
    for (const client of [...edge.clients.values()]) client.disconnect('as if it had left');
    await stopped;
    await edge.clients.empty();
    assert.deepEqual(await figures(edge), { able: 0, asked: 1, moved: 1, ended: 0 });
  });

  it('is left to the drain while the edge drains', async (context) => {
    const edge = await start(context, { able: 1, plain: 0 });
    edge.draining = true;
    assert.equal(await post(edge, '?clients=1&within_ms=0'), 0);
  });
});
