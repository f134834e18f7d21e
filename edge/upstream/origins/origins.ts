/**
 * The origins of a vhost: those that the configuration lists, behind them those that DNS has for its `origin_lookup`,
 * and before them those that its `locate_url` names for a stream. What DNS has is a last source of addresses: tried when
 * no listed one is left, and never counted with the listed ones.
 */

import type { EdgeConfig, OriginAddress, UpstreamProtocol, VhostConfig } from '../../conf/model.ts';
import { DeadlineSignal } from '../../time/deadline-signal.ts';
import { addressIn, addressName, isTls, originName } from '../connection/address.ts';
import { endpointOf, protocolOf, protocolsOf } from './endpoints.ts';
import type { Errand, Locator, Sought } from './locator.ts';
import type { OriginHealth } from './origin-health.ts';
import type { OriginLookups } from './origin-lookup.ts';

const none: readonly OriginAddress[] = [];
const nobody: ReadonlySet<string> = new Set();

/** Who waits for an origin has `locate_url` asked again, at most this often. */
const locateAgainMinMs = 1_000;

export class Origins {
  readonly #health: OriginHealth;
  readonly #lookups: OriginLookups;
  readonly #locator: Locator;
  #config: EdgeConfig;
  #draining = false;
  readonly #watching = new Set<() => void>();
  /** Those who wait for an origin: each is told once of a changed configuration. */
  readonly #waiting = new Set<AbortController>();
  /** Of what `locate_url` named, the vhost that each endpoint belongs to. */
  #locatedFor: ReadonlyMap<string, string> = new Map();

  constructor(config: EdgeConfig, health: OriginHealth, lookups: OriginLookups, locator: Locator) {
    this.#config = config;
    this.#health = health;
    this.#lookups = lookups;
    this.#locator = locator;
    this.reconfigure(config);
  }

