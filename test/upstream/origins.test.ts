/** The origins of a vhost: which there are, which may be tried, and which may be shown a signature. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CLUSTER, defaultConfig, defaultVhost } from '../../edge/conf/defaults.ts';
import type { OriginAddress } from '../../edge/conf/model.ts';
import { originName } from '../../edge/upstream/connection/address.ts';
import { UpstreamError } from '../../edge/upstream/connection/errors.ts';
import type { OriginHealth } from '../../edge/upstream/origins/origin-health.ts';
import { at, lookingUp, world } from '../support/origins-world.ts';
import { streamRequest } from '../support/requests.ts';
import { stopClock } from '../support/stopped-clock.ts';

const secure: OriginAddress = { scheme: 'rtmps', host: 'secure.test', port: 443 };
const alsoSecure: OriginAddress = { scheme: 'rtmps', host: 'also-secure.test', port: 443 };
const plain: OriginAddress = { scheme: 'rtmp', host: 'plain.test', port: 1935 };
const alsoPlain: OriginAddress = { scheme: 'rtmp', host: 'also-plain.test', port: 1935 };
const listed = [secure, alsoSecure, plain, alsoPlain];
const vhost = defaultVhost({ cluster: { ...CLUSTER, mode: 'remote', origins: listed } });
const sought = { key: `${vhost.name}/live/a`, purpose: 'play', by: 'rtmp' } as const;

/** As a redirection brings it: equal to a listed one, and another object. */
const redirectedTo = (address: OriginAddress): OriginAddress => ({ ...address });

test('an origin with TLS leads to none without TLS that is ours; all other listed ones are', (t) => {
  const { origins } = world(t, { vhosts: [vhost] });
  for (const [from, to, expected] of [
    [secure, alsoSecure, true],
    [secure, secure, true],
    [secure, plain, false],
    [plain, secure, true],
    [plain, alsoPlain, true],
    [plain, { ...plain, host: 'stranger.test' }, false],
    [plain, { ...plain, port: 1936 }, false],
    [secure, { ...secure, scheme: 'rtmp' }, false],
  ] as const) {
    const title = `${from.scheme}://${from.host} to ${to.scheme}://${to.host}:${to.port}`;
    assert.equal(origins.isOurs(vhost, sought, from, redirectedTo(to)), expected, title);
  }
});

const one = at('10.0.0.1');
const name = at('origins.test');

const both = lookingUp('v', [one], { originLookup: [name] });
const wanted = { key: 'v/live/a', purpose: 'play', by: 'rtmp' } as const;

function setAside(health: OriginHealth, origin: OriginAddress): void {
  health.failed(origin, new UpstreamError('unreachable', 'refused', { origin: originName(origin) }));
}

const hosts = (origins: readonly OriginAddress[]): string[] => origins.map(({ host }) => host);

