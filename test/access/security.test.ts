/** Addresses, pages and limits: who is let in, case by case. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isIn } from '../../edge/access/addresses.ts';
import { Census } from '../../edge/access/census.ts';
import { PublisherRate } from '../../edge/access/publisher-rate.ts';
import { referFault } from '../../edge/access/refer.ts';
import { addressFault } from '../../edge/access/security.ts';
import type { AccessConfig } from '../../edge/conf/access-model.ts';
import { ACCESS } from '../../edge/conf/defaults.ts';
import { parseConfig } from '../../edge/conf/load.ts';
import type { StreamRequest } from '../../edge/stream/request.ts';

function access(block: string): AccessConfig {
  const { config } = parseConfig(`listen 1935; vhost a { ${block} }`);
  return config.vhosts[0]!.access;
}

function may(rules: string, action: 'play' | 'publish', address: string): boolean {
  return addressFault(access(`security { ${rules} }`).security, action, address) === undefined;
}

describe('security', () => {
  it('rules that are off mean nothing', () => {
    assert.ok(may('deny play all; deny publish all;', 'play', '192.0.2.1'));
  });

  it('whoever is denied is refused, whatever is allowed, and in any order', () => {
    for (const rules of ['allow play all; deny play 10.0.0.0/8;', 'deny play 10.0.0.0/8; allow play all;']) {
      assert.ok(!may(`enabled on; ${rules}`, 'play', '10.1.2.3'));
      assert.ok(may(`enabled on; ${rules}`, 'play', '11.1.2.3'));
    }
  });

  it('as in SRS, an `allow` of any kind makes all else refused; with `deny` alone all else is let in', () => {
    assert.ok(!may('enabled on; allow play all;', 'publish', '192.0.2.1'));
    assert.ok(may('enabled on; deny publish 10.0.0.0/8;', 'publish', '192.0.2.1'));
    assert.ok(may('enabled on; deny publish all;', 'play', '192.0.2.1'));
    assert.ok(!may('enabled on;', 'play', '192.0.2.1'));
  });

  it('takes IPv6 networks, single addresses, and IPv4 that comes as IPv6', () => {
    const rules = 'enabled on; allow publish 2001:db8::/32; allow publish 192.0.2.7;';
    assert.ok(may(rules, 'publish', '2001:db8:1::9'));
    assert.ok(!may(rules, 'publish', '2001:db9::1'));
    assert.ok(may(rules, 'publish', '192.0.2.7'));
    assert.ok(!may(rules, 'publish', '192.0.2.8'));
    assert.ok(may('enabled on; deny play fe80::/10;', 'play', '2001:db8::1'));
    assert.ok(!may('enabled on; deny play fe80::/10;', 'play', 'fe80::1%eth0'));
  });

  it('an address that is not known is in no network', () => {
    assert.ok(!may('enabled on; allow play 0.0.0.0/0;', 'play', ''));
    assert.ok(!isIn([{ address: '::', prefix: 0 }], 'host.example.com'));
  });

  it('what cannot be understood is an error at its place, never left out', () => {
    for (const [rule, fault] of [
      ['allow play;', /"allow": takes 2 words but has 1/],
      ['allow play 10.0.0.1 10.0.0.2;', /takes 2 words but has 3/],
      ['allow watch all;', /"watch" is not valid/],
      ['deny publish 10.0.0.0/33;', /"10.0.0.0\/33" is not valid/],
      ['deny publish example.com;', /"example.com" is not valid/],
      ['permit play all;', /unknown directive "permit"/],
    ] as const) {
      assert.throws(() => access(`security { enabled on; ${rule} }`), fault);
    }
  });
});

describe('refer', () => {
  const { refer } = access('refer { enabled on; all example.com; play .tv.example.com; }');
  const from = (action: 'play' | 'publish', page: string): boolean => referFault(refer, action, page) === undefined;

  it('a domain means itself and what is below it; with a dot in front only that', () => {
    assert.ok(from('publish', 'https://example.com/live'));
    assert.ok(from('publish', 'http://www.Example.com:8080/x'));
    assert.ok(!from('publish', 'http://evilexample.com/'));
    assert.ok(!from('publish', 'http://example.com.evil.org/'));
    assert.ok(!from('publish', 'http://evil.org/?example.com'));
    assert.ok(!from('publish', 'http://example.com@evil.org/'));
    assert.ok(from('play', 'http://a.tv.example.com/'));
    assert.ok(!from('play', 'http://tv.example.com/'));
  });

  it('who names no page is refused', () => {
    assert.ok(!from('publish', ''));
    assert.ok(!from('publish', 'not a page'));
    assert.ok(from('publish', 'example.com/page'));
  });

  it('a list that checks nothing is an error', () => {
    assert.throws(() => access('refer { enabled on; }'), /refer is on without domains/);
  });
});

function request(clientId: string, stream: string, ip = '192.0.2.1'): StreamRequest {
  const names = { vhost: 'a', app: 'live', stream, param: '', tcUrl: '', pageUrl: '', swfUrl: '' };
  return { clientId, protocol: 'rtmp', ip, ...names, connectObject: {}, connectArgs: [] };
}

describe('limits', () => {
  const { limits } = ACCESS;

  it('counts players of a stream, and forgets who has left', () => {
    const census = new Census();
    const two = { ...limits, playersPerStream: 2 };
    assert.equal(census.enter(request('1', 'x'), 'play', two), undefined);
    assert.equal(census.enter(request('2', 'x'), 'play', two), undefined);
    assert.equal(census.enter(request('3', 'x'), 'play', two)?.reason, 'players_per_stream');
    assert.equal(census.enter(request('4', 'y'), 'play', two), undefined);
    assert.equal(census.enter(request('5', 'x'), 'publish', two), undefined);
    census.leave(request('2', 'x'));
    census.leave(request('2', 'x'));
    census.leave(request('never came', 'x'));
    assert.equal(census.enter(request('3', 'x'), 'play', two), undefined);
  });

  it('counts streams once, however many play them', () => {
    const census = new Census();
    const one = { ...limits, streams: 1 };
    assert.equal(census.enter(request('1', 'x'), 'publish', one), undefined);
    assert.equal(census.enter(request('2', 'x'), 'play', one), undefined);
    assert.equal(census.enter(request('3', 'y'), 'play', one)?.reason, 'streams');
    census.leave(request('1', 'x'));
    assert.equal(census.enter(request('3', 'y'), 'play', one)?.reason, 'streams');
    census.leave(request('2', 'x'));
    assert.equal(census.enter(request('3', 'y'), 'play', one), undefined);
  });

  it('counts publishers, and clients of an address, whole IPv6 networks as one', () => {
    const census = new Census();
    const one = { ...limits, publishers: 1 };
    assert.equal(census.enter(request('1', 'x'), 'publish', one), undefined);
    assert.equal(census.enter(request('2', 'y'), 'publish', one)?.reason, 'publishers');
    const each = { ...limits, clientsPerAddress: 1 };
    assert.equal(census.enter(request('3', 'x', '2001:db8::1'), 'play', each), undefined);
    assert.equal(census.enter(request('4', 'x', '2001:db8::ffff'), 'play', each)?.reason, 'clients_per_address');
    assert.equal(census.enter(request('5', 'x', '2001:db8:0:1::1'), 'play', each), undefined);
  });

  it('who publishes a stream that is being published takes no place of its own, at its address or among publishers', () => {
    const census = new Census();
    const one = { ...limits, publishers: 1, clientsPerAddress: 1 };
    assert.equal(census.enter(request('1', 'x', '192.0.2.1'), 'publish', one), undefined);
    assert.equal(census.enter(request('2', 'x', '192.0.2.1'), 'publish', one), undefined);
    assert.equal(census.enter(request('3', 'x', '192.0.2.2'), 'publish', one), undefined, 'from another network');
    assert.equal(census.enter(request('4', 'y', '192.0.2.1'), 'publish', one)?.reason, 'clients_per_address');
    assert.equal(census.enter(request('5', 'x', '192.0.2.1'), 'play', one)?.reason, 'clients_per_address');
    for (const client of ['1', '2', '3']) census.leave(request(client, 'x'));
    assert.equal(census.enter(request('4', 'y', '192.0.2.1'), 'publish', one), undefined);
  });

  it('a client that plays another stream counts for that alone', () => {
    const census = new Census();
    const one = { ...limits, playersPerStream: 1 };
    assert.equal(census.enter(request('1', 'x'), 'play', one), undefined);
    assert.equal(census.enter(request('1', 'y'), 'play', one), undefined);
    assert.equal(census.enter(request('2', 'x'), 'play', one), undefined);
  });

  it('a publisher may be ahead of its rate for a while, and not for longer', () => {
    const rate = new PublisherRate(1_000, 0);
    // 80 kbit/s: 10,000 bytes a second, 50,000 ahead.
    assert.ok(!rate.exceeds(80, 61_000, 1_000));
    assert.ok(rate.exceeds(80, 71_001, 2_000));
    assert.ok(!rate.exceeds(80, 71_001, 3_000));
    assert.ok(!rate.exceeds(0, 10 ** 9, 4_000));
    const steady = new PublisherRate(0, 0);
    for (let second = 1; second < 1_000; second++) assert.ok(!steady.exceeds(80, second * 10_000, second * 1_000));
  });
});
