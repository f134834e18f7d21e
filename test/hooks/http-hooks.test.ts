import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import type { HttpHooksConfig, VhostConfig } from '../../edge/conf/model.ts';
import { HttpHooks } from '../../edge/hooks/http-hooks.ts';
import { Refusal } from '../../edge/stream/request.ts';
import { streamRequest } from '../support/requests.ts';

interface Call {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
  readonly port: number;
}

type Answer = (response: http.ServerResponse, call: Call) => void;

interface HookServer {
  /** Base URL without a slash at the end. */
  readonly url: string;
  readonly calls: Call[];
}

/** A server of callbacks on a port of its own, closed behind the test. */
async function hookServer(t: TestContext, answer: Answer): Promise<HookServer> {
  const calls: Call[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    assert.equal(request.method, 'POST');
    const { url: path = '', headers } = request;
    const body = JSON.parse(Buffer.concat(chunks).toString());
    const call = { path, headers, body, port: request.socket.remotePort ?? 0 };
    calls.push(call);
    answer(response, call);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
}

const agree: Answer = (response) => response.end('0');

function answering(body: string, status = 200): Answer {
  return (response) => {
    response.statusCode = status;
    response.end(body);
  };
}

function vhostWith(httpHooks: Partial<HttpHooksConfig>, hookTimeoutMs = 5_000): VhostConfig {
  return defaultVhost({ name: 'video.test', httpHooks: { enabled: true, ...httpHooks }, edge: { hookTimeoutMs } });
}

/** Lines of a log, as objects. */
function recorder(): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  return { log, lines };
}

function hooksFor(log: Logger = recorder().log): HttpHooks {
  return new HttpHooks({ log, serverId: 'vid-server1' });
}

async function refusalOf(promise: Promise<unknown>): Promise<Refusal> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    return error;
  }
  assert.fail('not refused');
}

/** What the log says. */
function whyOf({ cause }: Refusal): string {
  return cause instanceof Error ? cause.message : '';
}

const request = streamRequest({ param: '?token=xxx&salt=yyy', pageUrl: 'http://www.test.com/live.html' });

/** What every body has; `service_id` differs from run to run. */
function common(action: string, call: Call): Record<string, unknown> {
  assert.match(String(call.body.service_id), /^[0-9a-f]{8}$/);
  return {
    server_id: 'vid-server1',
    service_id: call.body.service_id,
    action,
    client_id: 'c0ffee1',
    ip: '192.0.2.7',
    vhost: 'video.test',
    app: 'live',
  };
}

const stream = {
  tcUrl: 'rtmp://video.test/live',
  stream: 'livestream',
  param: '?token=xxx&salt=yyy',
  stream_url: 'video.test/live/livestream',
};

test('each callback posts the JSON body that SRS posts', async (t) => {
  const server = await hookServer(t, agree);
  const hooks = hooksFor();
  const at = (name: string): readonly string[] => [`${server.url}/api/${name}?key=1`];
  const vhost = vhostWith({
    onConnect: at('connect'),
    onClose: at('close'),
    onPublish: at('publish'),
    onUnpublish: at('unpublish'),
    onPlay: at('play'),
    onStop: at('stop'),
  });
  await hooks.onConnect(request, vhost);
  await hooks.onPublish(request, vhost);
  await hooks.onPlay(request, vhost);
  hooks.onUnpublish(request, vhost);
  hooks.onStop(request, vhost);
  hooks.onClose(request, vhost, { bytesReceived: 12, bytesSent: 3_000_000_000 });
  await hooks.settled();

  const { calls } = server;
  assert.deepEqual(
    calls.map(({ path }) => path),
    ['connect', 'publish', 'play', 'unpublish', 'stop', 'close'].map((name) => `/api/${name}?key=1`),
  );
  const [connect, publish, play, unpublish, stop, close] = calls as [Call, Call, Call, Call, Call, Call];
  assert.deepEqual(connect.body, {
    ...common('on_connect', connect),
    stream: 'livestream',
    param: '?token=xxx&salt=yyy',
    tcUrl: 'rtmp://video.test/live',
    pageUrl: 'http://www.test.com/live.html',
  });
  const stream_id = publish.body.stream_id;
  assert.match(String(stream_id), /^vid-[0-9a-z]{7}$/);
  assert.deepEqual(publish.body, { ...common('on_publish', publish), ...stream, stream_id });
  assert.deepEqual(play.body, {
    ...common('on_play', play),
    ...stream,
    stream_id,
    pageUrl: 'http://www.test.com/live.html',
  });
  assert.deepEqual(unpublish.body, { ...common('on_unpublish', unpublish), ...stream, stream_id });
  assert.deepEqual(stop.body, { ...common('on_stop', stop), ...stream, stream_id });
  assert.deepEqual(close.body, { ...common('on_close', close), send_bytes: 3_000_000_000, recv_bytes: 12 });
  for (const { headers } of calls) {
    assert.equal(headers['content-type'], 'application/json');
    assert.ok(Number(headers['content-length']) > 0);
  }
  assert.equal(new Set(calls.map(({ port }) => port)).size, 1, 'one connection serves them all');
});

