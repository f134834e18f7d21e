/** Whose request it is: what proxies say counts where they are trusted, and nothing else does. */

import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { isIn } from '../../edge/access/addresses.ts';
import type { Network } from '../../edge/conf/model.ts';
import { clientAddress, isLoopbackClient } from '../../edge/server/http/client-address.ts';
import { clip } from '../support/media.ts';
import { getRequest, RawClient, startEdge } from './harness.ts';

function network(text: string): Network {
  const [address = '', prefix] = text.split('/');
  return { address, prefix: Number(prefix ?? (address.includes(':') ? 128 : 32)) };
}

const trusted = ['10.0.0.0/8', 'fd00::/8', '127.0.0.1', '::1'].map(network);

function request(remoteAddress: string | undefined, headers: Record<string, string> = {}): IncomingMessage {
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

const of = (peer: string, headers: Record<string, string> = {}): string =>
  clientAddress(request(peer, headers), trusted);

describe('the address of a client', () => {
  it('is that of the TCP peer where nothing else is to be believed', () => {
    const lie = { 'x-forwarded-for': '192.0.2.1', 'x-real-ip': '192.0.2.1', forwarded: 'for=192.0.2.1' };
    assert.equal(of('198.51.100.7', lie), '198.51.100.7');
    assert.equal(of('::ffff:198.51.100.7', lie), '198.51.100.7');
    assert.equal(of('2001:db8::7', lie), '2001:db8::7');
    assert.equal(clientAddress(request('10.0.0.1', lie), []), '10.0.0.1');
    assert.equal(clientAddress(request(undefined, lie), trusted), '');
    assert.equal(of('10.0.0.1'), '10.0.0.1');
  });

  it('is the last one of X-Forwarded-For that is no trusted proxy', () => {
    for (const [list, address] of [
      ['192.0.2.1', '192.0.2.1'],
      ['6.6.6.6, 192.0.2.1', '192.0.2.1'],
      ['6.6.6.6, 192.0.2.1, 10.1.2.3', '192.0.2.1'],
      ['192.0.2.1,10.1.2.3 ,fd00::2', '192.0.2.1'],
      ['10.1.2.3, 10.1.2.4', '10.1.2.3'],
      ['192.0.2.1:4711', '192.0.2.1'],
      ['[2001:db8::1]:4711', '2001:db8::1'],
      ['2001:db8::1', '2001:db8::1'],
      ['::ffff:192.0.2.1', '192.0.2.1'],
      ['6.6.6.6, ::ffff:10.1.1.1', '6.6.6.6'],
    ] as const) {
      assert.equal(of('::ffff:10.0.0.1', { 'x-forwarded-for': list }), address, list);
      assert.equal(of('fd00::1', { 'x-forwarded-for': list }), address, list);
    }
  });

  it('is that of the proxy which says something that is no address', () => {
    for (const list of ['', ' ', ',', 'unknown', '192.0.2.1, unknown', '192.0.2.1, 300.1.1.1', 'fe80::1%eth0', '_x']) {
      assert.equal(of('10.0.0.1', { 'x-forwarded-for': list }), '10.0.0.1', list);
    }
    assert.equal(of('10.0.0.1', { 'x-forwarded-for': '192.0.2.1, nonsense, 10.9.9.9' }), '10.9.9.9');
  });

  it('may stand in Forwarded or X-Real-IP', () => {
    assert.equal(of('10.0.0.1', { 'x-real-ip': '192.0.2.1' }), '192.0.2.1');
    assert.equal(of('10.0.0.1', { forwarded: 'for=6.6.6.6;proto=http, by=x;For="[2001:db8::1]:47"' }), '2001:db8::1');
    assert.equal(of('10.0.0.1', { forwarded: 'for=192.0.2.1, for=10.2.2.2;host=a' }), '192.0.2.1');
    assert.equal(of('10.0.0.1', { forwarded: 'host=a' }), '10.0.0.1');
    assert.equal(of('10.0.0.1', { 'x-forwarded-for': '192.0.2.1', 'x-real-ip': '6.6.6.6' }), '192.0.2.1');
  });
});

describe('ranges of addresses', () => {
  it('hold IPv4 and IPv6 addresses', () => {
    assert.equal(isIn(trusted, '10.255.0.1'), true);
    assert.equal(isIn(trusted, '11.0.0.1'), false);
    assert.equal(isIn(trusted, 'fdff::1'), true);
    assert.equal(isIn(trusted, ''), false);
    assert.equal(isIn([network('0.0.0.0/0')], '8.8.8.8'), true);
  });
});

describe('loopback', () => {
  it('is a peer of 127.0.0.0/8 or ::1 that speaks for itself', () => {
    for (const peer of ['127.0.0.1', '127.9.9.9', '::ffff:127.0.0.1', '::1']) {
      assert.equal(isLoopbackClient(request(peer)), true, peer);
      assert.equal(isLoopbackClient(request(peer, { 'x-forwarded-host': 'a' })), false, peer);
    }
    for (const peer of ['192.0.2.1', '::ffff:192.0.2.1', '2001:db8::1', '::2', undefined]) {
      assert.equal(isLoopbackClient(request(peer)), false, peer);
    }
  });
});

describe('X-Forwarded-For of a player', () => {
  for (const proxies of [[], [network('127.0.0.0/8')]]) {
    it(
      proxies.length === 0 ? 'is not believed' : 'is believed where it comes from a trusted proxy',
      async (context) => {
        const edge = await startEdge(context, { edge: { trustedProxies: proxies } });
        const publisher = await edge.publisher();
        publisher.push(...clip());
        const headers = { 'X-Forwarded-For': '6.6.6.6, 192.0.2.1' };
        const player = new RawClient(edge.port(), getRequest('/live/one.flv', headers));
        await player.takeHead();
        const [client] = [...edge.clients.values()];
        const ip = proxies.length === 0 ? '127.0.0.1' : '192.0.2.1';
        assert.deepEqual([client?.ip, client?.request?.ip], [ip, ip]);
      },
    );
  }
});
