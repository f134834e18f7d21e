/** Who may look, and who may act, through the API: loopback, credentials, proxies, web pages, and wrong attempts. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pino } from 'pino';
import type { ConfigOverrides } from '../../edge/conf/defaults.ts';
import { Attempts } from '../../edge/server/http/attempts.ts';
import { Credentials } from '../../edge/server/http/credentials.ts';
import { clip } from '../support/media.ts';
import { startEdge, type TestEdge } from './harness.ts';

type Headers = Readonly<Record<string, string>>;

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

/** A request whose headers are exactly these; `fetch` adds some of its own. */
function ask(edge: TestEdge, path: string, headers: Headers = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = send(edge.url(path, 'http-api'), { method, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    request.on('error', reject).end();
  });
}

const basic = (text: string): Headers => ({ Authorization: `Basic ${Buffer.from(text).toString('base64')}` });

/** What makes a request one that does not come from this machine itself. */
const far: Headers = { 'X-Forwarded-For': '192.0.2.1' };

const streams = '/api/v1/streams';
const kick = '/api/v1/clients/none';
const reload = '/api/v1/raw?rpc=reload';

async function startApi(context: TestContext, overrides: ConfigOverrides = {}): Promise<TestEdge> {
  const httpApi = { enabled: true, rawApiEnabled: true, allowReload: true, ...overrides.httpApi };
  return await startEdge(context, { ...overrides, httpApi });
}

function temporary(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'edge-access-'));
  context.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

async function startWithFile(context: TestContext, text = 'ops:secret\n', overrides: ConfigOverrides = {}) {
  const file = join(temporary(context), 'credentials');
  writeFileSync(file, text);
  const edge = await startApi(context, { ...overrides, edge: { ...overrides.edge, apiCredentialsFile: file } });
  return { edge, file };
}

/** As if that much time had passed: what was read a moment ago is read again. */
function later(context: TestContext, ms: number): void {
  const real = performance.now.bind(performance);
  const mock = context.mock.method(performance, 'now', () => real() + ms);
  context.after(() => mock.mock.restore());
}

describe('credentials that the API server of Kubernetes passes on', () => {
  it('stand in a header of their own, which counts before the usual one', async (context) => {
    const { edge } = await startWithFile(context);
    const { Authorization: right = '' } = basic('ops:secret');
    const { Authorization: wrong = '' } = basic('ops:other');
    for (const [headers, status] of [
      [{ 'X-Edge-Authorization': right }, 200],
      [{ 'X-Edge-Authorization': right, Authorization: 'Bearer of-kubernetes' }, 200],
      [{ 'X-Edge-Authorization': wrong, Authorization: right }, 401],
      [{ 'X-Edge-Authorization': 'Bearer x' }, 401],
      [{ 'X-Edge-Authorization': '' }, 401],
    ] as const) {
      assert.equal((await ask(edge, streams, { ...far, ...headers })).status, status, JSON.stringify(headers));
    }
  });
});

