/**
 * The way to the origins: opens pulls and pushes, and holds what they share.
 */

import type { Logger } from 'pino';
import { MediaMemory } from '../budget/media-memory.ts';
import { PausedReaders } from '../budget/readers.ts';
import type { EdgeConfig, OriginAddress, VhostConfig } from '../conf/model.ts';
import { addressesOf, resolvConf } from '../net/dns.ts';
import type { Upstream } from '../stream/hub.ts';
import type { LiveStream } from '../stream/live-stream.ts';
import { streamKey } from '../stream/name.ts';
import type { Publication, PublicationEvents } from '../stream/publication.ts';
import { type ConnectRequest, type StreamRequest, streamName } from '../stream/request.ts';
import type { StreamSource } from '../stream/stream-source.ts';
import { isHttp, originName } from './connection/address.ts';
import { type ClientOptions, clientOptions } from './connection/client-options.ts';
import { HttpPings } from './connection/http-pings.ts';
import { probeHttp } from './connection/http-request.ts';
import { OriginKeys } from './connection/origin-keys.ts';
import { RtmpClient } from './connection/rtmp-client.ts';
import type { UpstreamContext, UpstreamCounters } from './context.ts';
import { ClientVerdicts } from './origins/client-verdicts.ts';
import { type AskWhere, type LocateCounts, Locator } from './origins/locator.ts';
import { StreamMemory } from './origins/memory.ts';
import { OriginHealth } from './origins/origin-health.ts';
import { type LookupCounts, OriginLookups } from './origins/origin-lookup.ts';
import type { OriginReport } from './origins/origin-record.ts';
import { Origins } from './origins/origins.ts';
import type { ProbeTimes } from './origins/probe-delays.ts';
import { PushedStreams } from './origins/pushed-streams.ts';
import { Turns } from './origins/turns.ts';
import { Puller } from './pull/puller.ts';
import { Pusher } from './push/pusher.ts';
import { traverseToken } from './tokens/token-traverse.ts';

/** Nobody knows where streams are. */
const nobody: AskWhere = () => Promise.resolve([]);

const silent = { media: () => {}, readEnd: () => {}, status: () => {}, closed: () => {} };

export class OriginUpstream implements Upstream {
  readonly counters: UpstreamCounters = {
    pulls: 0,
    pushes: 0,
    pullSwitches: 0,
    pushSwitches: 0,
    pushRepeats: 0,
    pushDroppedGops: 0,
    oddMessages: 0,
    droppedHeaders: 0,
    switched: () => {},
    searches: () => {},
    originChanged: () => {},
  };
  readonly #context: UpstreamContext;
  readonly #lookups: OriginLookups;
  readonly #locator: Locator;
  #config: EdgeConfig;

  /**
   * @param paused counts origins that are not read for now
   * @param ask asks a vhost's `locate_url`
   */
  constructor(
    config: EdgeConfig,
    serverId: string,
    log: Logger,
    mediaMemory: MediaMemory = MediaMemory.unbounded,
    paused: PausedReaders = new PausedReaders(),
    ask: AskWhere = nobody,
  ) {
    this.#config = config;
    const health = new OriginHealth({
      probe: (address, signal, folder) => this.#probe(address, signal, folder),
      times: () => probeTimes(this.#config),
      changed: (report) => {
        log.info({ origin: report.name, state: report.state, reason: report.reason }, 'origin state');
        this.counters.originChanged(report);
      },
    });
    const memory = new StreamMemory();
    const keepaliveMs = (): number => this.#config.edge.keepaliveMs;
    this.#lookups = new OriginLookups({
      resolve: (name, signal) => {
        const servers = this.#config.edge.nameServers;
        return addressesOf(name, { servers, resolvConf, certain: false }, signal);
      },
      changed: () => origins.found(),
      log,
    });
    const turns = new Turns(() => this.#config.edge.locateRate);
    this.#locator = new Locator({ ask, turns, changed: () => origins.found(), log });
    const origins = new Origins(config, health, this.#lookups, this.#locator);
    this.#context = {
      log,
      health,
      origins,
      locator: this.#locator,
      pings: new HttpPings((address) => health.answers(address)),
      keys: new OriginKeys(log),
      memory,
      verdicts: new ClientVerdicts(),
      pushed: new PushedStreams(),
      turns,
      mediaMemory,
      serverId,
      keepaliveMs,
      paused,
      counters: this.counters,
    };
  }

