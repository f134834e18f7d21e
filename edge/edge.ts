/**
 * The edge as a whole: wires servers, streams, callbacks and origins, and takes changed configurations.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Entrance } from './access/entrance.ts';
import { Budget } from './budget/budget.ts';
import { MediaMemory } from './budget/media-memory.ts';
import { type Difference, diffConfig, isSame, needsRestart, withoutRestart } from './conf/diff.ts';
import type { Loaded } from './conf/load.ts';
import type { EdgeConfig } from './conf/model.ts';
import { StreamGrants } from './grants.ts';
import { Heartbeat } from './hooks/heartbeat.ts';
import { HttpHooks } from './hooks/http-hooks.ts';
import { Usage } from './hooks/usage.ts';
import { UsageReports } from './hooks/usage-reports.ts';
import type { LogCounts } from './log/log.ts';
import { FileMissing, Reloader } from './reload.ts';
import { Clients, usingClients } from './server/clients.ts';
import { Journal } from './server/console/journal.ts';
import { isConsoleWanted } from './server/console/wanted.ts';
import type { Gateway, Grants } from './server/gateway.ts';
import type { ReloadOutcome } from './server/http/deps.ts';
import { HttpServers } from './server/http.ts';
import type { BoundAddress } from './server/listeners.ts';
import { drainClients } from './server/moves/drain.ts';
import { Moves } from './server/moves/moves.ts';
import { Rebalance } from './server/moves/rebalance.ts';
import { RtmpServer } from './server/rtmp/server.ts';
import { TicketKeys } from './server/ticket-keys.ts';
import { Hub } from './stream/hub.ts';
import { streamKey } from './stream/name.ts';
import type { OriginSwitch } from './upstream/context.ts';
import { OriginUpstream } from './upstream/upstream.ts';
import { version } from './version.ts';

export interface EdgeOptions {
  /** The configuration to start with. */
  readonly loaded: Loaded;
  /** Reads it again, for reloads; throws ConfigError. */
  readonly read: () => Loaded;
  /** Names this edge in API answers, callbacks and to origins. */
  readonly serverId: string;
  readonly log: Logger;
  readonly logCounts: () => LogCounts;
}

export class Edge implements Gateway {
  readonly log: Logger;
  readonly serverId: string;
  readonly clients: Clients = new Clients();
  readonly moves: Moves = new Moves(this.clients);
  readonly rebalance: Rebalance = new Rebalance(this.clients, this.moves);
  readonly budget: Budget = new Budget(() => this.#config);
  readonly entrance: Entrance;
  readonly ticketKeys: TicketKeys;
  readonly journal: Journal = new Journal(() => isConsoleWanted(this.#config));
  readonly hub: Hub;
  readonly grants: Grants;
  readonly #memory: MediaMemory = new MediaMemory(() => this.#config.edge.mediaMemoryMaxBytes);
  readonly #upstream: OriginUpstream;
  readonly #hooks: HttpHooks;
  readonly #usageReports: UsageReports;
  readonly #heartbeat: Heartbeat;
  readonly #rtmp: RtmpServer;
  readonly #http: HttpServers;
  readonly #reloader: Reloader;
  #config: EdgeConfig;
  #draining = false;

  constructor({ loaded, read, serverId, log, logCounts }: EdgeOptions) {
    this.log = log;
    this.entrance = new Entrance(log);
    this.ticketKeys = new TicketKeys(log);
    this.serverId = serverId;
    this.#config = loaded.config;
    this.#hooks = new HttpHooks({ log, serverId });
    const { locator } = this.#hooks;
    const where = locator.locate.bind(locator);
    this.#upstream = new OriginUpstream(loaded.config, serverId, log, this.#memory, this.budget.paused, where);
    this.hub = new Hub(this.#upstream, log, this.#memory);
    const usage = new Usage();
    const post = this.#hooks.onUsage.bind(this.#hooks);
    this.#usageReports = new UsageReports(() => usingClients(this.clients), usage, post);
    this.#usageReports.reconfigure(loaded.config);
    this.grants = new StreamGrants({
      entrance: this.entrance,
      hooks: this.#hooks,
      upstream: this.#upstream,
      hub: this.hub,
      clients: this.clients,
      usage,
    });
    this.#reloader = new Reloader({
      loaded,
      read,
      apply: (config) => this.#reconfigure(config),
      log,
      done: (outcome) => this.#reloaded(outcome),
    });
    this.#rtmp = new RtmpServer(this);
    this.#http = new HttpServers(this, {
      accepting: () => this.#rtmp.addresses.length > 0,
      origins: () => this.#upstream.reports(),
      counters: () => this.#upstream.counters,
      lookups: () => this.#upstream.lookups,
      locateCounts: () => this.#upstream.locateCounts,
      lostCallbacks: () => this.#hooks.lostNotices,
      callbacksUnderWay: () => this.#hooks.underWay,
      reload: () => this.#reloader.reload(),
      config: () => this.#reloader.inForce,
      lastReload: () => this.#reloader.last,
      logCounts,
    });
    const { serviceId } = this.#hooks;
    this.#heartbeat = new Heartbeat({ log, serverId, serviceId, summaries: () => this.#http.summaries() });
    this.#upstream.counters.switched = (origins) => this.#switched(origins);
    this.#upstream.counters.searches = (tookMs) => this.#http.observe('search', tookMs);
    this.#upstream.counters.originChanged = ({ name, state, reason }) =>
      this.journal.tell({ kind: 'origin', origin: name, state, reason });
    this.clients.onRefused(({ ip, name, reason }) =>
      this.journal.tell({ kind: 'refusal', ip, stream: name.stream === '' ? '' : streamKey(name), reason }),
    );
  }