describe('the API without credentials', () => {
  it('is for loopback alone, and says what to configure', async (context) => {
    const edge = await startApi(context);
    assert.equal((await ask(edge, streams)).status, 200);
    assert.equal((await ask(edge, kick, {}, 'DELETE')).status, 200);
    for (const [path, method] of [
      [streams, 'GET'],
      [streams, 'HEAD'],
      ['/api/v1/', 'GET'],
      ['/api/v1/summaries', 'GET'],
      ['/api/v1/none', 'GET'],
      [kick, 'DELETE'],
      [reload, 'GET'],
    ] as const) {
      const { status, body } = await ask(edge, path, far, method);
      assert.equal(status, 403, path);
      if (method !== 'HEAD') assert.match(body, /api_credentials_file/);
    }
    assert.deepEqual(edge.calls, []);
    assert.equal((await ask(edge, '/healthz', far)).status, 200);
    assert.equal((await ask(edge, '/readyz', far)).status, 200);
  });

  it('takes whoever sends a header of a proxy for a proxy', async (context) => {
    const edge = await startApi(context);
    for (const headers of [
      { 'X-Forwarded-For': '127.0.0.1' },
      { 'X-Forwarded-For': '' },
      { 'X-Real-IP': '127.0.0.1' },
      { 'X-Forwarded-Proto': 'https' },
      { Forwarded: 'for=127.0.0.1' },
      { Via: '1.1 proxy' },
    ]) {
      assert.equal((await ask(edge, streams, headers)).status, 403, JSON.stringify(headers));
    }
  });

  it('is not for pages of other origins, nor for names that were made to lead to loopback', async (context) => {
    const edge = await startApi(context);
    const host = `127.0.0.1:${edge.port('http-api')}`;
    const own = { Origin: `http://${host}` };
    for (const [headers, reads, acts] of [
      [{}, 200, 200],
      [own, 200, 200],
      [{ ...own, 'Sec-Fetch-Site': 'same-origin' }, 200, 200],
      [{ 'Sec-Fetch-Site': 'none' }, 200, 200],
      [{ Host: 'localhost:1985' }, 200, 200],
      [{ Host: '[::1]:1985' }, 200, 200],
      [{ Origin: 'https://evil.example' }, 403, 403],
      [{ Origin: 'null' }, 403, 403],
      [{ Origin: `http://127.0.0.1:1` }, 403, 403],
      [{ Origin: `https://${host}` }, 403, 403],
      [{ 'Sec-Fetch-Site': 'cross-site' }, 403, 403],
      [{ 'Sec-Fetch-Site': 'same-site' }, 403, 403],
      [{ Referer: 'https://evil.example/' }, 403, 403],
      [{ 'User-Agent': 'Mozilla/5.0 (of a browser that says nothing of the page)' }, 403, 403],
      [{ Host: 'evil.example:1985' }, 403, 403],
      [{ Host: 'evil.example', Origin: 'http://evil.example', 'Sec-Fetch-Site': 'same-origin' }, 403, 403],
      [{ Host: '127.0.0.1.evil.example' }, 403, 403],
    ] as [Headers, number, number][]) {
      assert.equal((await ask(edge, streams, headers)).status, reads, JSON.stringify(headers));
      assert.equal((await ask(edge, kick, headers, 'DELETE')).status, acts, JSON.stringify(headers));
      assert.equal((await ask(edge, reload, headers)).status, acts, JSON.stringify(headers));
    }
  });

  it('tells neither arguments nor working directory', async (context) => {
    const edge = await startApi(context);
    const { self } = (JSON.parse((await ask(edge, '/api/v1/summaries')).body) as { data: { self: object } }).data;
    assert.ok(!('argv' in self) && !('cwd' in self));
  });
});