test('the vhost in a body is the one that serves the client, and the default one has no name in stream_url', async (t) => {
  const server = await hookServer(t, agree);
  const httpHooks = { enabled: true, onPlay: [server.url] };
  await hooksFor().onPlay(request, defaultVhost({ httpHooks }));
  assert.equal(server.calls[0]?.body.vhost, '__defaultVhost__');
  assert.equal(server.calls[0]?.body.stream_url, '/live/livestream');
  assert.equal(server.calls[0]?.path, '/');
});

test('nothing is asked where callbacks are off or have no URL', async (t) => {
  const server = await hookServer(t, answering('1'));
  const hooks = hooksFor();
  await hooks.onPlay(request, vhostWith({ enabled: false, onPlay: [server.url] }));
  await hooks.onPublish(request, vhostWith({ onPlay: [server.url] }));
  hooks.onStop(request, vhostWith({ onPlay: [server.url] }));
  await hooks.settled();
  assert.equal(server.calls.length, 0);
});

const accepted: readonly [body: string, status: number][] = [
  ['0', 200],
  ['0\r\n', 200],
  ['0', 201],
  ['{"code":0}', 200],
  ['{"code": 0, "data": {"any": "thing"}}', 201],
];

for (const [body, status] of accepted) {
  test(`${status} ${JSON.stringify(body)} is a yes`, async (t) => {
    const server = await hookServer(t, answering(body, status));
    await hooksFor().onPlay(request, vhostWith({ onPlay: [server.url] }));
    assert.equal(server.calls.length, 1);
  });
}

const refused: readonly [body: string, status: number, reason: RegExp, httpStatus: number][] = [
  ['1', 200, /refused with code 1$/, 403],
  ['{"code":403,"msg":"bad token"}', 200, /refused with code 403$/, 403],
  ['0', 202, /answered with status 202$/, 403],
  ['0', 302, /answered with status 302$/, 403],
  ['0', 403, /answered with status 403$/, 403],
  ['0', 503, /answered with status 503$/, 502],
  ['', 200, /answered with an empty body/, 502],
  ['OK', 200, /answered "OK"/, 502],
  ['{"data":0}', 200, /answered "{\\"data\\":0}"/, 502],
  ['{"code":"0"}', 200, /answered/, 502],
  ['[0]', 200, /answered/, 502],
  ['null', 200, /answered/, 502],
];

for (const [body, status, reason, httpStatus] of refused) {
  test(`${status} ${JSON.stringify(body)} is a no`, async (t) => {
    const server = await hookServer(t, answering(body, status));
    const url = `${server.url}/api/v1/sessions?secret=hush`;
    const refusal = await refusalOf(hooksFor().onPlay(request, vhostWith({ onPlay: [url] })));
    assert.match(whyOf(refusal), reason);
    if (httpStatus === 502) assert.equal(refusal.message, 'on_play callback failed');
    else assert.match(refusal.message, reason);
    assert.doesNotMatch(
      refusal.message,
      /hush|127\.0\.0\.1|sessions/,
      'whom it keeps out learns nothing of the server',
    );
    assert.equal(refusal.code, 'NetStream.Play.Failed');
    assert.equal(refusal.httpStatus, httpStatus);
  });
}

test('a refusal has the code that belongs to what was asked', async (t) => {
  const server = await hookServer(t, answering('1'));
  const urls = [server.url];
  const vhost = vhostWith({ onConnect: urls, onPublish: urls });
  assert.equal((await refusalOf(hooksFor().onConnect(request, vhost))).code, 'NetConnection.Connect.Rejected');
  assert.equal((await refusalOf(hooksFor().onPublish(request, vhost))).code, 'NetStream.Publish.Rejected');
});

test('several URLs are called in order, and the first no decides', async (t) => {
  const server = await hookServer(t, (response, { path }) => response.end(path === '/b' ? '7' : '0'));
  const urls = ['/a', '/b', '/c'].map((path) => server.url + path);
  const refusal = await refusalOf(hooksFor().onPublish(request, vhostWith({ onPublish: urls })));
  assert.equal(refusal.message, 'on_publish callback refused with code 7');
  assert.deepEqual(
    server.calls.map(({ path }) => path),
    ['/a', '/b'],
  );
});

test('notices go to every URL whatever one answers, in the order they were made; failures are only logged', async (t) => {
  const { log, lines } = recorder();
  const server = await hookServer(t, (response, { path }) => {
    // The first one takes its time: the next must wait for it.
    if (path === '/stop1') setImmediate().then(() => response.writeHead(500).end());
    else response.end('0');
  });
  const hooks = hooksFor(log);
  hooks.onStop(request, vhostWith({ onStop: [`${server.url}/stop1`, `${server.url}/stop2`] }));
  hooks.onClose(request, vhostWith({ onClose: [`${server.url}/close`] }), { bytesReceived: 1, bytesSent: 2 });
  await hooks.settled();
  assert.deepEqual(
    server.calls.map(({ path }) => path),
    ['/stop1', '/stop2', '/close'],
  );
  const warnings = lines.filter(({ level }) => level === 40);
  assert.equal(warnings.length, 1);
  assert.equal(warnings[0]?.url, `${server.url}/stop1`);
  assert.equal(warnings[0]?.client, 'c0ffee1');
});

