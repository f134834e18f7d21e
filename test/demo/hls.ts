/**
 * HLS beside the edges: a packager for each origin, the cache that `edgecluster up` runs for `spec.hls`, and one player
 * of it.
 */

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EdgeCluster } from '../../operator/api/types.ts';
import { findAddress } from '../../operator/up/address.ts';
import { HlsBeside } from '../../operator/up/hls-beside.ts';
import { ask, HlsPlayer } from '../support/hls-players.ts';
import { Packager } from './packager.ts';
import type { Target } from './publisher.ts';

/** What its player saw. */
export interface HlsSight {
  readonly segments: number;
  /** Segments that were between two that it got. */
  readonly missing: number;
  /** Requests that got no object. */
  readonly refused: readonly string[];
  /** The longest that it waited for a segment. */
  readonly longestWaitMs: number;
}

interface HlsOptions {
  readonly nginx: string;
  /** Of the origins: each has a packager of its own. */
  readonly names: readonly string[];
  readonly directory: string;
  readonly log: (line: string) => void;
}

const playingTimeoutMs = 60_000;

/** Of the first ones; edges have others. */
const ports = { rtmp: 1938, cache: 8070, http: 8071 };

export class Hls {
  readonly url: string;
  readonly #packagers: readonly Packager[];
  readonly #cache: HlsBeside;
  #player: HlsPlayer | undefined;

  private constructor(packagers: readonly Packager[], cache: HlsBeside) {
    const [url = ''] = cache.urls;
    this.url = url.replace('STREAM', 'demo');
    this.#packagers = packagers;
    this.#cache = cache;
  }

  /** @param cluster has `spec.hls` */
  static async start(cluster: EdgeCluster, { nginx, names, directory, log }: HlsOptions): Promise<Hls> {
    const packagers: Packager[] = [];
    const stop = async (): Promise<void> => void (await Promise.all(packagers.map((packager) => packager.stop())));
    try {
      for (const [index, name] of names.entries()) {
        const place = {
          nginx,
          directory: join(directory, `${name}-hls`),
          rtmp: await findAddress('127.0.0.1', ports.rtmp + index),
          http: await findAddress('127.0.0.1', ports.http + index),
        };
        packagers.push(await Packager.start(`${name}-hls`, place));
      }
      const httpOrigins = new Map([['main', packagers.map(({ place }) => place.http)]]);
      const cache = new HlsBeside({ directory, host: '127.0.0.1', httpOrigins, secrets: new Map(), log });
      await cache.apply([cluster]);
      return new Hls(packagers, cache);
    } catch (error) {
      await stop();
      throw error;
    }
  }

  /** `spec.hls` of the EdgeCluster. */
  static readonly spec = { targetDurationSeconds: 2, listeners: { http: { port: ports.cache } } };

  /** To publish to, beside the origins. */
  get targets(): readonly Target[] {
    return this.#packagers;
  }

  /** Resolves when its player has a segment. Throws when that takes a minute. */
  async playing(ended: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([ended, AbortSignal.timeout(playingTimeoutMs)]);
    while ((await ask(this.url).catch(() => undefined))?.status !== 200) await delay(100, undefined, { signal });
    const player = new HlsPlayer(this.url);
    this.#player = player;
    while (player.bytes.size === 0) await delay(100, undefined, { signal });
  }

  get sight(): HlsSight {
    const {
      bytes,
      refusals: refused,
      longestWaitMs,
    } = this.#player ?? { bytes: new Map(), refusals: [], longestWaitMs: 0 };
    return { segments: bytes.size, missing: segmentsMissing([...bytes.keys()]), refused: [...refused], longestWaitMs };
  }

  async kill(origin: string): Promise<void> {
    await this.#of(origin)?.kill();
  }

  async revive(origin: string): Promise<void> {
    const packager = this.#of(origin);
    await packager?.revive(this.#packagers.find((other) => other !== packager));
  }

  async stop(): Promise<void> {
    await this.#player?.stop();
    await this.#cache.stop();
    await Promise.all(this.#packagers.map((packager) => packager.stop()));
  }

  #of(origin: string): Packager | undefined {
    return this.#packagers.find(({ name }) => name === `${origin}-hls`);
  }
}

/**
 * How many segments are missing between others.
 * @param names as the player got them, `demo-TIME.ts`, with the times of the publisher; each lasts as long as the others
 */
export function segmentsMissing(names: readonly string[]): number {
  const times = names.map((name) => Number(/(\d+)\.ts$/.exec(name)?.[1]));
  const steps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  const step = Math.min(...steps);
  return steps.reduce((missing, each) => missing + Math.round(each / step) - 1, 0);
}
