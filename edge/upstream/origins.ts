/**
 * The origins of a vhost: those that the configuration lists, and behind them those that DNS has for its
 * `origin_lookup`. The latter are a last source of addresses: tried when no listed one is left, and never counted with
 * the listed ones.
 */

import type { EdgeConfig, OriginAddress, VhostConfig } from '../conf/model.ts';
import { addressIn, addressName, originName } from './address.ts';
import type { OriginHealth } from './origin-health.ts';
import type { OriginLookups } from './origin-lookup.ts';

const none: readonly OriginAddress[] = [];

export class Origins {
  readonly #health: OriginHealth;
  readonly #lookups: OriginLookups;
  #config: EdgeConfig;
  #draining = false;

  constructor(config: EdgeConfig, health: OriginHealth, lookups: OriginLookups) {
    this.#config = config;
    this.#health = health;
    this.#lookups = lookups;
    this.reconfigure(config);
  }

  reconfigure(config: EdgeConfig): void {
    this.#config = config;
    this.#lookups.retain(config.vhosts.flatMap(({ edge }) => edge.originLookup));
    this.lookedUp();
  }

  /** From here on nobody tells this edge of new origins. */
  drain(): void {
    this.#draining = true;
    for (const vhost of this.#config.vhosts) this.#lookups.current(vhost.edge.originLookup);
  }

  /** DNS has answered: health must know of whom it is asked. */
  lookedUp(): void {
    const { vhosts } = this.#config;
    this.#health.retain(vhosts.flatMap(listed), this.#lookups.known(vhosts.flatMap(({ edge }) => edge.originLookup)));
  }

  /** Those that the vhost's configuration lists. */
  listed(vhost: VhostConfig): readonly OriginAddress[] {
    return listed(vhost);
  }

  /**
   * Those to try when no listed one is left. Has them looked up where that was not done lately: then there are none
   * for now, and `available` and the next call see them.
   */
  further(vhost: VhostConfig): readonly OriginAddress[] {
    const { originLookup } = vhost.edge;
    return originLookup.length === 0 ? none : this.#beside(vhost, this.#lookups.current(originLookup));
  }

  /** A vhost that has an origin of this name, listed or looked up. */
  vhostOf(name: string): VhostConfig | undefined {
    return this.#config.vhosts.find((vhost) => this.has(vhost, name));
  }

  /** Whether the vhost has an origin of this name, listed or looked up. */
  has(vhost: VhostConfig, name: string): boolean {
    return isAmong(listed(vhost), name) || isAmong(this.#lookups.known(vhost.edge.originLookup), name);
  }

  /** Whether, by a changed configuration, a stream may stay at an origin: at a listed one, or where none of those works. */
  mayStay(vhost: VhostConfig, name: string): boolean {
    return isAmong(listed(vhost), addressIn(name)) || (!this.#works(vhost) && this.has(vhost, name));
  }

  /** Whether each of them, those that were looked up included, is down. */
  areDown(vhost: VhostConfig): boolean {
    const isDown = (origin: OriginAddress): boolean => this.#health.state(origin) === 'down';
    return listed(vhost).every(isDown) && this.further(vhost).every(isDown);
  }

  /**
   * Resolves when one of them is not down. Meanwhile those that are listed are probed, and DNS is asked again and again.
   * @param vhost asked again whenever something has changed: a reload may replace it
   */
  async available(vhost: () => VhostConfig, signal: AbortSignal): Promise<void> {
    const release = this.#lookups.await(vhost().edge.originLookup);
    try {
      await this.#health.available(() => [...listed(vhost()), ...this.further(vhost())], signal);
    } finally {
      release();
    }
  }

  /** Resolves when DNS has answered, if it has been asked. */
  async settled(vhost: VhostConfig): Promise<void> {
    await this.#lookups.settled(vhost.edge.originLookup);
  }

  /**
   * Of what DNS has, those that are not listed, where they may be tried. An answer with none of the listed origins in it
   * may be the one address of a Service, behind which any of them is: it is left alone while a listed one works.
   */
  #beside(vhost: VhostConfig, found: readonly OriginAddress[]): readonly OriginAddress[] {
    if (found.length === 0) return none;
    const names = new Set(listed(vhost).map(originName));
    const others = found.filter((origin) => !names.has(addressName(origin)));
    return this.#draining || others.length < found.length || !this.#works(vhost) ? others : none;
  }

  /** Whether nothing is known against one of the listed origins. */
  #works(vhost: VhostConfig): boolean {
    return listed(vhost).some((origin) => ['up', 'untried'].includes(this.#health.state(origin)));
  }
}

function isAmong(origins: readonly OriginAddress[], name: string): boolean {
  return origins.some((origin) => originName(origin) === name);
}

function listed({ cluster }: VhostConfig): readonly OriginAddress[] {
  return cluster.mode === 'remote' ? cluster.origins : none;
}