  get config(): EdgeConfig {
    return this.#config;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Where clients can connect. */
  get addresses(): BoundAddress[] {
    return [...this.#rtmp.addresses, ...this.#http.addresses];
  }

  /** Opens the listeners; throws the system's error when one cannot be opened. */
  async start(): Promise<void> {
    this.ticketKeys.follow(this.#config.edge.tlsTicketKeysFile);
    await this.#rtmp.listen(this.#config);
    await this.#http.listen(this.#config);
    this.#reloader.watch();
    for (const file of (await this.entrance.unreadable(this.#config)).files) {
      this.log.warn({ file }, 'a file of keys cannot be read: it lets no client in, and signs no request');
    }
    for (const address of this.addresses) this.log.info(address, 'listening');
    this.#checkDescriptors();
    this.#heartbeat.reconfigure(this.#config);
    this.log.info({ version, serverId: this.serverId }, 'started');
    this.journal.tell({ kind: 'started', version });
  }

  /** Reads the configuration again and applies it; never fails, but says how it went. */
  async reload(): Promise<ReloadOutcome> {
    return await this.#reloader.reload();
  }

  #switched({ stream, direction, from, to, gapMs }: OriginSwitch): void {
    if (direction === 'push') return this.journal.tell({ kind: 'push switch', stream, from, to });
    this.#http.observe('spliceGap', gapMs);
    this.journal.tell({ kind: 'switch', stream, from, to, gapMs });
  }

  #reloaded(outcome: ReloadOutcome): void {
    if (!outcome.ok) return this.journal.tell({ kind: 'reload failed', reason: outcome.error });
    const { difference } = outcome;
    const changes = difference.changes.length + difference.vhostsAdded.length + difference.vhostsRemoved.length;
    const restart = needsRestart(difference).map(({ path }) => path);
    this.journal.tell({ kind: 'reload', changes, needsRestart: restart });
  }

  /** Takes over a changed configuration as far as a running process can; nobody is disconnected. */
  async #reconfigure(next: EdgeConfig): Promise<Difference> {
    const difference = diffConfig(this.#config, next);
    if (isSame(difference)) return difference;
    await this.#refuseWithoutKeys(next);
    this.#config = withoutRestart(this.#config, next);
    this.log.level = this.#config.log.level;
    this.#upstream.reconfigure(this.#config);
    this.hub.reconfigure(this.#config);
    this.entrance.reconfigure(this.#config);
    this.ticketKeys.follow(this.#config.edge.tlsTicketKeysFile);
    this.#usageReports.reconfigure(this.#config);
    this.#heartbeat.reconfigure(this.#config);
    this.#memory.settle();
    this.#checkDescriptors();
    for (const change of needsRestart(difference)) this.log.warn(change, 'takes effect after a restart');
    this.log.info({ changes: difference.changes.length }, 'configuration changed');
    return difference;
  }

  /**
   * Keys that were there may go, and then nobody is let in who shows a token. But whoever names keys that are not there
   * yet (a pod whose Secret comes with the next one) has not meant to lock everybody out.
   */
  async #refuseWithoutKeys(next: EdgeConfig): Promise<void> {
    const missing = await this.entrance.unreadable(next, this.#config);
    const [file] = missing.files;
    if (file !== undefined) throw new FileMissing(`the keys in ${file} cannot be read`, missing);
  }

  #checkDescriptors(): void {
    const { descriptors, size } = this.budget.connections;
    const { maxConnections } = this.#config;
    const others = descriptors.inUse(size) - size;
    if (maxConnections + others + descriptors.reserve <= descriptors.limit) return;
    const counts = { maxConnections, descriptors: descriptors.limit, reserve: descriptors.reserve };
    const remedy = 'lower it, or let the process have more (ulimit -n, LimitNOFILE)';
    this.log.warn(counts, `max_connections exceeds the file descriptors of this process: ${remedy}`);
  }

  /**
   * Lets present clients finish: no new ones after `grace_start_wait`; those who can are asked to go elsewhere, and the
   * rest are ended, a few at a time, until their vhost's drain time is over.
   */
  async drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    this.#reloader.close();
    this.#upstream.drain();
    this.rebalance.stop();
    const { graceStartWaitMs } = this.#config;
    this.log.info({ clients: this.clients.size, graceStartWaitMs }, 'draining');
    this.journal.tell({ kind: 'drain', clients: this.clients.size });
    // Load balancers need time to learn that this edge is not ready: until then clients still come.
    await delay(graceStartWaitMs);
    await this.#rtmp.stopListening();
    await drainClients(this.clients, this.moves, () => this.#config, this.log);
    await this.#settle();
    this.close();
  }

  /** Ends everything at once. */
  close(): void {
    this.#draining = true;
    this.#reloader.close();
    this.ticketKeys.close();
    this.rebalance.stop();
    this.#rtmp.stopListening().catch(() => {});
    this.#rtmp.close();
    this.hub.close();
    this.#upstream.close();
    this.#usageReports.close();
    this.#heartbeat.close();
    this.#hooks.close();
    this.#http.close().catch(() => {});
  }

  /** Callbacks that are under way may finish within `grace_final_wait`. */
  async #settle(): Promise<void> {
    await Promise.race([this.#hooks.settled(), delay(this.#config.graceFinalWaitMs, undefined, { ref: false })]);
  }
}
