/** What is told of an origin that fails. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { isExhausted, refusalOf, toUpstreamError, UpstreamError } from '../../edge/upstream/connection/errors.ts';
import { openSocket } from '../../edge/upstream/connection/socket.ts';
import { deadOrigin } from '../support/rtmp-scene.ts';

const options = { connectTimeoutMs: 5_000, keepaliveMs: 0, tlsVerify: true, tlsCaFile: '', tlsName: '' };

async function failureAt(host: string, port: number): Promise<UpstreamError> {
  const { signal } = new AbortController();
  try {
    (await openSocket({ scheme: 'rtmp', host, port }, options, signal)).destroy();
  } catch (error) {
    assert.ok(error instanceof UpstreamError);
    return error;
  }
  throw new Error('somebody listens there');
}

test('a refused connection is told in words, the address once', async (t) => {
  const { port } = await deadOrigin(t);
  const error = await failureAt('127.0.0.1', port);
  assert.equal(error.reason, 'connection refused (ECONNREFUSED)');
  assert.equal(error.message, `origin 127.0.0.1:${port}: connection refused (ECONNREFUSED)`);
});

test('behind a name, it is told which address refused', async (t) => {
  const { port } = await deadOrigin(t);
  assert.match(
    (await failureAt('localhost', port)).reason,
    /connection refused at 127\.0\.0\.1 port \d+ \(ECONNREFUSED\)/,
  );
});

test('a redirection is told and logged without its parameters: they may be a secret', () => {
  const location = 'rtmp://other.test/live/a?kid=a&sig=secret#sig=secret';
  const info = { level: 'error', code: 'NetConnection.Connect.Rejected', ex: { code: 302, redirect: location } };
  const error = refusalOf(info, 'o.test:1935');
  assert.equal(error.location, location);
  assert.equal(error.reason, 'redirects to rtmp://other.test/live/a');
  let logged = '';
  pino({}, { write: (line: string) => (logged += line) }).warn({ err: error }, 'pull failed');
  assert.match(logged, /redirects to rtmp/);
  assert.doesNotMatch(logged, /secret/);
});

test('a refusal is told in the origin’s words, with its code', () => {
  const refused = (info: object) => {
    const { failure, reason, code, location } = refusalOf(info as never, 'o:1935');
    return { failure, reason, code, location };
  };
  const code = 'NetStream.Publish.BadName';
  const rejected = { failure: 'rejected', code, location: undefined };
  assert.deepEqual(refused({ code, description: 'taken' }), { ...rejected, reason: 'taken' });
  assert.deepEqual(refused({ code }), { ...rejected, reason: code });
  const usual = 'NetConnection.Connect.Rejected';
  assert.deepEqual(refused({}), { ...rejected, code: usual, reason: usual });
});

test('what else was thrown is told, too', () => {
  const told = (error: unknown): string => toUpstreamError(error, 'broken', 'o:1935').message;
  assert.equal(told(new Error('cut')), 'origin o:1935: cut');
  assert.equal(told(new TypeError()), 'origin o:1935: TypeError');
  assert.equal(told('a text'), 'origin o:1935: a text');
  const nowhere = Object.assign(new Error('x'), { code: 'ENOTFOUND' });
  assert.equal(
    told(new AggregateError([nowhere, new Error('y')])),
    'origin o:1935: host name not found (ENOTFOUND); y',
  );
  const own = new UpstreamError('exhausted', 'no descriptors', { origin: 'o:1935' });
  assert.equal(toUpstreamError(own, 'broken', 'other:1'), own);
  assert.deepEqual(
    [isExhausted(own), isExhausted(toUpstreamError('x', 'broken', 'o')), isExhausted('x')],
    [true, false, false],
  );
});
