/** What SRS's web console asks the API for: figures of the machine, totals, and answers by JSONP. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { runInNewContext } from 'node:vm';
import { networkBytes, processStat, socketCounts } from '../../edge/server/http/proc.ts';
import { clip } from '../support/media.ts';
import { getRequest, RawClient, startEdge, type TestEdge } from './harness.ts';

type Json = Record<string, unknown>;
type Context = Parameters<typeof startEdge>[0];

async function startApi(context: Context, crossdomain = true): Promise<TestEdge> {
  return startEdge(context, { httpApi: { enabled: true, crossdomain } });
}

async function data(edge: TestEdge, name: string): Promise<Json> {
  const response = await fetch(edge.url(`/api/v1/${name}`, 'http-api'));
  assert.equal(response.status, 200, name);
  return ((await response.json()) as { data: Json }).data;
}

describe('figures of the machine', () => {
  it('have the names that SRS gives them, and are numbers', async (context) => {
    const edge = await startApi(context);
    const expected: Readonly<Record<string, readonly string[]>> = {
      rusages: ['sample_time', 'ru_utime', 'ru_stime', 'ru_maxrss', 'ru_minflt', 'ru_nvcsw'],
      self_proc_stats: ['percent', 'pid', 'ppid', 'utime', 'stime', 'num_threads', 'vsize', 'rss'],
      system_proc_stats: ['percent', 'user', 'nice', 'sys', 'idle', 'iowait', 'irq', 'softirq', 'steal', 'guest'],
      meminfos: [
        'percent_ram',
        'percent_swap',
        'MemActive',
        'RealInUse',
        'NotInUse',
        'MemTotal',
        'MemFree',
        'SwapTotal',
      ],
    };
    for (const [name, fields] of Object.entries(expected)) {
      const figures = await data(edge, name);
      assert.equal(figures.ok, true, name);
      for (const field of fields) assert.equal(typeof figures[field], 'number', `${name}: ${field}`);
    }
    const own = await data(edge, 'self_proc_stats');
    assert.equal(own.pid, process.pid);
    assert.equal(own.ppid, process.ppid);
    const memory = await data(edge, 'meminfos');
    assert.ok(Number(memory.MemTotal) > Number(memory.MemFree));
    assert.equal(typeof (await data(edge, 'authors')).license, 'string');
    const { features } = (await data(edge, 'features')) as { features: Json };
    assert.deepEqual([features.api, features.hls], [true, false]);
    const { system } = (await data(edge, 'summaries')) as { system: Json };
    for (const field of ['net_recvi_bytes', 'net_sample_time', 'conn_sys', 'conn_sys_et', 'ilde_time'])
      assert.equal(typeof system[field], 'number', field);
  });

  it('configs lists the paths, as SRS answers it', async (context) => {
    const edge = await startApi(context);
    const { urls } = (await (await fetch(edge.url('/api/v1/configs', 'http-api'))).json()) as { urls: Json };
    assert.ok('streams' in urls && 'meminfos' in urls);
  });

  it('are read from what the kernel writes', () => {
    const stat = processStat('7 (a (b) c) S 1 7 7 0 -1 4194304 50\n');
    assert.deepEqual([stat.name, stat.state, stat.rest.slice(0, 2)], ['(a (b) c)', 'S', [1, 7]]);
    const device = (name: string, received: number, sent: number): string =>
      `${name}: ${received} 1 0 0 0 0 0 0 ${sent} 1 0 0 0 0 0 0\n`;
    const text = `Inter-| Receive\n face |bytes\n${device('    lo', 9, 9)}${device('  eth0', 5, 7)}${device('wlan0', 1, 2)}`;
    assert.deepEqual(networkBytes(text), { received: 6, sent: 9 });
    const sockets = 'sockets: used 9\nTCP: inuse 4 orphan 0 tw 3 alloc 5 mem 1\nUDP: inuse 2 mem 0\n';
    assert.deepEqual(socketCounts(sockets, 'TCP6: inuse 1\nUDP6: inuse 1\n'), { inUse: 5, waiting: 3, udp: 3 });
    // Another system has none of these files.
    assert.deepEqual(processStat(''), { name: '', state: '', rest: [] });
    assert.deepEqual(networkBytes(''), { received: 0, sent: 0 });
  });
});

describe('totals', () => {
  it('stand beside a page of streams or clients, and frames are counted by kind', async (context) => {
    const edge = await startApi(context);
    const publisher = await edge.publisher();
    publisher.push(...clip({ gops: 1, framesPerGop: 3 }));
    for (let index = 0; index < 3; index++) {
      const attached = once(edge.events, 'play');
      new RawClient(edge.port(), getRequest('/live/one.flv'));
      await attached;
    }
    const read = async (path: string): Promise<Json> =>
      (await (await fetch(edge.url(path, 'http-api'))).json()) as Json;
    const clients = (await read('/api/v1/clients?count=2')) as { clients: Json[]; total: number };
    assert.deepEqual([clients.clients.length, clients.total], [2, 3]);
    const { streams, total } = (await read('/api/v1/streams?count=1')) as { streams: Json[]; total: number };
    assert.equal(total, 1);
    const [stream = {}] = streams;
    assert.equal(Number(stream.frames), Number(stream.video_frames) + Number(stream.audio_frames));
    assert.ok(Number(stream.video_frames) >= 3 && Number(stream.audio_frames) > 0, JSON.stringify(stream));
  });
});

describe('JSONP', () => {
  async function script(
    edge: TestEdge,
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    return fetch(edge.url(path, 'http-api'), { headers });
  }

  it('calls the function that is named with the answer', async (context) => {
    const edge = await startApi(context);
    const response = await script(edge, '/api/v1/versions?callback=angular.callbacks._0');
    assert.equal(response.headers.get('content-type'), 'text/javascript; charset=utf-8');
    const answers: Json[] = [];
    runInNewContext(await response.text(), { angular: { callbacks: { _0: (answer: Json) => answers.push(answer) } } });
    assert.equal(answers[0]?.code, 0);
    assert.equal(Number.isInteger((answers[0] as { data?: { major?: number } }).data?.major), true);
  });

  it('takes names alone', async (context) => {
    const edge = await startApi(context);
    for (const wrong of ['alert(1)//', 'a b', 'a;b', 'a..b', '<script>', 'x'.repeat(200), 'ü', '.a', 'a\n']) {
      const response = await script(edge, `/api/v1/versions?callback=${encodeURIComponent(wrong)}`);
      assert.equal(response.status, 400, wrong);
      assert.equal(response.headers.get('content-type'), 'application/json', wrong);
    }
    const empty = await script(edge, '/api/v1/versions?callback=');
    assert.equal(empty.headers.get('content-type'), 'application/json');
  });

  it('is refused where pages may not read by CORS either', async (context) => {
    const edge = await startApi(context, false);
    assert.equal((await script(edge, '/api/v1/clients?callback=f')).status, 403);
    assert.equal((await script(edge, '/api/v1/clients')).status, 200);
  });

  it('method=DELETE disconnects a client, but not for a page of somebody else', async (context) => {
    const edge = await startApi(context);
    const attached = once(edge.events, 'play');
    const player = new RawClient(edge.port(), getRequest('/live/one.flv'));
    await attached;
    const { clients } = (await (await script(edge, '/api/v1/clients')).json()) as { clients: { id: string }[] };
    const path = `/api/v1/clients/${clients[0]?.id}?callback=f&method=DELETE`;
    const page = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'script' };
    assert.equal((await script(edge, path, page)).status, 403);
    assert.equal((await script(edge, path, { 'User-Agent': 'Mozilla/5.0' })).status, 403);
    const left = (await (await script(edge, '/api/v1/clients')).json()) as { total: number };
    assert.equal(left.total, 1);
    assert.match(await (await script(edge, path)).text(), /^\/\*\*\/f\(\{"code":0/);
    await player.rest();
    // Without a callback it is no JSONP: the method counts.
    assert.equal((await script(edge, '/api/v1/clients/none?method=DELETE')).status, 200);
  });
});
