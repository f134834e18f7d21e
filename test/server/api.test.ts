/** The HTTP API: SRS's shapes, paging, disconnecting, authentication, reload, and our own paths. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { version } from '../../edge/version.ts';
import { clip } from '../support/media.ts';
import { flvVhost, getRequest, RawClient, startEdge, type TestEdge } from './harness.ts';

type Json = Record<string, unknown>;

async function api(edge: TestEdge, path: string, init: RequestInit = {}): Promise<Json> {
  const response = await fetch(edge.url(path, 'http-api'), init);
  assert.equal(response.headers.get('content-type'), 'application/json');
  return (await response.json()) as Json;
}

/** `value` with every leaf replaced by its type: what SRS's clients rely on. */
function shape(value: unknown): unknown {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value !== 'object') return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shape(each)]));
}

const common = { code: 'number', server: 'string', service: 'string', pid: 'string' };
const kbps = { recv_30s: 'number', send_30s: 'number' };

async function startApi(
  context: Parameters<typeof startEdge>[0],
  overrides: Parameters<typeof startEdge>[1] = {},
): Promise<TestEdge> {
  return startEdge(context, { ...overrides, httpApi: { enabled: true, ...overrides.httpApi } });
}

async function play(edge: TestEdge, path = '/live/one.flv'): Promise<RawClient> {
  const attached = once(edge.events, 'play');
  const player = new RawClient(edge.port(), getRequest(path, { Referer: 'http://page.example/' }));
  await attached;
  return player;
}

