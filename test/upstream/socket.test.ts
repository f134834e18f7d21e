/** The connection to an origin: by which name TLS asks for it, which certificate is believed, and how long it may take. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import type { OriginAddress } from '../../edge/conf/model.ts';
import { openSocket, type SocketOptions } from '../../edge/upstream/connection/socket.ts';
import { makeCertificate } from '../support/certificate.ts';
import { deafAddress } from '../support/deaf-address.ts';
import { missing, temporaryDirectory } from '../support/programs.ts';
import { fails } from '../support/upstream-failure.ts';

const testOptions = { timeout: 30_000 };
const options = { connectTimeoutMs: 60_000, keepaliveMs: 0, tlsVerify: false, tlsCaFile: '', tlsName: '' };
const never = new AbortController().signal;

async function open(t: TestContext, address: OriginAddress, changed: Partial<SocketOptions> = {}, signal = never) {
  const socket = await openSocket(address, { ...options, ...changed }, signal);
  t.after(() => socket.destroy());
  return socket;
}

describe('TLS', { skip: missing('openssl') }, () => {
  /** A server whose certificate is for `localhost` and 127.0.0.1. */
  async function listen(t: TestContext) {
    const { keyFile, certFile } = makeCertificate(temporaryDirectory(t), 'origin.test');
    const server = createServer({ key: readFileSync(keyFile), cert: readFileSync(certFile) }, (socket) =>
      socket.on('error', () => {}),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    return { server, port: (server.address() as AddressInfo).port, certFile };
  }

  test('asks by the host’s name, by that under which its address was found, or by the configured one', async (t) => {
    const { server, port } = await listen(t);
    const asked = async (address: Pick<OriginAddress, 'host' | 'tlsName'>, changed: Partial<SocketOptions> = {}) => {
      const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
      await open(t, { scheme: 'rtmps', port, ...address }, changed);
      return (await accepted)[0].servername;
    };
    assert.equal(await asked({ host: 'localhost' }), 'localhost');
    const found = { host: '127.0.0.1', tlsName: 'found.test' };
    assert.equal(await asked(found), 'found.test');
    assert.equal(await asked(found, { tlsName: 'configured.test' }), 'configured.test');
    assert.equal(await asked({ host: '127.0.0.1' }), false, 'an address is no name');
  });

  test('believes a certificate for that name by an authority that is configured, and no other', async (t) => {
    const { port, certFile } = await listen(t);
    const verified = { tlsVerify: true, tlsCaFile: certFile };
    await open(t, { scheme: 'rtmps', host: '127.0.0.1', port }, verified);
    await open(t, { scheme: 'rtmps', host: '127.0.0.1', port, tlsName: 'localhost' }, verified);
    const other = { scheme: 'rtmps', host: '127.0.0.1', port, tlsName: 'other.test' } as const;
    await fails(open(t, other, verified), 'unreachable', /other\.test/);
    await fails(open(t, { ...other, tlsName: 'localhost' }, { tlsVerify: true }), 'unreachable', /self-signed/);
    await open(t, other);
  });
});

test('who does not answer within connect_timeout is not reached', testOptions, async (t) => {
  const port = await deafAddress(t, '127.0.0.1');
  const opening = open(t, { scheme: 'rtmp', host: '127.0.0.1', port }, { connectTimeoutMs: 100 });
  await fails(opening, 'unreachable', /within connect_timeout 100 ms/);
});

test('who wants it no more is not kept waiting', testOptions, async (t) => {
  const port = await deafAddress(t, '127.0.0.1');
  const end = new AbortController();
  const opening = open(t, { scheme: 'rtmp', host: '127.0.0.1', port }, {}, end.signal);
  end.abort();
  await fails(opening, 'cancelled', /cancelled/);
  await fails(open(t, { scheme: 'rtmp', host: '127.0.0.1', port }, {}, end.signal), 'cancelled', /cancelled/);
});
