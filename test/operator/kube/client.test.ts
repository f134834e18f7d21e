/** The client when the API server is slow, busy, or not there. What goes well is in test/support/kube-api/contract.ts. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import type { V1ConfigMap } from '@kubernetes/client-node';
import { type ApiError, KubeApi, type RequestReport } from '../../../operator/kube/api.ts';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import { type KubeApiDouble, startKubeApi } from '../../support/kube-api/kube-api.ts';

const { ConfigMap, Secret } = RESOURCES;

let kube: KubeApiDouble;
let api: KubeApi;
let reports: RequestReport[];

beforeEach(async () => {
  kube = await startKubeApi();
  reports = [];
  api = new KubeApi(kube.config(), { onRequest: (report) => reports.push(report), requestTimeoutMs: 5000 });
});

afterEach(async () => {
  api.close();
  await kube.stop();
});

const object: V1ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' } };

test('each request is reported with its verb, status and resource', async () => {
  await api.get(ConfigMap, 'default', 'a');
  await api.apply(object);
  await api.apply(object);
  await api.list(ConfigMap);
  await api.mergePatch(ConfigMap, 'default', 'a', { data: { b: '1' } });
  await api.delete(ConfigMap, 'default', 'a');
  await api.create(object);
  for await (const _ of api.watch(ConfigMap, { resourceVersion: '0', timeoutSeconds: 1 }, AbortSignal.timeout(5000)))
    break;
  assert.deepEqual(
    reports.map(({ verb, status, resource }) => `${verb} ${resource.plural} ${status}`),
    [
      ...['get configmaps 404', 'apply configmaps 201', 'apply configmaps 200', 'list configmaps 200'],
      ...['patch configmaps 200', 'delete configmaps 200', 'create configmaps 201', 'watch configmaps 200'],
    ],
  );
});

test('429 is waited for as long as it says, and tried again', async () => {
  kube.fault({ verb: 'apply', effect: { status: 429, retryAfterSeconds: 1 } });
  const startMs = performance.now();
  await api.apply(object);
  assert.ok(performance.now() - startMs >= 1000);
  assert.deepEqual(
    reports.map(({ status }) => status),
    [429, 201],
  );
});

test('429 is not waited for without end: neither for an hour, nor again and again', async () => {
  const hasty = new KubeApi(kube.config(), { retryMaxMs: 20 });
  kube.fault({ verb: 'get', times: 100, effect: { status: 429, retryAfterSeconds: 3600 } });
  await assert.rejects(hasty.get(ConfigMap, 'default', 'a'), { reason: 'TooManyRequests', retryAfterMs: 3_600_000 });
  assert.equal(kube.requests.length, 6);
  hasty.close();
});

test('aborted while it waits: at once', async () => {
  const abort = new AbortController();
  kube.fault({ effect: { status: 429, retryAfterSeconds: 10 } });
  const pending = api.get(ConfigMap, 'default', 'a', { signal: abort.signal });
  await kube.until(() => kube.count({ status: 429 }) === 1);
  abort.abort(new Error('enough'));
  await assert.rejects(pending, /enough/);
  assert.equal(kube.requests.length, 1);
});

test('500 is an error at once, which says what and why', async () => {
  kube.fault({ effect: { status: 500 } });
  await assert.rejects(api.apply(object), {
    name: 'ApiError',
    status: 500,
    reason: 'InternalError',
    message: 'apply v1/namespaces/default/configmaps/a: 500: a fault of the test',
  });
  assert.equal(kube.requests.length, 1);
});

test('503 with Retry-After is tried again', async () => {
  kube.fault({ effect: { status: 503, retryAfterSeconds: 0 } });
  await api.apply(object);
  assert.deepEqual(
    kube.requests.map(({ status }) => status),
    [503, 201],
  );
});

test('no answer: Timeout', async () => {
  const hasty = new KubeApi(kube.config(), { requestTimeoutMs: 50 });
  kube.fault({ verb: ['get', 'watch'], times: 2, effect: { connection: 'hang' } });
  await assert.rejects(hasty.get(ConfigMap, 'default', 'a'), { status: 0, reason: 'Timeout' });
  const watch = hasty.watch(ConfigMap, { resourceVersion: '0' }, new AbortController().signal);
  await assert.rejects(watch.next(), { status: 0, reason: 'Timeout' });
  hasty.close();
});

test('no API server: Unreachable, and where it was looked for', async () => {
  await kube.goAway();
  const { host } = new URL(kube.url);
  await assert.rejects(api.get(ConfigMap, 'default', 'a'), (error: ApiError) => {
    assert.equal(error.reason, 'Unreachable');
    assert.match(error.message, new RegExp(`cannot reach the API server at ${host}: .*ECONNREFUSED`));
    return true;
  });
  await kube.comeBack();
  assert.equal(await api.get(ConfigMap, 'default', 'a'), undefined);
});

test('an API server that takes no connections is given up long before the time of a request is over', async (t) => {
  // The kernel takes connections for it until its queue is full, and then answers nothing.
  const listen = "require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, ";
  const print = 'function () { console.log(this.address().port); })';
  const server = spawn(process.execPath, ['-e', listen + print], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => server.kill('SIGKILL'));
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  server.kill('SIGSTOP');
  const sockets = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const config = { ...kube.config(), server: `http://127.0.0.1:${port}` };
  const hasty = new KubeApi(config, { connectTimeoutMs: 100 });
  t.after(() => hasty.close());
  // The first ones may still find room in the queue.
  await Promise.all(sockets.slice(0, 1).map((socket) => once(socket, 'connect')));
  await assert.rejects(hasty.get(ConfigMap, 'default', 'a'), (error: ApiError) => {
    assert.equal(error.reason, 'Unreachable');
    assert.match(error.message, /cannot reach the API server at .*: no connection in 100 ms/);
    return true;
  });
});

test('a kept connection that turns out closed costs nothing, except to a create', async () => {
  await api.list(ConfigMap);
  kube.fault({ verb: 'apply', effect: { connection: 'reset' } });
  await api.apply(object);
  kube.fault({ verb: 'create', effect: { connection: 'reset' } });
  const other = { ...object, metadata: { name: 'b', namespace: 'default' } };
  await assert.rejects(api.create(other), { reason: 'Unreachable' });
  assert.equal(kube.count({ verb: 'apply' }), 2);
  assert.equal(kube.count({ verb: 'create' }), 1);
});

test('aborted: the request is cut, with the reason of the signal', async () => {
  const abort = new AbortController();
  kube.fault({ effect: { connection: 'hang' } });
  const pending = api.get(ConfigMap, 'default', 'a', { signal: abort.signal });
  await kube.until(() => kube.requests.length === 1);
  abort.abort(new Error('enough'));
  await assert.rejects(pending, /enough/);
});

test('an answer of something that is no API server is told in its words', async () => {
  const server = createServer((_, response) => response.writeHead(502).end('<h1>Bad Gateway</h1>'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const access = { ...kube.config(), server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  const lost = new KubeApi(access);
  await assert.rejects(lost.list(ConfigMap), { status: 502, reason: 'InternalError', message: /Bad Gateway/ });
  lost.close();
  server.close();
});

test('many requests share few connections, and watches do not stand in their way', async () => {
  const open = new Set<object>();
  let most = 0;
  const server = createServer((request, response) => {
    if (request.url?.includes('watch=true')) {
      response.writeHead(200).flushHeaders();
      return;
    }
    open.add(request.socket);
    most = Math.max(most, open.size);
    setImmediate(() => {
      open.delete(request.socket);
      response.end('{"items":[],"metadata":{"resourceVersion":"1"}}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const access = { ...kube.config(), server: `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix/` };
  const many = new KubeApi(access);
  const stop = new AbortController();
  const watches = Array.from({ length: 40 }, () => many.watch(Secret, { resourceVersion: '1' }, stop.signal).next());
  await Promise.all(Array.from({ length: 200 }, () => many.list(ConfigMap)));
  assert.ok(most <= 16, `${most} connections`);
  stop.abort(new Error('enough'));
  const ends = await Promise.allSettled(watches);
  assert.ok(ends.every((end) => end.status === 'rejected' && end.reason.message === 'enough'));
  many.close();
  server.close();
});