describe('credentials', () => {
  it('of the file let everybody read and act', async (context) => {
    const { edge } = await startWithFile(context, '# who\n\nops:secret\n  next:with:colon \r\n');
    for (const headers of [basic('ops:secret'), basic('next:with:colon')]) {
      assert.equal((await ask(edge, streams, { ...far, ...headers })).status, 200);
      assert.equal((await ask(edge, kick, { ...far, ...headers }, 'DELETE')).status, 200);
    }
    for (const headers of [{}, basic('ops:'), basic('ops'), basic(''), basic('# who'), { Authorization: 'Bearer x' }]) {
      const refused = await ask(edge, streams, { ...far, ...headers });
      assert.equal(refused.status, 401);
      assert.match(String(refused.headers['www-authenticate']), /^Basic /);
    }
  });

  it('of the file are asked for on loopback too, also while there are none in it', async (context) => {
    const { edge, file } = await startWithFile(context);
    for (const [path, method] of [
      [streams, 'GET'],
      ['/api/v1/versions', 'GET'],
      ['/api/', 'GET'],
      [kick, 'DELETE'],
      [reload, 'GET'],
    ] as const) {
      assert.equal((await ask(edge, path, {}, method)).status, 401, path);
    }
    assert.deepEqual(edge.calls, []);
    assert.equal((await ask(edge, streams, basic('ops:secret'))).status, 200);
    assert.equal((await ask(edge, '/readyz')).status, 200);
    rmSync(file);
    later(context, 1_500);
    const { status, body } = await ask(edge, streams, basic('ops:secret'));
    assert.equal(status, 403);
    assert.match(body, /api_credentials_file .* holds no credentials/);
  });

  it('of http_api are asked for on loopback too, and stand beside those of the file', async (context) => {
    const { edge } = await startWithFile(context, 'ops:secret\n', {
      httpApi: { auth: { username: 'admin', password: 'word' } },
    });
    assert.equal((await ask(edge, streams)).status, 401);
    assert.equal((await ask(edge, streams, basic('admin:word'))).status, 200);
    assert.equal((await ask(edge, streams, { ...far, ...basic('ops:secret') })).status, 200);
    assert.equal((await ask(edge, streams, basic(':'))).status, 401);
  });

  it('do not help pages of other origins to act, unless these are named', async (context) => {
    const { edge } = await startWithFile(context, undefined, {
      edge: { apiTrustedOrigins: ['https://console.example'] },
    });
    const evil = { Origin: 'https://evil.example', ...basic('ops:secret') };
    assert.equal((await ask(edge, streams, evil)).status, 200);
    assert.equal((await ask(edge, kick, evil, 'DELETE')).status, 403);
    assert.equal((await ask(edge, reload, evil)).status, 403);
    const image = { 'Sec-Fetch-Site': 'cross-site', ...basic('ops:secret') };
    assert.equal((await ask(edge, reload, image)).status, 403);
    assert.deepEqual(edge.calls, []);
    const console = { Origin: 'https://console.example', 'Sec-Fetch-Site': 'cross-site', ...far };
    assert.equal((await ask(edge, reload, console)).status, 401);
    const answer = await ask(edge, reload, { ...console, ...basic('ops:secret') });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['access-control-allow-origin'], 'https://console.example');
  });

  it('are read again when a Secret changes its link, and are gone with the file', async (context) => {
    const directory = temporary(context);
    const put = (version: string, text: string): void => {
      mkdirSync(join(directory, version));
      writeFileSync(join(directory, version, 'credentials'), text);
      symlinkSync(version, join(directory, 'next'));
      renameSync(join(directory, 'next'), join(directory, '..data'));
    };
    put('v1', 'ops:old\n');
    symlinkSync('..data/credentials', join(directory, 'credentials'));
    const edge = await startApi(context, { edge: { apiCredentialsFile: join(directory, 'credentials') } });
    const status = async (credentials: string): Promise<number> =>
      (await ask(edge, streams, { ...far, ...basic(credentials) })).status;
    assert.equal(await status('ops:old'), 200);
    put('v2', 'ops:old\nops:new\n');
    later(context, 1_500);
    assert.deepEqual([await status('ops:old'), await status('ops:new')], [200, 200]);
    put('v3', 'ops:new\n');
    later(context, 3_000);
    assert.deepEqual([await status('ops:old'), await status('ops:new')], [401, 200]);
    rmSync(join(directory, '..data'));
    later(context, 4_500);
    assert.equal(await status('ops:new'), 403);
  });

  it('are tried a few times by one address; others, and right ones, are not held up', async (context) => {
    const { edge } = await startWithFile(context, undefined, {
      edge: { trustedProxies: [{ address: '127.0.0.1', prefix: 32 }] },
    });
    const tryFrom = async (ip: string, credentials: string): Promise<number> =>
      (await ask(edge, streams, { 'X-Forwarded-For': ip, ...basic(credentials) })).status;
    for (let count = 0; count < 30; count++) assert.equal(await tryFrom('192.0.2.2', 'ops:secret'), 200);
    const statuses: number[] = [];
    for (let count = 0; count < 15; count++) statuses.push(await tryFrom('192.0.2.1', 'ops:wrong'));
    assert.deepEqual([statuses[0], statuses.at(-1)], [401, 429]);
    assert.equal(await tryFrom('192.0.2.1', 'ops:secret'), 429);
    assert.equal(await tryFrom('192.0.2.2', 'ops:secret'), 200);
  });
});

