/** Caches in front of origins that speak HTTPS: nginx as the operator renders it, and nginx as the origin. */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { findNginx } from '../../operator/up/local-hls.ts';
import { type CertificateFiles, makeCertificate } from '../support/certificate.ts';
import { HlsOrigin } from '../support/hls-origin.ts';
import { ask } from '../support/hls-players.ts';
import { startNginxCache } from '../support/http-caches.ts';
import { temporaryDirectory } from '../support/programs.ts';

const options = {
  skip: findNginx() === undefined && 'not installed: nginx (make test installs what it needs)',
  timeout: 60_000,
};

const path = '/live/a.m3u8';
const playlist = '#EXTM3U\n';

interface TlsOrigin {
  readonly origin: HlsOrigin;
  readonly certificate: CertificateFiles;
}

/** With a playlist, and a certificate for `localhost` that it has signed itself. */
async function start(t: TestContext): Promise<TlsOrigin> {
  const directory = join(temporaryDirectory(t), 'certificate');
  mkdirSync(directory);
  const certificate = makeCertificate(directory, 'origin');
  const origin = await HlsOrigin.start(t, undefined, 'no-cache', certificate);
  origin.put(path, playlist);
  return { origin, certificate };
}

/** A cache before these origins, which asks for the playlist. */
async function askThrough(
  t: TestContext,
  origins: readonly TlsOrigin[],
  tls: { readonly serverName?: string; readonly insecureSkipVerify?: boolean; readonly caBundle?: string },
): Promise<{ readonly status: number; readonly body: string }> {
  const addresses = origins.map(({ origin }) => origin.http);
  const { url } = await startNginxCache(t, addresses, {}, { http: { tls } });
  const { status, body } = await ask(`${url}${path}`);
  return { status, body: body.toString() };
}

const authorityOf = ({ certificate }: TlsOrigin): string => readFileSync(certificate.certFile, 'utf8');

describe('origins of HLS that speak HTTPS', options, () => {
  test('are asked by the name that their certificate is for, when an authority of the group has signed it', async (t) => {
    const one = await start(t);
    const answer = await askThrough(t, [one], { serverName: 'localhost', caBundle: authorityOf(one) });
    assert.deepEqual(answer, { status: 200, body: playlist });
    const [request] = one.origin.requests;
    assert.deepEqual([request?.path, request?.tlsName], [path, 'localhost']);
  });

  test('are not asked for anything where the certificate is for another name', async (t) => {
    const one = await start(t);
    const { status } = await askThrough(t, [one], { serverName: 'origin.example.com', caBundle: authorityOf(one) });
    assert.equal(status, 502);
    assert.deepEqual(one.origin.requests, []);
  });

  test('nor where an authority has signed it that the group does not know', async (t) => {
    const one = await start(t);
    const { status } = await askThrough(t, [one], { serverName: 'localhost' });
    assert.equal(status, 502);
    assert.deepEqual(one.origin.requests, []);
  });

  test('whoever turns the check off gets an answer from whomever', async (t) => {
    const one = await start(t);
    const answer = await askThrough(t, [one], { serverName: 'origin.example.com', insecureSkipVerify: true });
    assert.deepEqual(answer, { status: 200, body: playlist });
  });

  test('one with a wrong certificate is passed over: the next one is asked', async (t) => {
    const [wrong, right] = [await start(t), await start(t)];
    const tls = { serverName: 'localhost', caBundle: authorityOf(right) };
    assert.deepEqual(await askThrough(t, [wrong, right], tls), { status: 200, body: playlist });
    assert.deepEqual(wrong.origin.requests, []);
    assert.equal(right.origin.requests.length, 1);
  });
});
