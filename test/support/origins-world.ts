/** Origins of vhosts by all ways in which they are found, with a DNS and a `locate_url` whose answers a test gives. */

import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { CLUSTER, defaultConfig, defaultVhost } from '../../edge/conf/defaults.ts';
import type { EdgeTuning, OriginAddress, VhostConfig } from '../../edge/conf/model.ts';
import { Locator } from '../../edge/upstream/origins/locator.ts';
import { OriginHealth } from '../../edge/upstream/origins/origin-health.ts';
import { OriginLookups } from '../../edge/upstream/origins/origin-lookup.ts';
import { Origins } from '../../edge/upstream/origins/origins.ts';
import { Turns } from '../../edge/upstream/origins/turns.ts';

const log = pino({ level: 'silent' });

export interface World {
  readonly origins: Origins;
  readonly health: OriginHealth;
  readonly lookups: OriginLookups;
  readonly locator: Locator;
  /** How often DNS was asked. */
  readonly asked: () => number;
}

interface WorldOptions {
  readonly vhosts: readonly VhostConfig[];
  /** What DNS has. */
  readonly addresses?: readonly string[];
  /** What `locate_url` names. */
  readonly located?: readonly OriginAddress[];
}

export function world(t: TestContext, { vhosts, addresses = [], located = [] }: WorldOptions): World {
  const nothing = (): void => {};
  const times = { probeMinMs: 60_000, probeMaxMs: 60_000, retryMinMs: 60_000, retryMaxMs: 60_000, checkIntervalMs: 0 };
  const health = new OriginHealth({ probe: async () => {}, times: () => times, changed: nothing });
  let asked = 0;
  const resolve = async (): Promise<readonly string[]> => {
    asked++;
    // As long as DNS takes, other things happen.
    await new Promise(setImmediate);
    return addresses;
  };
  const lookups = new OriginLookups({ resolve, changed: () => origins.found(), log });
  const turns = new Turns(() => 0);
  const locator = new Locator({ ask: async () => located, turns, changed: () => origins.found(), log });
  t.after(() => {
    health.close();
    lookups.close();
    locator.close();
    turns.close();
  });
  const origins: Origins = new Origins(defaultConfig({ vhosts }), health, lookups, locator);
  return { origins, health, lookups, locator, asked: () => asked };
}

export const at = (host: string, port = 1935): OriginAddress => ({ scheme: 'rtmp', host, port });

/** A vhost whose origins are listed, and looked up. */
export function lookingUp(name: string, listed: readonly OriginAddress[], edge: Partial<EdgeTuning>): VhostConfig {
  const usual = defaultVhost({ name });
  return defaultVhost({
    name,
    cluster: { ...CLUSTER, mode: 'remote', origins: listed },
    edge: { ...usual.edge, ...edge },
  });
}
