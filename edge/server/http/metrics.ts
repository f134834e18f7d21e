/**
 * Metrics for Prometheus: SRS's names where SRS has one, ours (`edge_…`) beside them, and the usual ones of a Node
 * process. All but the histogram of splice gaps is read when somebody asks, so that frames cost nothing here.
 */

import { hostname, machine, release, type as systemName, version as systemVersion } from 'node:os';
import { Counter, collectDefaultMetrics, Gauge, type Histogram, Registry } from 'prom-client';
import type { ExporterConfig } from '../../conf/model.ts';
import { version } from '../../version.ts';
import type { Gateway } from '../gateway.ts';
import { addBudgetMetrics } from './budget-metrics.ts';
import type { HttpDeps, OriginCounters } from './deps.ts';
import { addEntranceMetrics } from './entrance-metrics.ts';
import { streamCount, streamEntries } from './figures.ts';
import { nextTurn } from './in-turns.ts';
import { addMemoryMetrics } from './memory-metrics.ts';
import { metricsText } from './metrics-text.ts';
import { addMoveMetrics } from './move-metrics.ts';
import { StreamMetrics } from './stream-metrics.ts';
import type { CpuShare } from './system.ts';
import { addTimes, type Observed } from './time-metrics.ts';
import type { RoleCounts, Traffic } from './traffic.ts';

const streamStates = ['idle', 'connecting', 'live', 'reconnecting', 'lingering', 'pushed'] as const;
const originStates = ['untried', 'up', 'suspect', 'down'] as const;

/** Node's own 10 ms would wake an idle edge a hundred times a second. */
const lagPrecisionMs = 50;

const perConnection = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  'process_open_fds',
];

export class Metrics {
  readonly registry = new Registry();
  readonly #gateway: Gateway;
  readonly #deps: HttpDeps;
  readonly #traffic: Traffic;
  readonly #observed: Readonly<Record<Observed, Histogram>>;
  readonly #streams: StreamMetrics;
  /** As of the last scrape. */
  #roles: RoleCounts = { play: 0, edges: 0, publish: 0 };
  #scrape: Promise<string> | undefined;

  constructor(exporter: ExporterConfig, gateway: Gateway, deps: HttpDeps, traffic: Traffic, cpu: CpuShare) {
    this.#gateway = gateway;
    this.#deps = deps;
    this.#traffic = traffic;
    const { label, tag } = exporter;
    const labels = { ...(label === '' ? {} : { label }), ...(tag === '' ? {} : { tag }) };
    this.registry.setDefaultLabels(labels);
    this.#addSrs(cpu);
    this.#addClients();
    this.#addStreams();
    this.#addOrigins();
    this.#addLog();
    addBudgetMetrics(this.registry, gateway.budget);
    addEntranceMetrics(this.registry, gateway.entrance);
    addMemoryMetrics(this.registry, gateway.hub.memory);
    addMoveMetrics(this.registry, gateway.moves);
    this.#streams = new StreamMetrics(this.registry, gateway, traffic);
    this.#observed = addTimes(this.registry, gateway.clients);
    this.#addProcess();
  }

