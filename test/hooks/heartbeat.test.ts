/** Heartbeats: what they say, and that a server that is not there changes nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { parseConfig } from '../../edge/conf/load.ts';
import type { EdgeConfig } from '../../edge/conf/model.ts';
import { Heartbeat } from '../../edge/hooks/heartbeat.ts';
import { EdgeProcess } from '../support/edge-process.ts';
import { HookServer } from '../support/hook-server.ts';

/** A server whose answers the test gives. */
async function server(t: TestContext) {
  const waiting: { readonly body: Readonly<Record<string, unknown>>; readonly response: ServerResponse }[] = [];
  const wake: (() => void)[] = [];
  const listening = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    waiting.push({ body: JSON.parse(text), response });
    for (const resolve of wake.splice(0)) resolve();
  }).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  t.after(() => {
    listening.closeAllConnections();
    listening.close();
  });
  return {
    url: `http://me:secret@127.0.0.1:${(listening.address() as AddressInfo).port}/api/v1/servers?key=secret`,
    /** The next one, and what it is answered. */
    async next(status = 200): Promise<Readonly<Record<string, unknown>>> {
      while (waiting.length === 0) await new Promise<void>((resolve) => wake.push(resolve));
      const [{ body, response } = assert.fail()] = waiting.splice(0, 1);
      response.writeHead(status).end();
      return body;
    },
    get waiting(): number {
      return waiting.length;
    },
  };
}

function configWith(url: string, more = ''): EdgeConfig {
  const block = `heartbeat { enabled on; interval 0.1; url "${url}"; device_id edge-7; ${more} }`;
  return parseConfig(`listen 1935 127.0.0.1:1936; http_server { enabled on; listen 8080; } ${block} vhost a { }`)
    .config;
}

/** Ends with the test. */
function heartbeat(t: TestContext) {
  const lines: { level: number; msg: string }[] = [];
  const wake: (() => void)[] = [];
  const stream = new Writable({
    write(chunk, _, done) {
      lines.push(JSON.parse(String(chunk)));
      for (const resolve of wake.splice(0)) resolve();
      done();
    },
  });
  const summaries = async () => ({ data: { ok: true } });
  const it = new Heartbeat({ log: pino(stream), serverId: 'vid-1', serviceId: 'run-1', summaries, ip: '192.0.2.7' });
  t.after(() => it.close());
  const said = async (message: RegExp): Promise<void> => {
    while (!lines.some(({ msg }) => message.test(msg))) await new Promise<void>((resolve) => wake.push(resolve));
  };
  return { heartbeat: it, lines, said };
}

test('they say who it is; summaries and ports where they are asked for', async (t) => {
  const servers = await server(t);
  const { heartbeat: beats } = heartbeat(t);
  beats.reconfigure(configWith(servers.url));
  const who = { device_id: 'edge-7', ip: '192.0.2.7', server: 'vid-1', service: 'run-1', pid: String(process.pid) };
  assert.deepEqual(await servers.next(), who);
  // The interval is the same: the round goes on, and tells more.
  beats.reconfigure(configWith(servers.url, 'summaries on; ports on;'));
  let told = await servers.next();
  while (told.summaries === undefined) told = await servers.next();
  assert.deepEqual(told, {
    ...who,
    summaries: { data: { ok: true } },
    rtmp: ['1935', '127.0.0.1:1936'],
    http: ['8080'],
  });
});

test('one without an answer holds the next one back', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const servers = await server(t);
  const { heartbeat: beats } = heartbeat(t);
  beats.reconfigure(configWith(servers.url));
  while (servers.waiting === 0) await new Promise(setImmediate);
  t.mock.timers.tick(1_000);
  assert.equal(servers.waiting, 1);
});

test('a failure is logged once, without secrets, and so is its end', async (t) => {
  const servers = await server(t);
  const { heartbeat: beats, lines, said } = heartbeat(t);
  beats.reconfigure(configWith(servers.url));
  for (let i = 0; i < 3; i++) await servers.next(500);
  await servers.next(204);
  await said(/are taken again/);
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    ['a heartbeat was not taken; it is tried on', 'heartbeats are taken again'],
  );
  assert.doesNotMatch(JSON.stringify(lines), /secret/);
});

test('nobody is there: it is tried on', async (t) => {
  const { heartbeat: beats, lines, said } = heartbeat(t);
  beats.reconfigure(configWith('http://127.0.0.1:1/'));
  await said(/was not taken/);
  const servers = await server(t);
  beats.reconfigure(configWith(servers.url));
  await servers.next();
  await said(/are taken again/);
  assert.equal(lines.length, 2);
});

test('an edge sends them, and tells neither its arguments nor its directory', async (t) => {
  const hooks = await HookServer.start(t);
  const block = `heartbeat { enabled on; interval 0.2; url ${hooks.url}; summaries on; }`;
  const edge = await EdgeProcess.start(`listen 127.0.0.1:0; server_id here; ${block} vhost a { }`);
  t.after(() => edge.kill());
  while (hooks.calls.length < 2) await hooks.next();
  const { server, ip, summaries } = JSON.parse(JSON.stringify(hooks.calls.at(-1))) as {
    server: string;
    ip: string;
    summaries: { data: { ok: boolean; self: object } };
  };
  assert.deepEqual([server, summaries.data.ok, typeof ip], ['here', true, 'string']);
  assert.doesNotMatch(JSON.stringify(summaries), /argv|cwd/);
});

test('the variable with the address is known', () => {
  const env = { SRS_DEVICE_IP: '192.0.2.7', SRS_HEARTBEAT_INTERVAL: '9.3' };
  const { config, warnings } = parseConfig('listen 1935; vhost a { }', { env });
  assert.deepEqual([config.heartbeat.intervalMs, warnings], [9_300, []]);
});

test('the server of a reload is told at once, though the one before it has not answered', async (t) => {
  const [before, after] = [await server(t), await server(t)];
  const { heartbeat: beats, lines } = heartbeat(t);
  const rarely = ({ heartbeat, ...config }: EdgeConfig): EdgeConfig => ({
    ...config,
    heartbeat: { ...heartbeat, intervalMs: 3_600_000 },
  });
  beats.reconfigure(rarely(configWith(before.url)));
  while (before.waiting === 0) await new Promise(setImmediate);
  beats.reconfigure(rarely(configWith(after.url)));
  await after.next();
  assert.equal(before.waiting, 1);
  assert.deepEqual(lines, [], 'it has not failed');
});
