/** What the console asks the API for: streams and clients sorted, filtered and paged, health, events, and who may. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { Refusal } from '../../../edge/stream/request.ts';
import { clip } from '../../support/media.ts';
import { getRequest, RawClient, startEdge, type TestEdge } from '../harness.ts';

type Json = Record<string, unknown>;

const startApi = (context: TestContext, overrides: Parameters<typeof startEdge>[1] = {}): Promise<TestEdge> =>
  startEdge(context, { ...overrides, httpApi: { enabled: true, ...overrides.httpApi } });

async function read(edge: TestEdge, path: string, status = 200): Promise<Json> {
  const response = await fetch(edge.url(`/api/v1/${path}`, 'http-api'));
  assert.equal(response.status, status, path);
  return (await response.json()) as Json;
}

async function play(edge: TestEdge, stream: string): Promise<RawClient> {
  const attached = once(edge.events, 'play');
  const player = new RawClient(edge.port(), getRequest(`/live/${stream}.flv`));
  await attached;
  return player;
}

/** Streams `a`, `b`, … are published; `c` has two players and `a` one. */
async function startBusy(context: TestContext): Promise<TestEdge> {
  const edge = await startApi(context);
  for (const name of ['b', 'a', 'c', 'd']) (await edge.publisher(name)).push(...clip());
  for (const name of ['c', 'c', 'a']) await (await play(edge, name)).takeHead();
  return edge;
}

async function streams(edge: TestEdge, query: string): Promise<{ names: unknown[]; status: Json }> {
  const { status } = (await read(edge, `status?${query}`)) as { status: Json & { streams: Json[] } };
  return { names: status.streams.map(({ name }) => name), status };
}

describe('status', () => {
  it('lists streams with most players first, in pages', async (context) => {
    const edge = await startBusy(context);
    const { names, status } = await streams(edge, '');
    assert.deepEqual(names, ['/live/c', '/live/a', '/live/b', '/live/d']);
    assert.deepEqual([status.streams_total, status.streams_matching, status.players], [4, 4, 3]);
    assert.deepEqual((await streams(edge, 'start=1&count=2')).names, ['/live/a', '/live/b']);
    assert.deepEqual((await streams(edge, 'start=9&count=2')).names, []);
    assert.deepEqual((await streams(edge, 'count=0')).names, []);
  });

  it('sorts and filters', async (context) => {
    const edge = await startBusy(context);
    assert.deepEqual((await streams(edge, 'sort=name&order=desc')).names, ['/live/d', '/live/c', '/live/b', '/live/a']);
    assert.deepEqual((await streams(edge, 'sort=players&order=desc&count=1')).names, ['/live/c']);
    const { names, status } = await streams(edge, 'match=%20LIVE/B%20');
    assert.deepEqual([names, status.streams_matching, status.streams_total], [['/live/b'], 1, 4]);
    assert.deepEqual((await streams(edge, 'match=none')).names, []);
  });

  it('says what is wrong with a query', async (context) => {
    const edge = await startApi(context);
    const wrong = ['sort=colour', 'order=up', 'start=-1', 'count=x', 'count=10001', `match=${'x'.repeat(300)}`];
    for (const query of wrong) {
      const { data } = await read(edge, `status?${query}`, 400);
      assert.match(String(data), new RegExp(`${query.split('=')[0]}=`), query);
    }
    const answer = await fetch(edge.url('/edge/status.json?sort=colour'));
    assert.equal(answer.status, 404, 'the figures are off');
  });

  it('tells codec, size, rates, first frame and switches of a stream, and its line when asked', async (context) => {
    const edge = await startBusy(context);
    edge.journal.tell({ kind: 'switch', stream: 'localhost/live/a', from: 'x', to: 'y', gapMs: 5 });
    const key = [...edge.hub.streams.keys()].find((each) => each.endsWith('/a'))!;
    edge.journal.tell({ kind: 'switch', stream: key, from: 'one:1935', to: 'two:1935', gapMs: 40 });
    const { status } = await streams(edge, 'match=/a&history=on');
    const [stream] = status.streams as Json[];
    assert.ok(stream !== undefined);
    assert.deepEqual(
      (stream.switched as Json[]).map(({ from, to, gap_ms }) => [from, to, gap_ms]),
      [['one:1935', 'two:1935', 40]],
    );
    assert.equal(typeof stream.first_frame_ms, 'number');
    assert.equal((stream.video as Json).codec, 'H264');
    assert.deepEqual(Object.keys(stream.history as Json), ['every_ms', 'in_kbps', 'out_kbps']);
    assert.equal('history' in (((await streams(edge, 'match=/a')).status.streams as Json[])[0] ?? {}), false);
  });
});

describe('clients', () => {
  it('are sorted and filtered for those who ask, with role and drops', async (context) => {
    const edge = await startBusy(context);
    const list = async (query: string): Promise<{ names: unknown[]; answer: Json }> => {
      const answer = (await read(edge, `clients?${query}`)) as Json & { clients: Json[] };
      return { names: answer.clients.map(({ name }) => name), answer };
    };
    assert.deepEqual((await list('sort=stream')).names, ['a', 'c', 'c']);
    assert.deepEqual((await list('sort=stream&order=desc&count=2')).names, ['c', 'c']);
    const { answer } = await list('match=live/c');
    assert.deepEqual([answer.total, answer.matching], [3, 2]);
    const [client] = answer.clients as Json[];
    assert.deepEqual([client?.role, client?.protocol, client?.dropped_gops], ['play', 'http-flv', 0]);
    assert.match(String((await read(edge, 'clients?sort=colour', 400)).data), /sort= takes age, address/);
  });
});