describe('addresses that DNS has', () => {
  test('are tried when no listed origin works, or none that is asked answers', async (t) => {
    const { origins, health } = world(t, { vhosts: [both], addresses: ['10.0.0.2', '10.0.0.3'] });
    assert.deepEqual(origins.further(both, wanted), [], 'they are being looked up');
    await origins.settled(both);
    assert.deepEqual(origins.further(both, wanted), [], 'a listed one may work: it is behind them perhaps');
    assert.deepEqual(hosts(origins.further(both, wanted, new Set(['10.0.0.1:1935']))), ['10.0.0.2', '10.0.0.3']);
    setAside(health, one);
    assert.deepEqual(hosts(origins.further(both, wanted)), ['10.0.0.2', '10.0.0.3']);
  });

  test('are tried beside listed ones where DNS has these, too', async (t) => {
    const { origins } = world(t, { vhosts: [both], addresses: ['10.0.0.1', '10.0.0.2'] });
    origins.further(both, wanted);
    await origins.settled(both);
    assert.deepEqual(hosts(origins.further(both, wanted)), ['10.0.0.2']);
  });

  test('are tried in any case by an edge that is told of no new origins any more', async (t) => {
    const { origins } = world(t, { vhosts: [both], addresses: ['10.0.0.2', '10.0.0.3'] });
    origins.drain();
    await origins.settled(both);
    assert.deepEqual(hosts(origins.further(both, wanted)), ['10.0.0.2', '10.0.0.3']);
  });

  test('are not tried while one listed origin of several works, be it tried or not', async (t) => {
    const several = lookingUp('v', [one, at('10.0.0.9')], { originLookup: [name] });
    const { origins, health } = world(t, { vhosts: [several], addresses: ['10.0.0.2', '10.0.0.3'] });
    origins.further(several, wanted);
    await origins.settled(several);
    setAside(health, one);
    assert.deepEqual(origins.further(several, wanted), []);
    assert.equal(origins.areDown(several, wanted), false);
    health.succeeded(at('10.0.0.9'));
    assert.deepEqual(origins.further(several, wanted), []);
    setAside(health, at('10.0.0.9'));
    assert.equal(origins.further(several, wanted).length, 2);
  });

  test('are looked up again and again while somebody waits or watches, and no longer', async (t) => {
    const pass = stopClock(t);
    const { origins, health, asked } = world(t, { vhosts: [both] });
    const askedIn = async (ms: number): Promise<number> => {
      const before = asked();
      for (let passedMs = 0; passedMs < ms; passedMs += 1_000) {
        pass(1_000);
        await origins.settled(both);
      }
      return asked() - before;
    };
    setAside(health, one);
    const end = new AbortController();
    const waiting = origins.available(() => both, wanted, end.signal);
    const unwatch = origins.watch(both, () => {});
    assert.ok((await askedIn(30_000)) > 10);
    end.abort();
    await assert.rejects(waiting);
    assert.ok((await askedIn(30_000)) > 10, 'somebody watches');
    unwatch();
    unwatch();
    assert.equal(await askedIn(30_000), 0);
  });

  test('are known to whoever waits for an origin, or watches', async (t) => {
    const { origins, health } = world(t, { vhosts: [both], addresses: ['10.0.0.2', '10.0.0.3'] });
    setAside(health, one);
    assert.equal(origins.areDown(both, wanted), true);
    let told = 0;
    const unwatch = origins.watch(both, () => told++);
    await origins.available(() => both, wanted, new AbortController().signal);
    assert.equal(told, 1);
    assert.equal(origins.areDown(both, wanted), false);
    unwatch();
    unwatch();
    origins.found();
    assert.equal(told, 1);
    for (const host of ['10.0.0.2', '10.0.0.3']) setAside(health, at(host));
    assert.equal(origins.areDown(both, wanted), true);
  });

  test('who waits for an origin that never comes is let go', async (t) => {
    const { origins, health } = world(t, { vhosts: [both] });
    setAside(health, one);
    const end = new AbortController();
    const waiting = origins.available(() => both, wanted, end.signal);
    end.abort();
    await assert.rejects(waiting, /abort/i);
  });
});

describe('who waits for an origin, while a reload changes how it is found', () => {
  const before = lookingUp('v', [one], {});

  for (const [what, after] of [
    ['a name to look up', lookingUp('v', [one], { originLookup: [name] })],
    ['a server that knows where streams are', lookingUp('v', [one], { locateUrl: 'http://where/' })],
  ] as const) {
    test(`goes on with ${what}`, async (t) => {
      const { origins, health } = world(t, { vhosts: [before] });
      setAside(health, one);
      let vhost = before;
      const waiting = origins.available(() => vhost, wanted, new AbortController().signal);
      vhost = after;
      origins.reconfigure(defaultConfig({ vhosts: [vhost] }));
      await waiting;
      assert.equal(origins.areDown(vhost, wanted), true, 'it is asked for anew');
    });
  }
});