  reconfigure(config: EdgeConfig): void {
    this.#config = config;
    this.#lookups.retain(config.vhosts.flatMap(({ edge }) => edge.originLookup));
    this.#locator.retain(config.vhosts);
    // The same origins may be chosen in another way.
    this.#health.epoch++;
    this.found();
    for (const waiting of this.#waiting) waiting.abort();
  }

  /** From here on nobody tells this edge of new origins. */
  drain(): void {
    this.#draining = true;
    for (const vhost of this.#config.vhosts) this.#lookups.current(vhost.edge.originLookup);
  }

  /** DNS or `locate_url` has answered: health must know of whom it is asked, before those who wait for the answer. */
  found(): void {
    this.#retain();
    for (const told of this.#watching) told();
  }

  #retain(): void {
    const { vhosts } = this.#config;
    const usual = vhosts.flatMap((vhost) =>
      protocolsOf(vhost)
        .slice(0, 1)
        .flatMap((each) => listed(vhost, each)),
    );
    // What an origin is connected to by now and then is not checked meanwhile: nobody may listen there.
    const others = vhosts.flatMap((vhost) => protocolsOf(vhost).flatMap((each) => this.#known(vhost, each)));
    const located = this.#locator.watched.flatMap(({ address, vhost: name }) => {
      const vhost = vhosts.find((each) => each.name === name);
      if (vhost === undefined) return [];
      return protocolsOf(vhost).map((each) => ({ name, origin: endpointOf(address, each, vhost) }));
    });
    this.#locatedFor = new Map(located.map(({ name, origin }) => [originName(origin), name]));
    this.#health.retain(usual, [...others, ...located.map(({ origin }) => origin)]);
  }

  /** Those that `locate_url` named for the stream. */
  located(vhost: VhostConfig, sought: Sought): readonly OriginAddress[] {
    if (vhost.cluster.mode === 'local') return none;
    const protocol = protocolOf(vhost, sought);
    return this.#locator.origins(vhost, sought).map((origin) => endpointOf(origin, protocol, vhost));
  }

  /** Those that the vhost's configuration lists, where such a stream is asked for. */
  listed(vhost: VhostConfig, sought: Errand): readonly OriginAddress[] {
    return listed(vhost, protocolOf(vhost, sought));
  }

  /**
   * Those to try when no listed one is left. Has them looked up where that was not done lately: then there are none
   * for now, and `available` and the next call see them.
   * @param unanswered names of those that are being asked and have not answered: they count as if they did not work
   */
  further(vhost: VhostConfig, sought: Errand, unanswered: ReadonlySet<string> = nobody): readonly OriginAddress[] {
    const { originLookup } = vhost.edge;
    const protocol = protocolOf(vhost, sought);
    const found = this.#lookups.current(originLookup).map((origin) => endpointOf(origin, protocol, vhost));
    return this.#beside(vhost, protocol, found, unanswered);
  }

  /** A vhost that has an origin of this name, from wherever. */
  vhostOf(name: string): VhostConfig | undefined {
    const { vhosts } = this.#config;
    const locatedFor = this.#locatedFor.get(name);
    const has = (vhost: VhostConfig): boolean => protocolsOf(vhost).some((each) => this.#has(vhost, each, name));
    return vhosts.find(has) ?? vhosts.find((vhost) => vhost.name === locatedFor);
  }

  /** Whether the vhost has an origin of this name for the stream: listed, looked up or located. */
  has(vhost: VhostConfig, sought: Sought, name: string): boolean {
    return this.#has(vhost, protocolOf(vhost, sought), name) || isAmong(this.located(vhost, sought), name);
  }

  /**
   * Whether an address is the origin itself, or one that it may send us to with a signature of ours: another origin for
   * the stream, and not one without TLS where this one has it.
   */
  isOurs(vhost: VhostConfig, sought: Sought, origin: OriginAddress, address: OriginAddress): boolean {
    if (address === origin) return true;
    return this.has(vhost, sought, originName(address)) && (isTls(address) || !isTls(origin));
  }

  /**
   * Whether, by a changed configuration, a stream may stay at an origin: at one that is listed or named for it, or where
   * none of the listed ones works.
   */
  mayStay(vhost: VhostConfig, sought: Sought, name: string): boolean {
    const protocol = protocolOf(vhost, sought);
    if (isAmong(listed(vhost, protocol), addressIn(name)) || isAmong(this.located(vhost, sought), name)) return true;
    return !this.#works(vhost, protocol) && this.#has(vhost, protocol, name);
  }

  /** Whether each of them, those that were looked up or located included, is down. */
  areDown(vhost: VhostConfig, sought: Sought): boolean {
    const isDown = (origin: OriginAddress): boolean => this.#health.state(origin) === 'down';
    return (
      this.listed(vhost, sought).every(isDown) &&
      this.located(vhost, sought).every(isDown) &&
      this.further(vhost, sought).every(isDown)
    );
  }

  /** Resolves when one of those that are down now is not any more. Meanwhile they are probed soon. */
  async returned(vhost: VhostConfig, sought: Sought, signal: AbortSignal): Promise<void> {
    const all = [...this.located(vhost, sought), ...this.listed(vhost, sought)];
    const down = all.filter((origin) => this.#health.state(origin) === 'down');
    await this.#health.available(() => down, signal);
  }

  /**
   * Resolves when one of them is not down, or when it is time to ask again where the stream is: after a while, and when
   * the configuration has changed. Meanwhile they are probed, and DNS is asked again and again.
   * @param vhost asked again whenever something has changed: a reload may replace it
   */
  async available(vhost: () => VhostConfig, sought: Sought, signal: AbortSignal): Promise<void> {
    const { originLookup, locateUrl, locateTtlMs } = vhost().edge;
    const release = this.#lookups.await(originLookup);
    const again = locateUrl === '' ? undefined : new DeadlineSignal(Math.max(locateTtlMs, locateAgainMinMs));
    const changed = new AbortController();
    this.#waiting.add(changed);
    const ended = AbortSignal.any([signal, changed.signal, ...(again === undefined ? [] : [again.signal])]);
    const all = (): OriginAddress[] => [
      ...this.located(vhost(), sought),
      ...this.listed(vhost(), sought),
      ...this.further(vhost(), sought),
    ];
    try {
      await this.#health.available(all, ended);
    } catch (error) {
      if (signal.aborted || !ended.aborted) throw error;
    } finally {
      again?.stop();
      this.#waiting.delete(changed);
      release();
    }
  }

  /**
   * Has DNS asked again and again, until the result is called.
   * @param told called whenever it has answered
   */
  watch(vhost: VhostConfig, told: () => void): () => void {
    const release = this.#lookups.await(vhost.edge.originLookup);
    this.#watching.add(told);
    return () => {
      if (this.#watching.delete(told)) release();
    };
  }

  /** Resolves when DNS has answered, if it has been asked. */
  async settled(vhost: VhostConfig): Promise<void> {
    await this.#lookups.settled(vhost.edge.originLookup);
  }

  #has(vhost: VhostConfig, protocol: UpstreamProtocol, name: string): boolean {
    return isAmong(this.#known(vhost, protocol), name);
  }

  /** Those that are listed, and those that DNS had, however old that is. */
  #known(vhost: VhostConfig, protocol: UpstreamProtocol): readonly OriginAddress[] {
    const found = this.#lookups.known(vhost.edge.originLookup);
    return [...listed(vhost, protocol), ...found.map((origin) => endpointOf(origin, protocol, vhost))];
  }

  /**
   * Of what DNS has, those that are not listed, where they may be tried. An answer with none of the listed origins in it
   * may be the one address of a Service, behind which any of them is: it is left alone while a listed one works.
   */
  #beside(
    vhost: VhostConfig,
    protocol: UpstreamProtocol,
    found: readonly OriginAddress[],
    unanswered: ReadonlySet<string>,
  ): readonly OriginAddress[] {
    const names = new Set(listed(vhost, protocol).map(originName));
    const others = found.filter((origin) => !names.has(addressName(origin)));
    return this.#draining || others.length < found.length || !this.#works(vhost, protocol, unanswered) ? others : none;
  }

  /** Whether nothing is known against one of the listed origins. */
  #works(vhost: VhostConfig, protocol: UpstreamProtocol, unanswered: ReadonlySet<string> = nobody): boolean {
    const isWell = (origin: OriginAddress): boolean => ['up', 'untried'].includes(this.#health.state(origin));
    return listed(vhost, protocol).some((origin) => isWell(origin) && !unanswered.has(originName(origin)));
  }
}

function isAmong(origins: readonly OriginAddress[], name: string): boolean {
  return origins.some((origin) => originName(origin) === name);
}

function listed(vhost: VhostConfig, protocol: UpstreamProtocol): readonly OriginAddress[] {
  const { cluster } = vhost;
  return cluster.mode === 'remote' ? cluster.origins.map((origin) => endpointOf(origin, protocol, vhost)) : none;
}
