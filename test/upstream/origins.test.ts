/** Whether an address that an origin redirects to is one of ours, and may be shown a signature. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { CLUSTER, defaultConfig, defaultVhost } from '../../edge/conf/defaults.ts';
import type { OriginAddress } from '../../edge/conf/model.ts';
import { Locator } from '../../edge/upstream/origins/locator.ts';
import { OriginHealth } from '../../edge/upstream/origins/origin-health.ts';
import { OriginLookups } from '../../edge/upstream/origins/origin-lookup.ts';
import { Origins } from '../../edge/upstream/origins/origins.ts';
import { Turns } from '../../edge/upstream/origins/turns.ts';

const log = pino({ level: 'silent' });
const secure: OriginAddress = { scheme: 'rtmps', host: 'secure.test', port: 443 };
const alsoSecure: OriginAddress = { scheme: 'rtmps', host: 'also-secure.test', port: 443 };
const plain: OriginAddress = { scheme: 'rtmp', host: 'plain.test', port: 1935 };
const alsoPlain: OriginAddress = { scheme: 'rtmp', host: 'also-plain.test', port: 1935 };
const listed = [secure, alsoSecure, plain, alsoPlain];
const vhost = defaultVhost({ cluster: { ...CLUSTER, mode: 'remote', origins: listed } });
const sought = { key: `${vhost.name}/live/a`, purpose: 'play', by: 'rtmp' } as const;

function originsFor(t: TestContext): Origins {
  const nothing = (): void => {};
  const times = { probeMinMs: 20, probeMaxMs: 80, retryMinMs: 20, retryMaxMs: 80, checkIntervalMs: 0 };
  const health = new OriginHealth({ probe: async () => {}, times: () => times, changed: nothing });
  const lookups = new OriginLookups({ resolve: async () => [], changed: nothing, log });
  const turns = new Turns(() => 0);
  const locator = new Locator({ ask: async () => [], turns, changed: nothing, log });
  t.after(() => {
    health.close();
    lookups.close();
    locator.close();
    turns.close();
  });
  return new Origins(defaultConfig({ vhosts: [vhost] }), health, lookups, locator);
}

/** As a redirection brings it: equal to a listed one, and another object. */
const redirectedTo = (address: OriginAddress): OriginAddress => ({ ...address });

test('an origin with TLS leads to none without TLS that is ours; all other listed ones are', (t) => {
  const origins = originsFor(t);
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