describe('the page', () => {
  const paths = [
    '/',
    '/edge/',
    '/edge/page.js',
    '/edge/page.css',
    '/edge/mpegts.js',
    '/edge/page.json',
    '/edge/status.json',
  ];

  it('is gone with `page off`, and its figures with it, whatever page_figures says', async (context) => {
    const edge = await startApi(context, { edge: { pageFigures: true } });
    const statuses = () => Promise.all(paths.map(async (path) => (await fetch(edge.url(path))).status));
    assert.deepEqual(await statuses(), [200, 200, 200, 200, 200, 200, 200]);
    edge.config = { ...edge.config, edge: { ...edge.config.edge, page: false } };
    assert.deepEqual(await statuses(), [404, 404, 404, 404, 404, 404, 404]);
    assert.equal((await fetch(edge.url('/readyz'))).status, 200);
  });
});

describe('the figures of the page', () => {
  it('are off unless page_figures is on, then for everybody', async (context) => {
    const edge = await startApi(context, { httpApi: { auth: { username: 'admin', password: 'word' } } });
    const figures = async (): Promise<number> =>
      (await fetch(edge.url('/edge/status.json'), { headers: { ...basic('admin:word') } })).status;
    assert.equal(await figures(), 404);
    edge.config = { ...edge.config, edge: { ...edge.config.edge, pageFigures: true } };
    assert.equal(await figures(), 200);
    const elsewhere = await fetch(edge.url('/edge/status.json'), {
      headers: { ...far, Origin: 'https://evil.example' },
    });
    assert.equal(elsewhere.status, 200);
    assert.equal(elsewhere.headers.get('access-control-allow-origin'), null);
    assert.equal((await ask(edge, '/edge/status.json')).status, 404);
  });
});

describe('/metrics', () => {
  it('counts refusals, and names no streams', async (context) => {
    const edge = await startApi(context, { exporter: { enabled: true } });
    const publisher = await edge.publisher('secret-name');
    publisher.push(...clip());
    await ask(edge, streams, far);
    await ask(edge, kick, { Origin: 'https://evil.example' }, 'DELETE');
    const text = await (await fetch(edge.url('/metrics', 'exporter'))).text();
    assert.match(text, /^edge_api_refused_total\{reason="credentials"\} 1$/m);
    assert.match(text, /^edge_api_refused_total\{reason="page"\} 1$/m);
    assert.doesNotMatch(text, /secret-name/);
  });
});

describe('CORS of the API', () => {
  it('lets pages of other origins read, and named ones act', async (context) => {
    const { edge } = await startWithFile(context, undefined, {
      edge: { apiTrustedOrigins: ['https://console.example'] },
    });
    const preflight = async (origin: string, path: string, method: string): Promise<Answer> => {
      const headers = { Origin: origin, 'Access-Control-Request-Method': method };
      return await ask(edge, path, { ...headers, 'Access-Control-Request-Private-Network': 'true' }, 'OPTIONS');
    };
    const reading = await preflight('https://evil.example', streams, 'GET');
    assert.equal(reading.headers['access-control-allow-origin'], '*');
    assert.equal(reading.headers['access-control-allow-methods'], 'GET, HEAD');
    assert.equal(reading.headers['access-control-allow-private-network'], undefined);
    for (const [path, method] of [
      [kick, 'DELETE'],
      [reload, 'GET'],
      [streams, 'POST'],
    ] as const) {
      const { headers } = await preflight('https://evil.example', path, method);
      assert.deepEqual(
        Object.keys(headers).filter((name) => name.startsWith('access-control')),
        [],
      );
      const trusted = await preflight('https://console.example', path, method);
      assert.equal(trusted.headers['access-control-allow-origin'], 'https://console.example');
      assert.match(String(trusted.headers['access-control-allow-methods']), /DELETE/);
    }
  });
});

