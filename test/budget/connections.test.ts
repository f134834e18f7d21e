/** Who gets a place, and who makes room for whom. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressKey } from '../../edge/budget/address.ts';
import {
  Connections,
  httpReserve,
  type Place,
  type Purpose,
  serviceReserve,
  type TurnedAway,
} from '../../edge/budget/connections.ts';
import { Descriptors } from '../../edge/budget/descriptors.ts';

const plenty = new Descriptors(1e6, () => 0);

/** Connections that remember who was turned away. */
class Scene {
  limits: { maxConnections: number; unadmittedPerAddress: number };
  readonly connections: Connections;
  readonly gone: string[] = [];

  constructor(maxConnections: number, unadmittedPerAddress = 1e6, descriptors = plenty) {
    this.limits = { maxConnections, unadmittedPerAddress };
    this.connections = new Connections(() => this.limits, descriptors);
  }

  try(name: string, purpose: Purpose = 'rtmp', address = name): Place | TurnedAway {
    return this.connections.take(purpose, address, (reason) => this.gone.push(`${name} ${reason}`));
  }

  take(name: string, purpose: Purpose = 'rtmp', address = name): Place {
    const place = this.try(name, purpose, address);
    assert.ok(typeof place === 'object', `${name} was refused: ${JSON.stringify(place)}`);
    return place;
  }
}

describe('places of connections', () => {
  it('are refused beyond max_connections when all others are admitted', () => {
    const scene = new Scene(2);
    for (const name of ['a', 'b']) assert.equal(scene.take(name).admit(), true);
    assert.equal(scene.try('c'), 'max_connections');
    assert.equal(scene.connections.size, 2);
    assert.equal(scene.connections.turnedAway('max_connections'), 1);
    assert.deepEqual(scene.gone, []);
  });

  it('are made free by the one that has shown no progress for longest', () => {
    const scene = new Scene(3);
    const admitted = scene.take('admitted');
    admitted.admit();
    const first = scene.take('first');
    scene.take('second');
    first.progressed();
    scene.take('third');
    assert.deepEqual(scene.gone, ['second max_connections']);
    assert.equal(scene.connections.size, 3);
    admitted.dismiss();
    scene.take('fourth');
    scene.take('fifth');
    assert.deepEqual(scene.gone.slice(1), ['first max_connections', 'third max_connections']);
    scene.take('sixth');
    assert.deepEqual(scene.gone.slice(3), ['admitted max_connections']);
  });

  it('count from accept to close, once', () => {
    const scene = new Scene(10);
    const place = scene.take('a');
    place.admit();
    place.close();
    place.close();
    place.turnAway('timeout');
    assert.equal(place.admit(), false);
    place.dismiss();
    place.progressed();
    assert.equal(scene.connections.size, 0);
    assert.equal(scene.connections.unadmitted, 0);
    assert.deepEqual(scene.gone, []);
  });

  it('of one address are limited until they are admitted', () => {
    const scene = new Scene(100, 2);
    for (let i = 0; i < 50; i++) scene.take(`player ${i}`, 'rtmp', '192.0.2.1').admit();
    scene.take('one', 'rtmp', '192.0.2.1');
    scene.take('two', 'http', '::ffff:192.0.2.1');
    assert.deepEqual(scene.gone, []);
    scene.take('three', 'rtmp', '192.0.2.1');
    assert.deepEqual(scene.gone, ['one address']);
    scene.take('other', 'rtmp', '192.0.2.2');
    assert.equal(scene.gone.length, 1);
  });

  it('of clients behind a proxy count under their own address', () => {
    const scene = new Scene(100, 2);
    for (let i = 0; i < 10; i++) scene.take(`${i}`, 'http', '10.0.0.1').cameFrom(`192.0.2.${i}`);
    assert.deepEqual(scene.gone, []);
    const moved = scene.take('moved', 'http', '10.0.0.1');
    moved.cameFrom('192.0.2.1');
    const third = scene.take('third', 'http', '10.0.0.1');
    third.cameFrom('192.0.2.1');
    assert.deepEqual(scene.gone, ['1 address']);
    third.close();
    scene.take('later', 'http', '192.0.2.1');
    assert.equal(scene.gone.length, 1);
  });

  it('keep no trace of addresses that are gone', () => {
    const scene = new Scene(100, 3);
    for (let i = 0; i < 1000; i++) {
      const place = scene.take(`${i}`, 'rtmp', `10.0.${i >> 8}.${i & 255}`);
      if (i % 3 === 0) place.admit();
      if (i % 5 === 0) place.cameFrom('10.9.9.9');
      place.close();
    }
    assert.equal(scene.connections.size + scene.connections.unadmitted + scene.connections.addresses, 0);
  });

  it('of HTTP and of services have a reserve, which players by HTTP cannot have', () => {
    const scene = new Scene(2);
    for (const name of ['a', 'b']) scene.take(name).admit();
    const probe = scene.take('probe', 'http');
    assert.equal(probe.admit(), false);
    for (let i = 1; i < httpReserve; i++) scene.take(`http ${i}`, 'http');
    scene.take('one more', 'http');
    assert.deepEqual(scene.gone, ['probe max_connections']);
    for (let i = 0; i < serviceReserve; i++) scene.take(`service ${i}`, 'service');
    assert.equal(scene.gone.length, 1);
    scene.take('one more service', 'service');
    assert.deepEqual(scene.gone.slice(1), ['service 0 max_connections']);
    assert.equal(scene.try('c'), 'max_connections');
  });

  it('are not taken from services within their reserve', () => {
    const scene = new Scene(1);
    scene.take('api', 'service');
    assert.equal(scene.try('player'), 'max_connections');
    assert.deepEqual(scene.gone, []);
  });

  it('follow limits that a reload changes; nobody is cut', () => {
    const scene = new Scene(3);
    for (const name of ['a', 'b', 'c']) scene.take(name).admit();
    scene.limits = { ...scene.limits, maxConnections: 1 };
    assert.equal(scene.try('d'), 'max_connections');
    assert.equal(scene.connections.size, 3);
    scene.limits = { ...scene.limits, maxConnections: 4 };
    scene.take('e').admit();
    assert.equal(scene.connections.full, true);
  });

  it('end before the last file descriptors do', () => {
    const others = 20;
    let open = others;
    const scene = new Scene(1000, 1e6, new Descriptors(100, () => open));
    const taken: Place[] = [];
    for (;;) {
      const place = scene.try(`${taken.length}`);
      if (typeof place === 'string') {
        assert.equal(place, 'descriptors');
        break;
      }
      place.admit();
      taken.push(place);
      open++;
    }
    // A quarter of 100 is kept.
    assert.equal(taken.length, 100 - 25 - others);
    scene.take('probe', 'http');
  });
});

describe('an address', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::1:2:3:4', '2001:db8:0:0::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
    ['', ''],
  ];
  for (const [address, key] of cases) {
    it(`${address || '(none)'} counts as ${key || '(none)'}`, () => assert.equal(addressKey(address), key));
  }
});