  /** What Prometheus reads. All is looked at once for it; who asks meanwhile is given the same. */
  text(): Promise<string> {
    this.#scrape ??= this.#read().finally(() => {
      this.#scrape = undefined;
    });
    return this.#scrape;
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  async #read(): Promise<string> {
    this.#roles = await this.#traffic.collect();
    await this.#streams.look();
    await nextTurn();
    return await metricsText(this.registry);
  }

  observe(what: Observed, tookMs: number): void {
    this.#observed[what].observe(tookMs / 1000);
  }

  #addSrs(cpu: CpuShare): void {
    const { serverId, hub, clients } = this.#gateway;
    const { total } = this.#traffic;
    const uname = { sysname: systemName(), nodename: hostname(), release: release(), machine: machine() };
    const build = { server: serverId, pid: String(process.pid), major: version.split('.')[0] ?? '0', version };
    this.#info('srs_node_uname_info', 'The system this edge runs on.', { ...uname, version: systemVersion() });
    this.#info('srs_build_info', 'The version of this edge.', build);
    this.#gauge('srs_cpu_percent', 'Share of one core used lately, percent.', () => cpu.self * 100);
    this.#gauge('srs_memory', 'Resident memory, kB.', () => Math.round(process.memoryUsage.rss() / 1024));
    this.#counter('srs_send_bytes_total', 'Bytes sent to clients.', () => total.sent);
    this.#counter('srs_receive_bytes_total', 'Bytes received from clients.', () => total.received);
    this.#gauge('srs_streams', 'Streams that are played or published.', () => streamCount(hub));
    this.#gauge('srs_clients', 'Clients connected.', () => clients.size);
    this.#counter('srs_clients_total', 'Clients taken since the start.', () => clients.totalAccepted);
    this.#counter('edge_clients_refused_total', 'Clients that were not let play or publish.', () => clients.refused);
    this.#counter('srs_clients_errs_total', 'Clients that left because something failed.', () => clients.totalFailed);
  }

  #addClients(): void {
    const gateway = this.#gateway;
    this.#gauge('edge_players', 'Clients that play.', () => this.#roles.play);
    this.#gauge('edge_publishers', 'Clients that publish.', () => this.#roles.publish);
    this.#gauge('edge_draining', '1 while the edge lets its last clients finish.', () => Number(gateway.draining));
    const help = '1 while a changed configuration is refused and the one before it runs on.';
    this.#gauge('edge_config_refused', help, () => Number(this.#deps.lastReload()?.ok === false));
    const odd = 'Messages of RTMP clients that could not be used: passed over.';
    this.#counter('edge_client_odd_messages_total', odd, () => gateway.clients.oddMessages);
    const dropped = 'Times that frames were dropped for a player too slow.';
    this.#counter('edge_dropped_gops_total', dropped, () => this.#traffic.droppedGops);
  }

  #addStreams(): void {
    const { hub } = this.#gateway;
    const { registry } = this;
    const slicesHelp = 'Slices made: what players are given in one write.';
    this.#counter('edge_slices_total', slicesHelp, () => this.#traffic.slices);
    const bytesHelp = 'Bytes of media in the slices, counted once for all players.';
    this.#counter('edge_slice_bytes_total', bytesHelp, () => this.#traffic.sliceBytes);
    const epochsHelp = 'Beginnings of time that HTTP-FLV players have: each costs one encoding of every slice.';
    this.#gauge('edge_flv_epochs', epochsHelp, () =>
      [...hub.streams.values()].reduce((sum, stream) => sum + stream.flvEpochs.size, 0),
    );
    const oddHelp = 'Audio and video frames dropped because their times did not follow their track.';
    this.#counter('edge_odd_frames_total', oddHelp, () => hub.counters.oddFrames);
    const headersHelp = 'Sequence headers and metadata dropped: their stream had as many as a stream may have.';
    this.#counter('edge_dropped_headers_total', headersHelp, () => {
      return hub.counters.droppedHeaders + this.#deps.counters().droppedHeaders;
    });
    new Gauge({
      name: 'edge_streams',
      help: 'Streams by the state of what feeds them.',
      labelNames: ['state'],
      registers: [registry],
      collect() {
        const counts = new Map<(typeof streamStates)[number], number>(streamStates.map((state) => [state, 0]));
        for (const { live } of streamEntries(hub)) {
          const state = live?.source?.state ?? 'pushed';
          counts.set(state, (counts.get(state) ?? 0) + 1);
        }
        for (const [state, count] of counts) this.set({ state }, count);
      },
    });
  }

  #addOrigins(): void {
    const deps = this.#deps;
    const { registry } = this;
    new Gauge({
      name: 'edge_origin_state',
      help: 'State of each origin: 1 for the state it is in, 0 for the others.',
      labelNames: ['origin', 'state'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { name, state } of deps.origins()) {
          for (const each of originStates) this.set({ origin: name, state: each }, Number(each === state));
        }
      },
    });
    new Gauge({
      name: 'edge_origin_connections',
      help: 'Connections that carry a stream to or from an origin.',
      labelNames: ['origin'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { name, connections } of deps.origins()) this.set({ origin: name }, connections);
      },
    });
    const count = (name: string, help: string, of: keyof OriginCounters): void =>
      this.#counter(name, help, () => deps.counters()[of]);
    count('edge_pulls_total', 'Streams pulled from origins.', 'pulls');
    count('edge_pushes_total', 'Streams pushed to origins.', 'pushes');
    count('edge_pull_switches_total', 'Times that a pulled stream went on from another origin.', 'pullSwitches');
    count('edge_push_switches_total', 'Times that a pushed stream went on to another origin.', 'pushSwitches');
    count(
      'edge_push_repeats_total',
      'Times that a stream was pushed again because its origin had not got it.',
      'pushRepeats',
    );
    new Counter({
      name: 'edge_origin_lookups_total',
      help: 'Times that DNS was asked for origins (origin_lookup), by what came of it.',
      labelNames: ['result'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [result, count] of Object.entries(deps.lookups().counts)) this.inc({ result }, count);
      },
    });
    new Counter({
      name: 'edge_locate_questions_total',
      help: 'Times that locate_url was asked where a stream is, by what came of it.',
      labelNames: ['result'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [result, count] of Object.entries(deps.locateCounts())) this.inc({ result }, count);
      },
    });
    const lookedUp = 'Addresses of origins that DNS had when it was last asked.';
    this.#gauge('edge_origin_lookup_addresses', lookedUp, () => deps.lookups().addresses);
    const underWay = 'Callbacks that have no answer yet, or wait for a connection.';
    this.#gauge('edge_callbacks_under_way', underWay, () => deps.callbacksUnderWay());
    const lostCallbacks = 'Callbacks that were not sent because too many waited for an answer.';
    this.#counter('edge_callbacks_lost_total', lostCallbacks, () => deps.lostCallbacks());
    count('edge_origin_odd_messages_total', 'Messages of origins that could not be used: passed over.', 'oddMessages');
    count('edge_push_dropped_gops_total', 'Times that frames were dropped for an origin too slow.', 'pushDroppedGops');
  }

  /** Those of any Node process, but for what looks at each connection and tells no more than `edge_connections`. */
  #addProcess(): void {
    const { connections } = this.#gateway.budget;
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: lagPrecisionMs });
    for (const name of perConnection) this.registry.removeSingleMetric(name);
    const open = 'Number of open file descriptors.';
    this.#gauge('process_open_fds', open, () => connections.descriptors.inUse(connections.size));
  }

  #addLog(): void {
    const deps = this.#deps;
    const lost = 'Log lines that could not be written.';
    this.#counter('edge_log_lines_lost_total', lost, () => deps.logCounts().lostLines);
    const leftOut = 'Log lines not written because there were too many of their event.';
    this.#counter('edge_log_lines_left_out_total', leftOut, () => deps.logCounts().leftOutLines);
  }

  #info(name: string, help: string, labels: Readonly<Record<string, string>>): void {
    new Gauge({ name, help, labelNames: Object.keys(labels), registers: [this.registry] }).set(labels, 1);
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  #counter(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }
}