describe('the file of credentials', () => {
  interface Line {
    readonly msg: string;
    readonly badLines?: readonly number[];
    readonly reason?: string;
  }

  function logged(): { readonly lines: Line[]; readonly credentials: Credentials } {
    const lines: Line[] = [];
    const log = pino({}, { write: (line: string) => lines.push(JSON.parse(line) as Line) });
    return { lines, credentials: new Credentials(log) };
  }

  it('is used as far as its lines can be, and the log says which cannot', async (context) => {
    const file = join(temporary(context), 'file');
    writeFileSync(file, '\uFEFFa:1\nno-colon\n:no-name\nno-password:\n\n#c:d\nb:2');
    const { lines, credentials } = logged();
    for (const [text, right] of [
      ['a:1', true],
      ['b:2', true],
      ['no-colon', false],
      [':no-name', false],
      ['no-password:', false],
      ['c:d', false],
      ['', false],
    ] as const) {
      assert.equal(await credentials.include(file, Buffer.from(text)), right, text);
    }
    assert.deepEqual(
      lines.map(({ badLines }) => badLines),
      [[2, 3, 4]],
    );
    assert.doesNotMatch(JSON.stringify(lines), /no-password|no-name|no-colon/);
  });

  it('gives nobody access while it is missing, too large, or no file, and the log says so once', async (context) => {
    const directory = temporary(context);
    writeFileSync(join(directory, 'large'), 'a:1\n'.repeat(5_000));
    for (const [name, reason] of [
      ['missing', /ENOENT/],
      ['large', /larger than 16384 bytes/],
      ['.', /no ordinary file/],
    ] as const) {
      const { lines, credentials } = logged();
      const file = join(directory, name);
      assert.equal(await credentials.include(file, Buffer.from('a:1')), false);
      later(context, 2_000);
      assert.equal(await credentials.exist(file), false);
      context.mock.restoreAll();
      assert.equal(lines.length, 1);
      assert.match(lines[0]?.reason ?? '', reason);
    }
  });

  it('gives nobody access where none is named', async () => {
    const { lines, credentials } = logged();
    assert.equal(await credentials.exist(''), false);
    assert.equal(await credentials.include('', Buffer.from('')), false);
    assert.deepEqual(lines, []);
  });
});

describe('attempts', () => {
  it('come back with time, and are counted for each address', () => {
    let nowMs = 0;
    const attempts = new Attempts(() => nowMs);
    for (let count = 0; count < 10; count++) assert.equal(attempts.take('192.0.2.1'), true);
    assert.equal(attempts.take('192.0.2.1'), false);
    assert.equal(attempts.take('192.0.2.2'), true);
    nowMs += 999;
    assert.equal(attempts.take('192.0.2.1'), false);
    nowMs += 1;
    assert.equal(attempts.take('192.0.2.1'), true);
    attempts.giveBack('192.0.2.1');
    assert.equal(attempts.take('192.0.2.1'), true);
  });

  it('count a /64 of IPv6 addresses as one', () => {
    const attempts = new Attempts(() => 0);
    for (let count = 0; count < 10; count++) attempts.take(`2001:db8:0:1::${count}`);
    assert.equal(attempts.take('2001:db8:0:1:ffff::1'), false);
    assert.equal(attempts.take('2001:db8::1:2:3'), true);
    assert.equal(attempts.take('2001:db8:0:2::1'), true);
  });

  it('are remembered for a bounded number of addresses', () => {
    const attempts = new Attempts(() => 0);
    for (let count = 0; count < 10_000; count++) attempts.take(`host ${count}`);
    assert.equal(attempts.size, 4_096);
  });
});