describe('an origin of a name', () => {
  const other = lookingUp('other', [at('10.0.0.9')], {});

  test('belongs to the vhost that lists it, or whose look-up has it', async (t) => {
    const { origins } = world(t, { vhosts: [both, other], addresses: ['10.0.0.2', '10.0.0.3'] });
    origins.further(both, wanted);
    await origins.settled(both);
    const vhosts = ['10.0.0.1:1935', '10.0.0.3:1935', '10.0.0.9:1935', '10.0.0.8:1935'].map(
      (each) => origins.vhostOf(each)?.name,
    );
    assert.deepEqual(vhosts, ['v', 'v', 'other', undefined]);
    assert.equal(origins.has(both, wanted, '10.0.0.3:1935'), true);
    origins.reconfigure(defaultConfig({ vhosts: [other] }));
    assert.equal(origins.vhostOf('10.0.0.3:1935'), undefined);
    assert.equal(origins.has(both, wanted, '10.0.0.9:1935'), false);
  });

  test('may keep its streams while it is listed, and one that was looked up while no listed one works', async (t) => {
    const { origins, health } = world(t, { vhosts: [both, other], addresses: ['10.0.0.2', '10.0.0.3'] });
    origins.further(both, wanted);
    await origins.settled(both);
    const stay = (): boolean[] =>
      ['10.0.0.1:1935', '10.0.0.1:1935#2', '10.0.0.2:1935', '10.0.0.9:1935'].map((each) =>
        origins.mayStay(both, wanted, each),
      );
    assert.deepEqual(stay(), [true, true, false, false]);
    setAside(health, one);
    assert.deepEqual(stay(), [true, true, true, false]);
  });

  test('that locate_url named belongs to the vhost it was named for, and its stream may stay', async (t) => {
    const locating = lookingUp('located', [one], { locateUrl: 'http://where/' });
    const { origins, locator, health } = world(t, { vhosts: [other, locating], located: [at('10.0.0.5')] });
    const request = streamRequest({ vhost: 'located', app: 'live', stream: 'a' });
    await locator.ask(locating, request, 'play', true);
    const located = { ...wanted, key: 'located/live/a' };
    assert.deepEqual(hosts(origins.located(locating, located)), ['10.0.0.5']);
    assert.deepEqual(origins.located(locating, wanted), [], 'it is another stream');
    assert.equal(origins.vhostOf('10.0.0.5:1935')?.name, 'located');
    assert.equal(origins.has(locating, located, '10.0.0.5:1935'), true);
    assert.equal(origins.mayStay(locating, located, '10.0.0.5:1935'), true);
    assert.equal(origins.mayStay(locating, wanted, '10.0.0.5:1935'), false);
    setAside(health, one);
    assert.equal(origins.areDown(locating, located), false);
    setAside(health, at('10.0.0.5'));
    assert.equal(origins.areDown(locating, located), true);
  });
});

test('an origin may always lead to itself', (t) => {
  const { origins } = world(t, { vhosts: [vhost] });
  const stranger = at('stranger.test');
  assert.equal(origins.isOurs(vhost, sought, stranger, stranger), true);
  assert.equal(origins.isOurs(vhost, sought, stranger, redirectedTo(stranger)), false);
});

test('where locate_url may know more by now, who waits for an origin asks again', { timeout: 30_000 }, async (t) => {
  const locating = lookingUp('located', [one], { locateUrl: 'http://where/', locateTtlMs: 1 });
  const { origins, health } = world(t, { vhosts: [locating] });
  setAside(health, one);
  const sinceMs = performance.now();
  await origins.available(() => locating, { ...wanted, key: 'located/live/a' }, new AbortController().signal);
  assert.ok(performance.now() - sinceMs > 900, 'but not at once');
  assert.equal(origins.areDown(locating, wanted), true);
});

test('an answer that brings nothing new puts off no stream that is to go home; a reload does', (t) => {
  const { origins, health } = world(t, { vhosts: [vhost] });
  const before = health.epoch;
  origins.found();
  assert.equal(health.epoch, before);
  origins.reconfigure(defaultConfig({ vhosts: [vhost] }));
  assert.notEqual(health.epoch, before);
  const after = health.epoch;
  origins.reconfigure(defaultConfig({ vhosts: [] }));
  assert.notEqual(health.epoch, after);
});
