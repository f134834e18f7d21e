/** Connections that come through a load balancer: the edge knows the client, and believes nobody else. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { makeCertificate } from '../support/certificate.ts';
import type { EdgeProcess } from '../support/edge-process.ts';
import { startHaproxy } from '../support/haproxy.ts';
import { clip } from '../support/media.ts';
import { missing, temporaryDirectory } from '../support/programs.ts';
import { proxyHeaderV2 } from '../support/proxy-header.ts';
import { originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startEdge, stream, testOptions } from '../support/rtmp-scene.ts';

const listeners = `
  http_server { enabled on; listen 127.0.0.1:0; dir /nonexistent; }
  http_api { enabled on; listen 127.0.0.1:0; }
  exporter { enabled on; listen 127.0.0.1:0; }`;
const proxies = 'edge { proxy_protocol on; trusted_proxies 127.0.0.1; handshake_timeout 500; }';

async function start(t: TestContext, root = `${listeners} ${proxies}`, vhost = ''): Promise<EdgeProcess> {
  return await startEdge(t, originConfig({ root, vhost: `http_remux { enabled on; } ${vhost}` }));
}

async function clients(edge: EdgeProcess): Promise<{ ip: string; type: string }[]> {
  const response = await fetch(`http://127.0.0.1:${edge.port('http-api')}/api/v1/clients`);
  return ((await response.json()) as { clients: { ip: string; type: string }[] }).clients;
}

async function turnedAway(edge: EdgeProcess, reason: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${edge.port('exporter')}/metrics`)).text();
  return Number(new RegExp(`turned_away_total\\{reason="${reason}"\\} (\\d+)`).exec(text)?.[1]);
}

function open(t: TestContext, port: number, localAddress = '127.0.0.1'): Socket {
  const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => {});
  t.after(() => socket.destroy());
  return socket;
}

/** Resolves when the edge has closed it. */
async function refused(socket: Socket): Promise<void> {
  socket.resume();
  // Reset or not: `once` of node:events would throw.
  if (!socket.closed) await new Promise((resolve) => socket.on('close', resolve));
}

test('HAProxy passes RTMP, RTMPS, HTTP and HTTPS on: everywhere the client is the client', {
  ...testOptions,
  skip: missing('haproxy', 'openssl'),
}, async (t) => {
  const { keyFile, certFile } = makeCertificate(temporaryDirectory(t), 'edge.test');
  const tls = `enabled on; listen 127.0.0.1:0; key ${keyFile}; cert ${certFile};`;
  const root = `rtmps { ${tls} } ${listeners.replace('dir /nonexistent;', `dir /nonexistent; https { ${tls} }`)} ${proxies}`;
  const edge = await start(
    t,
    root,
    'security { enabled on; allow publish 127.0.0.2; allow play all; deny play 127.0.0.9; }',
  );
  const kinds = ['rtmp', 'rtmp', 'rtmps', 'http', 'https'] as const;
  const versions = [1, 2, 2, 1, 2] as const;
  const passed = kinds.map((kind, index) => ({ port: edge.port(kind), version: versions[index] ?? 1 }));
  const [rtmp1 = 0, rtmp2 = 0, rtmps = 0, http = 0, https = 0] = await startHaproxy(t, passed);
  const source = await RtmpPeer.publisher({ port: rtmp1, localAddress: '127.0.0.2' }, stream);
  source.send(...clip());
  const plain = await RtmpPeer.player({ port: rtmp2, localAddress: '127.0.0.3' }, stream);
  const secure = await RtmpPeer.player({ port: rtmps, tls: true, localAddress: '127.0.0.4' }, stream);
  await plain.frames(13);
  await secure.frames(13);
  assert.deepEqual((await clients(edge)).map(({ ip }) => ip).toSorted(), ['127.0.0.2', '127.0.0.3', '127.0.0.4']);
  const path = `/live/${stream}.flv`;
  const answer = async (port: number, localAddress: string, headers = ''): Promise<string> => {
    const socket = open(t, port, localAddress);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    return bytes.toString('latin1', 0, 12);
  };
  assert.equal(await answer(http, '127.0.0.5'), 'HTTP/1.1 200');
  assert.equal(await answer(http, '127.0.0.9'), 'HTTP/1.1 403');
  // The client itself is no trusted proxy, though its connection came through one.
  assert.equal(await answer(http, '127.0.0.9', 'X-Forwarded-For: 127.0.0.5\r\n'), 'HTTP/1.1 403');
  const status = await new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: https, path, localAddress: '127.0.0.9', rejectUnauthorized: false };
    httpsRequest(options, (response) => resolve(response.statusCode))
      .on('error', reject)
      .end();
  });
  assert.equal(status, 403);
  for (const peer of [source, plain, secure]) peer.end();
});

