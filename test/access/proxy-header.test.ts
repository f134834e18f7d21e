/** The header of the PROXY protocol, byte by byte. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseProxyHeader, proxyHeaderMaxBytes } from '../../edge/access/proxy-header.ts';
import { proxyHeaderV2 } from '../support/proxy-header.ts';

function whole(bytes: Buffer | string): string | undefined {
  const header = parseProxyHeader(Buffer.from(bytes));
  assert.equal(header.kind, 'whole', JSON.stringify(header));
  return header.kind === 'whole' ? header.address : undefined;
}

function kind(bytes: Buffer | string): string {
  return parseProxyHeader(Buffer.from(bytes)).kind;
}

describe('PROXY protocol', () => {
  it('version 1', () => {
    assert.equal(whole('PROXY TCP4 192.0.2.1 198.51.100.1 56324 1935\r\n\x03rest'), '192.0.2.1');
    assert.equal(whole('PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n'), '2001:db8::1');
    assert.equal(whole('PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n'), '192.0.2.1');
    assert.equal(whole('PROXY UNKNOWN\r\n'), undefined);
    assert.equal(whole('PROXY UNKNOWN ffff:f:f:f:f:f:f:f ffff:f:f:f:f:f:f:f 65535 65535\r\n'), undefined);
  });

  it('version 1 that is wrong', () => {
    for (const line of [
      'TCP4 192.0.2.1 198.51.100.1 1',
      'TCP4 192.0.2.1 198.51.100.1 1 2 3',
      'TCP4 2001:db8::1 2001:db8::2 1 2',
      'TCP6 192.0.2.1 198.51.100.1 1 2',
      'TCP4 192.0.2.256 198.51.100.1 1 2',
      'TCP4 192.0.2.1 198.51.100.1 1 65536',
      'TCP4 192.0.2.1 198.51.100.1 01 2',
      'TCP4  192.0.2.1 198.51.100.1 1 2',
      'TCP6 fe80::1%eth0 ::1 1 2',
      'UDP4 192.0.2.1 198.51.100.1 1 2',
    ]) {
      assert.equal(kind(`PROXY ${line}\r\n`), 'bad', line);
    }
    assert.equal(kind('PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n'.padEnd(107, 'x')), 'bad');
    assert.equal(kind('proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n'), 'bad');
  });

  it('version 2, with TLVs behind the addresses', () => {
    assert.equal(whole(proxyHeaderV2({ source: '192.0.2.1' })), '192.0.2.1');
    assert.equal(whole(proxyHeaderV2({ source: '2001:db8:0:0::1' })), '2001:db8::1');
    assert.equal(whole(proxyHeaderV2({ source: '192.0.2.1', tlvs: Buffer.alloc(300, 4) })), '192.0.2.1');
    assert.equal(whole(proxyHeaderV2({ source: '192.0.2.1', command: 0 })), undefined);
    // The family is not told; UDP; sockets of Unix.
    for (const family of [0, 0x12, 0x22, 0x31, 0x32]) {
      assert.equal(whole(proxyHeaderV2({ source: '192.0.2.1', family })), undefined);
    }
    const header = parseProxyHeader(Buffer.concat([proxyHeaderV2({ source: '192.0.2.1' }), Buffer.from('rest')]));
    assert.deepEqual(header, { kind: 'whole', size: 28, address: '192.0.2.1' });
  });

  it('version 2 that is wrong', () => {
    assert.equal(kind(proxyHeaderV2({ source: '192.0.2.1', command: 2 })), 'bad');
    assert.equal(kind(proxyHeaderV2({ source: '192.0.2.1', version: 1 })), 'bad');
    for (const family of [0x10, 0x33, 0x91]) assert.equal(kind(proxyHeaderV2({ source: '192.0.2.1', family })), 'bad');
    assert.equal(kind(proxyHeaderV2({ source: '192.0.2.1', family: 0x21 })), 'bad');
    assert.equal(kind(proxyHeaderV2({ source: '192.0.2.1', tlvs: Buffer.alloc(proxyHeaderMaxBytes) })), 'bad');
  });

  it('in pieces it is partial until the last byte, and other protocols are known at their first', () => {
    for (const header of [
      Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 56324 1935\r\n'),
      proxyHeaderV2({ source: '2001:db8::1', tlvs: Buffer.alloc(20) }),
    ]) {
      for (let size = 0; size < header.length; size++) assert.equal(kind(header.subarray(0, size)), 'partial');
      assert.equal(kind(header), 'whole');
    }
    for (const other of ['\x03', 'GET / HTTP/1.1', '\x16\x03\x01', 'PROXX', '\r\n\r\n\x00\r\nQUIX']) {
      assert.equal(kind(other), 'bad', other);
    }
  });
});
