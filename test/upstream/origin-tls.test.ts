/** What TLS connections to origins share: authorities, which may change, and sessions that are resumed. */

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rootCertificates, type TLSSocket } from 'node:tls';
import { OriginTls } from '../../edge/upstream/connection/origin-tls.ts';
import { temporaryDirectory } from '../support/programs.ts';

/** A connection that is given this session. */
function gives(tls: OriginTls, origin: string, session: string, caFile = '', verify = true): void {
  const socket = new EventEmitter();
  tls.watch(socket as TLSSocket, origin, caFile, verify);
  socket.emit('session', Buffer.from(session));
}

function sessionOf(tls: OriginTls, origin: string, caFile = '', verify = true): string | undefined {
  return tls.options(origin, caFile, verify).session?.toString();
}

test('the newest session of an origin is resumed, by the same authorities only', (t) => {
  const caFile = join(temporaryDirectory(t), 'ca.pem');
  writeFileSync(caFile, rootCertificates[0] ?? '');
  const tls = new OriginTls();
  assert.equal(sessionOf(tls, 'a'), undefined);
  gives(tls, 'a', 'one');
  gives(tls, 'a', 'two');
  gives(tls, 'b', 'other');
  assert.deepEqual([sessionOf(tls, 'a'), sessionOf(tls, 'b')], ['two', 'other']);
  assert.deepEqual([sessionOf(tls, 'a', '', false), sessionOf(tls, 'a', caFile)], [undefined, undefined]);
});

test('of so many origins, those that were connected longest ago are forgotten', () => {
  const tls = new OriginTls();
  for (let index = 0; index < 1_000; index++) gives(tls, `${index}`, 'one');
  gives(tls, '0', 'again');
  assert.equal(sessionOf(tls, '1'), 'one');
  gives(tls, '1000', 'one');
  assert.deepEqual(
    ['0', '1', '2', '1000'].map((origin) => sessionOf(tls, origin)),
    ['again', undefined, 'one', 'one'],
  );
});

test('a file of authorities is read once, and again when it has changed: then nothing is resumed', (t) => {
  const directory = temporaryDirectory(t);
  const [caFile, other] = [join(directory, 'ca.pem'), join(directory, 'other.pem')];
  writeFileSync(caFile, rootCertificates[0] ?? '');
  writeFileSync(other, `${rootCertificates[1] ?? ''}\n\n`);
  const tls = new OriginTls();
  const before = tls.options('a', caFile, true).secureContext;
  gives(tls, 'a', 'one', caFile);
  assert.equal(tls.options('a', caFile, true).secureContext, before);
  assert.equal(sessionOf(tls, 'a', caFile), 'one');
  copyFileSync(other, caFile);
  assert.notEqual(tls.options('a', caFile, true).secureContext, before);
  assert.equal(sessionOf(tls, 'a', caFile), undefined);
  assert.throws(() => tls.options('a', join(directory, 'missing.pem'), true), /ENOENT/);
});