test('nobody else may say whose connection it is, and nobody comes in without saying so', testOptions, async (t) => {
  const edge = await start(t);
  const port = edge.port();
  // Not from a trusted proxy: a spoofed header, and none.
  const spoofed = open(t, port, '127.0.0.7');
  spoofed.write(proxyHeaderV2({ source: '10.0.0.1' }));
  await refused(spoofed);
  await assert.rejects(RtmpPeer.connect({ port, localAddress: '127.0.0.7' }));
  // From a trusted one: no header, a wrong one, one that never ends.
  await assert.rejects(RtmpPeer.connect({ port }));
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', 'PROXY TCP4 evil 127.0.0.1 1 2\r\n', `PROXY ${'x'.repeat(200)}`]) {
    const socket = open(t, port);
    socket.write(bytes);
    await refused(socket);
  }
  assert.equal(await turnedAway(edge, 'proxy_protocol'), 6);
  const silent = open(t, port);
  const slow = open(t, edge.port('http'));
  slow.write('PROXY TCP4 192.0.2.1 ');
  await Promise.all([refused(silent), refused(slow)]);
  assert.equal(await turnedAway(edge, 'timeout'), 2);
  const halfClosed = open(t, edge.port('http'));
  halfClosed.end('PROXY');
  await refused(halfClosed);
  assert.deepEqual(await clients(edge), []);
});

test('a header in pieces, and with the first request behind it in one', testOptions, async (t) => {
  const edge = await start(t);
  const header = proxyHeaderV2({ source: '2001:db8::7', tlvs: Buffer.alloc(64, 1) });
  const request = Buffer.from('GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const pieces = open(t, edge.port('http')).setNoDelay(true);
  for (const byte of Buffer.concat([header, request])) {
    pieces.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.match(String((await once(pieces, 'data'))[0]), /^HTTP\/1.1 200/);
  const whole = open(t, edge.port('http'));
  whole.write(Buffer.concat([header, request]));
  assert.match(String((await once(whole, 'data'))[0]), /^HTTP\/1.1 200/);
  // The proxy's own connection.
  const probe = open(t, edge.port('http'));
  probe.write(Buffer.concat([proxyHeaderV2({ source: '10.0.0.1', command: 0 }), request]));
  assert.match(String((await once(probe, 'data'))[0]), /^HTTP\/1.1 200/);
});

test('who is gone before the edge takes the connection is not turned away', testOptions, async (t) => {
  const edge = await start(t);
  edge.signal('SIGSTOP');
  for (const protocol of ['rtmp', 'http']) {
    const check = open(t, edge.port(protocol));
    await once(check, 'connect');
    check.resetAndDestroy();
    await once(check, 'close');
  }
  edge.signal('SIGCONT');
  assert.equal(await turnedAway(edge, 'proxy_protocol'), 0);
  const probe = open(t, edge.port('http'));
  probe.write(Buffer.concat([proxyHeaderV2({ source: '10.0.0.1' }), Buffer.from('GET /healthz HTTP/1.0\r\n\r\n')]));
  assert.match(String((await once(probe, 'data'))[0]), /^HTTP\/1.1 200/);
  assert.equal(await turnedAway(edge, 'proxy_protocol'), 0);
  assert.deepEqual(
    edge.log.filter(({ msg }) => /PROXY|turned away/.test(msg)),
    [],
  );
});