describe('/api/v1', () => {
  it('tells versions and what there is', async (context) => {
    const edge = await startApi(context);
    const versions = await api(edge, '/api/v1/versions');
    assert.equal(versions.code, 0);
    assert.equal(versions.server, 'test-edge');
    assert.equal(versions.pid, String(process.pid));
    assert.deepEqual(shape(versions), {
      ...common,
      data: { major: 'number', minor: 'number', revision: 'number', version: 'string' },
    });
    const { urls } = (await api(edge, '/api/v1/')) as { urls: Json };
    assert.ok('clients' in urls && 'origins' in urls);
    assert.deepEqual((await api(edge, '/api/')).urls, { v1: 'the API version 1.0' });
  });

  it('tells figures of the process and the machine', async (context) => {
    const edge = await startApi(context);
    const { data } = (await api(edge, '/api/v1/summaries')) as { data: { ok: boolean; self: Json; system: Json } };
    assert.equal(data.ok, true);
    assert.equal(data.self.pid, process.pid);
    assert.ok(Number(data.self.mem_kbyte) > 10_000);
    for (const name of [
      'cpu_percent',
      'mem_ram_kbyte',
      'mem_ram_percent',
      'cpus',
      'load_1m',
      'conn_srs',
      'srs_send_bytes',
    ]) {
      assert.equal(typeof data.system[name], 'number', name);
    }
  });

  it('describes streams as SRS does', async (context) => {
    const edge = await startApi(context);
    const publisher = await edge.publisher();
    publisher.push(...clip({ gops: 1, framesPerGop: 3 }));
    const player = await play(edge);
    await player.takeHead();
    const answer = (await api(edge, '/api/v1/streams/')) as { streams: Json[] };
    const [stream] = answer.streams;
    assert.deepEqual(shape(stream), {
      id: 'string',
      name: 'string',
      vhost: 'string',
      app: 'string',
      tcUrl: 'string',
      url: 'string',
      live_ms: 'number',
      clients: 'number',
      frames: 'number',
      video_frames: 'number',
      audio_frames: 'number',
      send_bytes: 'number',
      recv_bytes: 'number',
      kbps,
      publish: { active: 'boolean', cid: 'string' },
      video: { codec: 'string', profile: 'string', level: 'string', width: 'number', height: 'number' },
      audio: { codec: 'string', sample_rate: 'number', channel: 'number', profile: 'string' },
    });
    assert.deepEqual([stream!.name, stream!.app, stream!.url, stream!.clients], ['one', 'live', '/live/one', 1]);
    assert.deepEqual(stream!.publish, { active: true, cid: 'publish' });
    assert.deepEqual(stream!.video, { codec: 'H264', profile: 'Baseline', level: '3', width: 640, height: 0 });
    assert.deepEqual(stream!.audio, { codec: 'AAC', sample_rate: 44100, channel: 2, profile: 'LC' });
    assert.ok(Number(stream!.send_bytes) >= player.received.length);

    assert.equal(((await api(edge, `/api/v1/streams/${stream!.id}`)) as { stream: Json }).stream.name, 'one');
    assert.equal((await api(edge, '/api/v1/streams/vid-none')).code, 2048);
  });

  it('describes vhosts as SRS does', async (context) => {
    const edge = await startApi(context, { vhosts: [flvVhost(), flvVhost({ name: 'a.example', enabled: false })] });
    const publisher = await edge.publisher();
    publisher.push(...clip());
    await play(edge);
    const { vhosts } = (await api(edge, '/api/v1/vhosts')) as { vhosts: Json[] };
    assert.deepEqual(shape(vhosts[0]), {
      id: 'string',
      name: 'string',
      enabled: 'boolean',
      clients: 'number',
      streams: 'number',
      send_bytes: 'number',
      recv_bytes: 'number',
      kbps,
      hls: { enabled: 'boolean' },
    });
    assert.deepEqual(
      vhosts.map(({ name, enabled, clients, streams }) => [name, enabled, clients, streams]),
      [
        ['__defaultVhost__', true, 1, 1],
        ['a.example', false, 0, 0],
      ],
    );
    const one = (await api(edge, `/api/v1/vhosts/${vhosts[1]!.id}`)) as { vhost: Json };
    assert.equal(one.vhost.name, 'a.example');
    assert.equal((await api(edge, '/api/v1/vhosts/none')).code, 2014);
  });

  it('lists clients page by page', async (context) => {
    const edge = await startApi(context);
    for (let index = 0; index < 12; index++) await play(edge, `/live/${index}.flv`);
    const list = async (query: string): Promise<unknown[]> => {
      const { clients } = (await api(edge, `/api/v1/clients${query}`)) as { clients: Json[] };
      return clients.map(({ name }) => name);
    };
    const names = Array.from({ length: 12 }, (_, index) => String(index));
    assert.deepEqual(await list(''), names.slice(0, 10));
    assert.deepEqual(await list('?start=10'), names.slice(10));
    assert.deepEqual(await list('/?start=3&count=2'), names.slice(3, 5));
    assert.deepEqual(await list('?count=100'), names);
    assert.deepEqual(await list('?start=-1&count=x'), names.slice(0, 10));
  });

  it('describes a client, and disconnects it', async (context) => {
    const edge = await startApi(context);
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const player = await play(edge, '/live/one.flv?token=x');
    await player.takeHead();
    const { clients } = (await api(edge, '/api/v1/clients')) as { clients: Json[] };
    const [client] = clients;
    assert.deepEqual(shape(client), {
      id: 'string',
      vhost: 'string',
      stream: 'string',
      ip: 'string',
      pageUrl: 'string',
      swfUrl: 'string',
      tcUrl: 'string',
      url: 'string',
      name: 'string',
      type: 'string',
      role: 'string',
      protocol: 'string',
      publish: 'boolean',
      alive: 'number',
      send_bytes: 'number',
      recv_bytes: 'number',
      dropped_gops: 'number',
      kbps,
    });
    assert.deepEqual([client!.type, client!.publish, client!.ip], ['flv-play', false, '127.0.0.1']);
    assert.equal(client!.pageUrl, 'http://page.example/');
    const path = `/api/v1/clients/${client!.id}`;
    assert.equal(((await api(edge, path)) as { client: Json }).client.id, client!.id);
    assert.equal((await api(edge, path, { method: 'DELETE' })).code, 0);
    await player.rest();
    await edge.clients.empty();
    assert.equal((await api(edge, path)).code, 2049);
    assert.equal((await api(edge, path, { method: 'DELETE' })).code, 2049);
  });

  it('disconnects also a client that reads nothing', async (context) => {
    const edge = await startApi(context);
    const publisher = await edge.publisher();
    publisher.push(...clip({ gops: 1 }));
    const player = await play(edge);
    await player.takeHead();
    player.socket.pause();
    publisher.push(
      ...clip({ startMs: 1000, gops: 1 }).map((each) => ({
        ...each,
        payload: Buffer.concat([each.payload, Buffer.alloc(1_500_000)]),
      })),
    );
    const [client] = [...edge.clients.values()];
    await api(edge, `/api/v1/clients/${client!.id}`, { method: 'DELETE' });
    await edge.clients.empty();
  });

  it('lists origins with their health', async (context) => {
    const edge = await startApi(context);
    const { origins } = (await api(edge, '/api/v1/origins')) as { origins: Json[] };
    assert.deepEqual(origins[1], {
      name: 'two:1935',
      state: 'down',
      reason: 'refused',
      since_ms: 2,
      failures: 3,
      connections: 0,
    });
  });

  it('tells of the edge at a glance: what the operator asks for', async (context) => {
    const edge = await startApi(context);
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const player = await play(edge);
    await player.takeHead();
    const { service, pid, ...answer } = await api(edge, '/api/v1/edge');
    assert.deepEqual(answer, {
      code: 0,
      server: 'test-edge',
      version,
      state: 'serving',
      config: { hash: '0123456789abcdef', error: null, needs_restart: ['http_api.listen'] },
      players: 1,
      edges: 0,
      publishers: 0,
      streams: 1,
      clients: { taken: 1, refused: 0 },
      moves: { able: 0, asked: 0, moved: 0, ended: 0 },
      event_loop_lag_ms: 0,
      kbps: { recv_30s: 0, send_30s: 0 },
      origins: [
        { name: 'one:1935', state: 'up', reason: '', since_ms: 1, failures: 0, connections: 2 },
        { name: 'two:1935', state: 'down', reason: 'refused', since_ms: 2, failures: 3, connections: 0 },
      ],
    });
    edge.outcome = { ok: false, atMs: 8, error: 'edge.conf:1:1: wrong' };
    edge.draining = true;
    const later = (await api(edge, '/api/v1/edge')) as { state: string; config: Json };
    assert.deepEqual([later.state, later.config.error], ['draining', 'edge.conf:1:1: wrong']);
  });

  it('answers what does not exist with 404, and other methods with 405', async (context) => {
    const edge = await startApi(context);
    for (const [method, path, status, allow = null] of [
      ['GET', '/api/v1/none', 404],
      ['GET', '/api/v1/toString', 404],
      ['GET', '/api/v2/streams', 404],
      ['GET', '/api/v1/streams/one/two', 404],
      ['GET', '/none', 404],
      ['POST', '/api/v1/streams', 405, 'GET, HEAD'],
      ['DELETE', '/api/v1/streams/one', 405, 'GET, HEAD'],
      ['PUT', '/api/v1/clients/one', 405, 'GET, HEAD, DELETE'],
      ['DELETE', '/api/v1/moves', 405, 'GET, HEAD, POST'],
      ['POST', '/api/v1/moves', 400],
      ['POST', '/api/v1/moves?clients=1', 400],
      ['POST', '/api/v1/moves?clients=-1&within_ms=1', 400],
      ['POST', '/api/v1/moves?clients=1&within_ms=1.5', 400],
      ['POST', '/api/v1/moves?clients=1&within_ms=1&older_than_ms=x', 400],
    ] as const) {
      const response = await fetch(edge.url(path, 'http-api'), { method });
      assert.deepEqual([response.status, ((await response.json()) as Json).code], [status, status], path);
      assert.equal(response.headers.get('allow'), allow, path);
    }
  });

  it('lets pages of other origins ask if crossdomain is on', async (context) => {
    const edge = await startApi(context);
    const headers = { Origin: 'http://elsewhere.example' };
    const ask = async (): Promise<string | null> =>
      (await fetch(edge.url('/api/v1/versions', 'http-api'), { headers })).headers.get('access-control-allow-origin');
    assert.equal(await ask(), '*');
    edge.config = { ...edge.config, httpApi: { ...edge.config.httpApi, crossdomain: false } };
    assert.equal(await ask(), null);
    const options = await fetch(edge.url('/api/v1/clients/one', 'http-api'), { method: 'OPTIONS' });
    assert.deepEqual([options.status, options.headers.get('allow')], [405, 'GET, HEAD, DELETE']);
  });
});