test('settled resolves at once when nothing is on its way, and again behind later notices', async (t) => {
  const server = await hookServer(t, agree);
  const hooks = hooksFor();
  await hooks.settled();
  for (let round = 1; round <= 2; round++) {
    hooks.onStop(request, vhostWith({ onStop: [server.url] }));
    await hooks.settled();
    assert.equal(server.calls.length, round);
  }
});

test('a server that does not answer in time refuses', async (t) => {
  const server = await hookServer(t, () => {});
  const refusal = await refusalOf(hooksFor().onPlay(request, vhostWith({ onPlay: [server.url] }, 50)));
  assert.equal(refusal.message, 'on_play callback failed');
  assert.equal(whyOf(refusal), 'no answer in 50 ms');
});

test('the time-out covers the body of the answer', async (t) => {
  const server = await hookServer(t, (response) => {
    response.writeHead(200, { 'Content-Length': 100 });
    response.write('0');
  });
  const refusal = await refusalOf(hooksFor().onPlay(request, vhostWith({ onPlay: [server.url] }, 80)));
  assert.match(whyOf(refusal), /^no answer in 80 ms$/);
});

test('a server that is not there refuses; the address and why are in the log alone', async () => {
  const gone = http.createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  gone.close();
  await once(gone, 'close');
  const url = `http://127.0.0.1:${port}/`;
  const { log, lines } = recorder();
  const refusal = await refusalOf(hooksFor(log).onConnect(request, vhostWith({ onConnect: [url] })));
  assert.equal(refusal.message, 'on_connect callback failed');
  assert.equal(whyOf(refusal), `connect ECONNREFUSED 127.0.0.1:${port}`);
  assert.equal(lines.at(-1)?.url, url);
  assert.equal(refusal.httpStatus, 502);
});

test('hook_failure admit: who cannot be asked about comes in; who is refused does not', async (t) => {
  const admitting = (url: string): VhostConfig => {
    const vhost = vhostWith({ onPlay: [url] }, 80);
    return { ...vhost, edge: { ...vhost.edge, hookFailure: 'admit' } };
  };
  const silent = await hookServer(t, () => {});
  await hooksFor().onPlay(request, admitting(silent.url));
  const nonsense = await hookServer(t, answering('OK'));
  await hooksFor().onPlay(request, admitting(nonsense.url));
  for (const status of [500, 502, 503, 504]) {
    const proxy = await hookServer(t, answering('its server is not there', status));
    await hooksFor().onPlay(request, admitting(proxy.url));
  }
  const refusing = await hookServer(t, answering('1'));
  assert.equal((await refusalOf(hooksFor().onPlay(request, admitting(refusing.url)))).httpStatus, 403);
  const unwilling = await hookServer(t, answering('', 403));
  assert.equal((await refusalOf(hooksFor().onPlay(request, admitting(unwilling.url)))).httpStatus, 403);
});

test('a huge answer is cut off', async (t) => {
  let sent = 0;
  const server = await hookServer(t, (response) => {
    const part = Buffer.alloc(64 * 1024, '0');
    const more = (): void => {
      if (response.destroyed) return;
      sent += part.length;
      if (response.write(part)) setImmediate().then(more);
      else response.once('drain', more);
    };
    more();
  });
  const refusal = await refusalOf(hooksFor().onPlay(request, vhostWith({ onPlay: [server.url] })));
  assert.match(whyOf(refusal), /^answered with more than 65536 bytes$/);
  assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes were taken`);
});

test('a kept connection that ends when it is used again is not held against the client', async (t) => {
  const used = new Set<number>();
  const server = await hookServer(t, (response, { port }) => {
    if (used.has(port)) {
      response.socket?.destroy();
    } else {
      used.add(port);
      response.end('0');
    }
  });
  const hooks = hooksFor();
  for (let round = 1; round <= 3; round++) {
    await hooks.onPlay(request, vhostWith({ onPlay: [server.url] }));
    assert.equal(used.size, round);
  }
});

test('callbacks that nobody answers: so many notices wait at most, on so many connections; closing gives them up', async (t) => {
  const server = await hookServer(t, () => {});
  const hooks = hooksFor();
  const vhost = vhostWith({ onStop: [server.url] }, 60_000);
  for (let client = 0; client < 10_500; client++) hooks.onStop({ ...request, clientId: `client-${client}` }, vhost);
  assert.equal(hooks.lostNotices, 500);
  while (server.calls.length < 64) await setImmediate();
  assert.equal(hooks.underWay, 64);
  hooks.close();
  await hooks.settled();
  assert.equal(hooks.underWay, 0);
  assert.equal(server.calls.length, 64);
});
