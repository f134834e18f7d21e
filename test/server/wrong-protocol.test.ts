/** Clients that speak another protocol than the port, or cannot do TLS with the edge: its log says who, and why. */

import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { tlsFault } from '../../edge/server/tls-fault.ts';
import { makeCertificate } from '../support/certificate.ts';
import type { EdgeProcess, LogLine } from '../support/edge-process.ts';
import { missing, Program, temporaryDirectory } from '../support/programs.ts';
import { proxyHeaderV2 } from '../support/proxy-header.ts';
import { originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startEdge, testOptions } from '../support/rtmp-scene.ts';

async function start(t: TestContext, root = ''): Promise<EdgeProcess> {
  const { keyFile, certFile } = makeCertificate(temporaryDirectory(t), 'edge.test');
  const tls = `enabled on; listen 127.0.0.1:0; key ${keyFile}; cert ${certFile};`;
  const http = `http_server { enabled on; listen 127.0.0.1:0; https { ${tls} } }`;
  const exporter = 'exporter { enabled on; listen 127.0.0.1:0; }';
  return await startEdge(t, originConfig({ root: `rtmps { ${tls} } ${http} ${exporter} ${root}` }));
}

/** Sends these bytes; resolves when the edge has closed the connection. */
async function closed(port: number, bytes: Buffer | string): Promise<void> {
  const socket = connectTcp(port, '127.0.0.1').on('error', () => {});
  socket.resume().write(bytes);
  await new Promise((resolve) => socket.on('close', resolve));
}

async function failures(edge: EdgeProcess): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${edge.port('exporter')}/metrics`)).text();
  return Number(/^edge_tls_handshakes_failed_total (\d+)$/m.exec(text)?.[1]);
}

const isNoHttp = ({ msg }: LogLine): boolean => msg === 'client sent what is no HTTP';
const isFailure = ({ msg }: LogLine): boolean => msg === 'TLS handshake failed';

for (const protocol of ['rtmps', 'https']) {
  test(`who begins without TLS is told of in the log (${protocol})`, {
    ...testOptions,
    skip: missing('openssl'),
  }, async (t) => {
    const edge = await start(t);
    const port = edge.port(protocol);
    await assert.rejects(RtmpPeer.open({ port }));
    const rtmp = await edge.logged(isFailure);
    assert.deepEqual([rtmp.ip, rtmp.protocol], ['127.0.0.1', protocol]);
    assert.match(String(rtmp.reason), /no TLS/);
    const since = edge.log.length;
    await closed(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.match(String((await edge.logged(isFailure, since)).reason), /HTTP without TLS/);
    // Probes come and go, and are no failures.
    const probe = connectTcp(port, '127.0.0.1');
    probe.on('connect', () => probe.end());
    await new Promise((resolve) => probe.resume().on('close', resolve));
    assert.equal(await failures(edge), 2);
    assert.equal(edge.log.filter(isFailure).length, 2);
  });
}

test('who does not take the certificate, or has an old TLS, is told of', {
  ...testOptions,
  skip: missing('openssl'),
}, async (t) => {
  const edge = await start(t);
  const port = edge.port('rtmps');
  const strict = new Program(t, 'openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-verify_return_error']);
  assert.notEqual(await strict.exit(), 0);
  assert.match(String((await edge.logged(isFailure)).reason), /does not take our certificate/);
  const since = edge.log.length;
  const old = connectTls({
    ...{ port, host: '127.0.0.1', rejectUnauthorized: false },
    ...{ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
  });
  await new Promise((resolve) => old.on('error', resolve));
  assert.match(String((await edge.logged(isFailure, since)).reason), /too old/);
});

test('behind a proxy the client is named, not the proxy', { ...testOptions, skip: missing('openssl') }, async (t) => {
  const edge = await start(t, 'edge { proxy_protocol on; trusted_proxies 127.0.0.1; }');
  const header = proxyHeaderV2({ source: '192.0.2.7' });
  await closed(edge.port('rtmps'), Buffer.concat([header, Buffer.alloc(1537, 3)]));
  assert.equal((await edge.logged(isFailure)).ip, '192.0.2.7');
});

test('a PROXY header that the edge does not ask for is called by its name', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig({ root: 'http_server { enabled on; listen 127.0.0.1:0; }' }));
  for (const header of [proxyHeaderV2({ source: '192.0.2.7' }), 'PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\n']) {
    const since = edge.log.length;
    await closed(edge.port(), header);
    const { err } = await edge.logged(({ msg }) => msg === 'client sent what is no RTMP', since);
    assert.match((err as Error).message, /PROXY header/);
    await closed(edge.port('http'), Buffer.concat([Buffer.from(header), Buffer.from('GET / HTTP/1.1\r\n\r\n')]));
    assert.match(String((await edge.logged(isNoHttp, since)).reason), /PROXY header/);
  }
});

test('TLS, RTMP and what else is no HTTP on a port for HTTP is told of', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig({ root: 'http_server { enabled on; listen 127.0.0.1:0; }' }));
  const port = edge.port('http');
  const told = async (send: () => Promise<void>): Promise<string> => {
    const since = edge.log.length;
    await send();
    const { ip, reason } = await edge.logged(isNoHttp, since);
    assert.equal(ip, '127.0.0.1');
    return String(reason);
  };
  const secure = (): Promise<void> => assert.rejects(RtmpPeer.open({ port, tls: true }));
  assert.match(await told(secure), /TLS/);
  assert.match(await told(() => closed(port, Buffer.concat([Buffer.from([3]), Buffer.alloc(1536)]))), /RTMP/);
  assert.match(await told(() => closed(port, 'GET /a b HTTP/1.1\r\n\r\n')), /./);
  // A client that leaves in the middle of its request has made no mistake.
  const gone = connectTcp(port, '127.0.0.1');
  gone.on('connect', () => gone.end('GET / HTTP/1.1\r\nHo'));
  await new Promise((resolve) => gone.resume().on('close', resolve));
  assert.equal(edge.log.filter(isNoHttp).length, 3);
});

test('words for other errors are those of TLS', () => {
  const error = (code: string, reason: string): Error => Object.assign(new Error(code), { code, reason });
  assert.equal(tlsFault(error('ERR_SSL_NO_SHARED_CIPHER', 'no shared cipher')), 'no shared cipher');
  assert.equal(tlsFault(error('ECONNRESET', '')), undefined);
});