describe('authentication', () => {
  it('asks for user name and password, for the API alone', async (context) => {
    const auth = { username: 'admin', password: 'pass:word' };
    const edge = await startApi(context, { httpApi: { auth } });
    const basic = (text: string): RequestInit => ({
      headers: { Authorization: `Basic ${Buffer.from(text).toString('base64')}` },
    });
    const url = edge.url('/api/v1/versions', 'http-api');
    const refused = await fetch(url);
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get('www-authenticate') ?? '', /^Basic /);
    assert.equal((await fetch(url, basic('admin:wrong'))).status, 401);
    assert.equal((await fetch(url, basic('admin'))).status, 401);
    assert.equal((await fetch(url, { headers: { Authorization: 'Bearer x' } })).status, 401);
    assert.equal((await fetch(url, basic('admin:pass:word'))).status, 200);
    assert.equal((await fetch(edge.url('/healthz', 'http-api'))).status, 200);
  });
});

describe('reload', () => {
  it('goes through raw_api as in SRS', async (context) => {
    const edge = await startApi(context);
    const raw = (rpc: string): Promise<Json> => api(edge, `/api/v1/raw?rpc=${rpc}`);
    const set = (settings: { rawApiEnabled?: boolean; allowReload?: boolean }): void => {
      edge.config = { ...edge.config, httpApi: { ...edge.config.httpApi, ...settings } };
    };
    assert.equal((await raw('reload')).code, 1061);
    set({ rawApiEnabled: true });
    assert.equal((await raw('reload')).code, 1061);
    assert.equal((await raw('other')).code, 1060);
    assert.deepEqual((await raw('reload-fetch')).data, { err: 0, msg: '', state: 0, rid: '' });
    assert.deepEqual(edge.calls, []);
    set({ allowReload: true });
    assert.equal((await raw('reload')).code, 0);
    assert.deepEqual(edge.calls, ['reload']);
    assert.deepEqual((await raw('reload-fetch')).data, { err: 0, msg: '', state: 90, rid: '7' });
    const { http_api } = (await raw('raw')) as { http_api: { raw_api: Json } };
    assert.deepEqual([http_api.raw_api.enabled, http_api.raw_api.allow_reload], [true, true]);
  });

  it('tells what a change waits for', async (context) => {
    const edge = await startApi(context);
    assert.equal((await api(edge, '/api/v1/config')).reload, null);
    const change = { from: '1', to: '2' };
    edge.outcome = {
      ok: true,
      atMs: 5,
      difference: {
        changes: [
          { ...change, path: 'listen', effect: 'restart' },
          { ...change, path: 'chunk_size', effect: 'new connections' },
          { ...change, path: 'max_connections', effect: 'at once' },
        ],
        vhostsAdded: ['a.example'],
        vhostsRemoved: [],
      },
    };
    const { reload } = (await api(edge, '/api/v1/config')) as { reload: Json };
    assert.deepEqual([reload.ok, reload.at_ms, reload.vhosts_added], [true, 5, ['a.example']]);
    assert.deepEqual([reload.needs_restart, reload.new_connections], [['listen'], ['chunk_size']]);
    assert.equal((reload.changes as Json[]).length, 3);
    edge.outcome = { ok: false, atMs: 6, error: 'edge.conf:1:1: no such directive' };
    assert.deepEqual((await api(edge, '/api/v1/config')).reload, {
      at_ms: 6,
      ok: false,
      error: 'edge.conf:1:1: no such directive',
    });
  });

  it('tells why it failed', async (context) => {
    const edge = await startApi(context, { httpApi: { rawApiEnabled: true, allowReload: true } });
    edge.deps.reload = async () => ({ ok: false, atMs: 1, error: 'edge.conf:1:1: no such directive' });
    const answer = await api(edge, '/api/v1/raw?rpc=reload');
    assert.deepEqual([answer.code, answer.data], [1023, 'edge.conf:1:1: no such directive']);
  });
});