describe('events', () => {
  it('tell in words who was refused and who was disconnected', async (context) => {
    const edge = await startBusy(context);
    edge.clients.onRefused(({ ip, name, reason }) =>
      edge.journal.tell({ kind: 'refusal', ip, stream: name.stream, reason }),
    );
    edge.refusal = new Refusal('NetStream.Play.Failed', 'not today', 403);
    await (await fetch(edge.url('/live/a.flv'))).text();
    const [client] = edge.clients.values();
    await fetch(edge.url(`/api/v1/clients/${client?.id}`, 'http-api'), { method: 'DELETE' });
    const { kept, total, events } = (await read(edge, 'events')) as Json & { events: Json[] };
    assert.deepEqual([kept, total], [true, 2]);
    assert.deepEqual(
      new Set(events.map(({ text }) => text)),
      new Set(['127.0.0.1 at a was refused: not today.', '127.0.0.1 at /live/c was disconnected through the API.']),
    );
    assert.equal(((await read(edge, 'events?count=1')).events as unknown[]).length, 1);
  });

  it('are not kept where there is no page', async (context) => {
    const edge = await startApi(context, { edge: { page: false } });
    edge.journal.tell({ kind: 'drain', clients: 1 });
    const { kept, events } = await read(edge, 'events');
    assert.deepEqual([kept, events], [false, []]);
  });
});

describe('health', () => {
  it('tells what is used against what may be used', async (context) => {
    const edge = await startBusy(context);
    const { health } = (await read(edge, 'health')) as { health: Record<string, Json> };
    assert.deepEqual([health.clients?.players, health.connections?.max], [3, edge.config.maxConnections]);
    assert.ok(Number(health.connections?.open) >= 3 && Number(health.memory?.resident) > 0);
    assert.equal(health.state, 'serving');
    assert.deepEqual(Object.keys(health.history ?? {}).length, 5);
  });
});

describe('config', () => {
  it('tells what is in force, with its text for those who ask, and no password', async (context) => {
    const edge = await startApi(context, { httpApi: { auth: { username: 'ops', password: 'hush-hush' } } });
    const authorization = `Basic ${Buffer.from('ops:hush-hush').toString('base64')}`;
    const config = async (query: string): Promise<Json> => {
      const response = await fetch(edge.url(`/api/v1/config${query}`, 'http-api'), { headers: { authorization } });
      return ((await response.json()) as { in_force: Json }).in_force;
    };
    assert.deepEqual(await config(''), { hash: '0123456789abcdef', needs_restart: ['http_api.listen'] });
    const { text } = await config('?text=on');
    assert.match(String(text), /username ops;\s+password \*\*\*;/);
    assert.doesNotMatch(String(text), /hush/);
  });
});

describe('the page beside the API', () => {
  it('is served with what it may have there; its figures are the API’s, and guarded', async (context) => {
    const edge = await startApi(context, { httpApi: { auth: { username: 'ops', password: 'secret' } } });
    for (const path of ['/', '/edge/', '/edge/page.js', '/edge/mpegts.js']) {
      assert.equal((await fetch(edge.url(path, 'http-api'))).status, 200, path);
    }
    const offers = await (await fetch(edge.url('/edge/page.json', 'http-api'))).json();
    assert.deepEqual(offers, {
      api: true,
      figures: false,
      streams: { http: edge.port(), https: null, crossdomain: true },
    });
    for (const path of ['status', 'health', 'events', 'clients', 'config']) {
      assert.equal((await fetch(edge.url(`/api/v1/${path}`, 'http-api'))).status, 401, path);
    }
    assert.equal((await fetch(edge.url('/edge/status.json', 'http-api'))).status, 404);
    assert.equal((await fetch(edge.url('/live/one.flv', 'http-api'))).status, 404);
  });

  it('is not there with `page off`', async (context) => {
    const edge = await startApi(context, { edge: { page: false } });
    for (const path of ['/', '/edge/', '/edge/page.js', '/edge/page.json']) {
      assert.equal((await fetch(edge.url(path, 'http-api'))).status, 404, path);
    }
  });

  it('opens nothing at the listener of the streams', async (context) => {
    const edge = await startApi(context);
    assert.deepEqual(await (await fetch(edge.url('/edge/page.json'))).json(), {
      api: false,
      figures: false,
      streams: null,
    });
    for (const path of ['status', 'health', 'events', 'clients', 'streams', 'config']) {
      assert.equal((await fetch(edge.url(`/api/v1/${path}`))).status, 404, path);
    }
  });

  it('runs no script but its own, and is shown in no other page', async (context) => {
    const edge = await startApi(context);
    for (const protocol of ['http', 'http-api']) {
      const { headers } = await fetch(edge.url('/edge/', protocol));
      assert.match(headers.get('content-security-policy') ?? '', /script-src 'self';.*frame-ancestors 'self'/);
    }
  });
});