  pull(stream: LiveStream, request: StreamRequest, ended: (reason: string | undefined) => void): StreamSource {
    this.counters.pulls++;
    return new Puller(stream, request, this.#context, ended);
  }

  push(request: StreamRequest, vhost: VhostConfig, events: PublicationEvents): Publication {
    this.counters.pushes++;
    return new Pusher(request, vhost, this.#context, events);
  }

  /** `token_traverse`: throws a Refusal when the origin refuses the client. */
  async checkToken(request: ConnectRequest, vhost: VhostConfig): Promise<void> {
    await traverseToken(request, vhost, this.#context, new AbortController().signal);
  }

  /** A client wants to play the stream: throws a Refusal when an origin refuses it, or did so a moment ago. */
  async admit(stream: LiveStream, request: StreamRequest): Promise<void> {
    if (stream.source instanceof Puller) await stream.source.admit(request);
  }

  /** Whether a search a moment ago found the stream at no origin. */
  isAbsent(request: StreamRequest): boolean {
    return this.#context.memory.absentForMs(streamKey(streamName(request))) > 0;
  }

  reports(): OriginReport[] {
    return this.#context.health.reports();
  }

  /** How often DNS was asked for origins, by how that ended, and how many addresses are known by it. */
  get lookups(): { readonly counts: Readonly<LookupCounts>; readonly addresses: number } {
    return { counts: this.#lookups.counts, addresses: this.#lookups.size };
  }

  /** How often `locate_url` was asked, by how that ended. */
  get locateCounts(): Readonly<LocateCounts> {
    return this.#locator.counts;
  }

  reconfigure(config: EdgeConfig): void {
    this.#config = config;
    this.#context.origins.reconfigure(config);
  }

  /** From here on no configuration tells of new origins: they are found by their names. */
  drain(): void {
    this.#context.origins.drain();
  }

  close(): void {
    this.#lookups.close();
    this.#locator.close();
    this.#context.health.close();
    this.#context.turns.close();
  }

  /** Where an origin has redirected to belongs to no vhost: any one's time-outs do, and its name is nobody's to check. */
  #probeOptions(address: OriginAddress): ClientOptions {
    const vhost = this.#context.origins.vhostOf(originName(address));
    if (vhost !== undefined) return clientOptions(vhost, this.#context);
    const other = this.#config.vhosts.find(({ cluster }) => cluster.mode === 'remote');
    if (other === undefined) throw new Error(`no vhost has origins: ${originName(address)} is not asked`);
    return { ...clientOptions(other, this.#context), tlsVerify: false };
  }

  /** Connects and shakes hands, or asks for a folder: a stopped process accepts connections and answers nothing. */
  async #probe(address: OriginAddress, signal: AbortSignal, folder: string): Promise<void> {
    const options = this.#probeOptions(address);
    if (isHttp(address)) return await probeHttp(address, folder, options, signal);
    const client = await RtmpClient.open(address, options, silent, signal);
    client.destroy();
  }
}

/** The shortest of the vhosts' delays count for streams that wait: an origin may serve several vhosts. */
function probeTimes({ edge, vhosts }: EdgeConfig): ProbeTimes {
  const { probeMinMs, probeMaxMs, originCheckIntervalMs: checkIntervalMs } = edge;
  const retryMinMs = Math.min(...vhosts.map((vhost) => vhost.edge.retryMinMs));
  const retryMaxMs = Math.min(...vhosts.map((vhost) => vhost.edge.retryMaxMs));
  return { probeMinMs, probeMaxMs, retryMinMs, retryMaxMs, checkIntervalMs };
}
