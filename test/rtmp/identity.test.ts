/** Who a server says it is, as far as a log line has room for it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityOf } from '../../edge/rtmp/identity.ts';

test('what SRS says of itself is taken, with bounds', () => {
  const info = { srs_server_ip: '10.0.0.1', srs_pid: 7, srs_id: 'x'.repeat(10_000), srs_version: { a: 1 } };
  assert.deepEqual(identityOf(info), { ip: '10.0.0.1', pid: 7, id: 'x'.repeat(64), version: undefined });
});

test('who says no process id is no SRS', () => {
  for (const info of [null, undefined, 5, 'srs_pid', {}, { srs_id: 'x' }]) assert.equal(identityOf(info), undefined);
});
