/** Where the first message of a TLS handshake ends, in real ones and in odd ones. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { hasWholeHello } from '../../edge/access/client-hello.ts';
import { clientHello } from '../support/client-hello.ts';

/** The same message in records of at most so many bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const fragment = message.subarray(at, at + size);
    const header = Buffer.from([22, 3, 1, 0, 0]);
    header.writeUInt16BE(fragment.length, 3);
    records.push(header, fragment);
  }
  return Buffer.concat(records);
}

describe('a ClientHello', () => {
  test('is whole with its last byte, in one record or in many', async () => {
    const hello = await clientHello('live.test');
    for (const size of [1, 2, 3, 5, 100, 16_384]) {
      const bytes = inRecords(hello, size);
      assert.ok(hasWholeHello(bytes), `records of ${size}`);
      for (let length = 0; length < bytes.length; length++) {
        assert.equal(hasWholeHello(bytes.subarray(0, length)), false, `${length} bytes in records of ${size}`);
      }
    }
  });

  test('with more in its record is not there before that', async () => {
    const hello = await clientHello('live.test');
    const more = Buffer.concat([hello, Buffer.alloc(10)]);
    more.writeUInt16BE(more.length - 5, 3);
    assert.equal(hasWholeHello(more.subarray(0, hello.length)), false);
    assert.ok(hasWholeHello(more));
  });

  test('is not waited for where there is no TLS, or a record without anything in it', () => {
    assert.ok(hasWholeHello(Buffer.from('GET / HTTP/1.1')));
    assert.ok(hasWholeHello(Buffer.from([3])));
    assert.ok(hasWholeHello(Buffer.from([22, 3, 1, 0, 0])));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof hasWholeHello(Buffer.from(bytes)) === 'boolean'),
    );
  });
});
