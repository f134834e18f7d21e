/** A name with addresses of both families (RFC 8305): one that is not reached does not hold up the other. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type LookupFunction } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { SharedLookUp } from '../../edge/net/host-lookup.ts';
import { UpstreamError } from '../../edge/upstream/connection/errors.ts';
import { openSocket } from '../../edge/upstream/connection/socket.ts';
import { makeCertificate } from '../support/certificate.ts';
import { deafAddress } from '../support/deaf-address.ts';
import { missing, temporaryDirectory } from '../support/programs.ts';
import { deadOrigin } from '../support/rtmp-scene.ts';

/** A failed test must not wait for TCP to give up. */
const testOptions = { timeout: 30_000 };
const name = 'origin.test';
/** Other than where all tests connect from: a port that is free at one address of these is free at the other. */
const [v4, otherV4] = ['127.0.9.1', '127.0.9.2'] as const;
/** Long enough that who waits for it has failed. */
const options = { connectTimeoutMs: 60_000, keepaliveMs: 0, tlsVerify: false, tlsCaFile: '', tlsName: '' };

/** As an edge looks names up, with these answers. */
function lookUp(...addresses: readonly string[]): LookupFunction {
  const answer = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  return new SharedLookUp((_, __, done) => done(null, answer)).lookup;
}

/** The address at which it is connected. */
async function connected(t: TestContext, port: number, lookup: LookupFunction, scheme: 'rtmp' | 'rtmps' = 'rtmp') {
  const socket = await openSocket({ scheme, host: name, port }, options, new AbortController().signal, { lookup });
  t.after(() => socket.destroy());
  return socket.remoteAddress;
}

/** Takes connections at this address and port. */
async function wellAt(t: TestContext, host: string, port: number): Promise<void> {
  const server = createServer((socket) => socket.on('error', () => {})).listen(port, host);
  await once(server, 'listening');
  t.after(() => server.close());
}

describe('a name with addresses of both families', () => {
  for (const [deaf, well] of [
    ['::1', v4],
    [v4, '::1'],
  ] as const) {
    test(`nothing comes back from ${deaf}: ${well} is connected`, testOptions, async (t) => {
      const port = await deafAddress(t, deaf);
      await wellAt(t, well, port);
      assert.equal(await connected(t, port, lookUp(deaf, well)), well);
      assert.equal(await connected(t, port, lookUp(well, deaf)), well);
    });
  }

  test('all addresses of one family are deaf: the other is connected', testOptions, async (t) => {
    const port = await deafAddress(t, v4);
    await deafAddress(t, otherV4, port);
    await wellAt(t, '::1', port);
    assert.equal(await connected(t, port, lookUp(v4, otherV4, '::1')), '::1');
  });

  test('one refuses: the other is connected', testOptions, async (t) => {
    const { port } = await deadOrigin(t);
    await wellAt(t, v4, port);
    assert.equal(await connected(t, port, lookUp('::1', v4)), v4);
  });

  test('both refuse: the error tells of both', testOptions, async (t) => {
    const { port } = await deadOrigin(t);
    await assert.rejects(connected(t, port, lookUp('::1', '127.0.0.1')), (error: unknown) => {
      assert.ok(error instanceof UpstreamError);
      assert.equal(error.failure, 'unreachable');
      assert.match(error.reason, /refused at ::1 port \d+.*; .*refused at 127\.0\.0\.1 port/);
      return true;
    });
  });

  test('by TLS, too', { ...testOptions, skip: missing('openssl') }, async (t) => {
    const { keyFile, certFile } = makeCertificate(temporaryDirectory(t), name);
    const port = await deafAddress(t, '::1');
    const server = createTlsServer({ key: readFileSync(keyFile), cert: readFileSync(certFile) }, (socket) =>
      socket.on('error', () => {}),
    );
    server.listen(port, v4);
    await once(server, 'listening');
    t.after(() => server.close());
    assert.equal(await connected(t, port, lookUp('::1', v4), 'rtmps'), v4);
  });
});
