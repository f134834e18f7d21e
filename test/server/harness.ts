/**
 * An edge in `mode local` without its RTMP side: a real hub and real HTTP servers on ports of the system's choice,
 * fed by messages that a test pushes.
 */

import { EventEmitter } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { Entrance } from '../../edge/access/entrance.ts';
import { Budget } from '../../edge/budget/budget.ts';
import { type ConfigOverrides, defaultConfig, defaultVhost, type VhostOverrides } from '../../edge/conf/defaults.ts';
import type { EdgeConfig, VhostConfig } from '../../edge/conf/model.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { Clients } from '../../edge/server/clients.ts';
import { Journal } from '../../edge/server/console/journal.ts';
import { isConsoleWanted } from '../../edge/server/console/wanted.ts';
import type { Gateway, Grants } from '../../edge/server/gateway.ts';
import { type HttpDeps, HttpServers, type ReloadOutcome } from '../../edge/server/http.ts';
import { Moves } from '../../edge/server/moves/moves.ts';
import { Rebalance } from '../../edge/server/moves/rebalance.ts';
import { TicketKeys } from '../../edge/server/ticket-keys.ts';
import { Hub } from '../../edge/stream/hub.ts';
import type { LiveStream } from '../../edge/stream/live-stream.ts';
import type { Publication } from '../../edge/stream/publication.ts';
import type { ConnectRequest, Refusal, StreamRequest } from '../../edge/stream/request.ts';

export const anyPort = [{ host: '127.0.0.1', port: 0 }] as const;

/** A vhost that streams by HTTP and hands on every message at once. */
export function flvVhost(overrides: VhostOverrides = {}): VhostConfig {
  return defaultVhost({ minLatency: true, ...overrides, httpRemux: { enabled: true, ...overrides.httpRemux } });
}

export class TestEdge implements Gateway, Grants {
  readonly log = pino({ level: 'silent' });
  readonly serverId = 'test-edge';
  readonly clients = new Clients();
  readonly moves = new Moves(this.clients);
  readonly rebalance = new Rebalance(this.clients, this.moves);
  readonly budget = new Budget(() => this.config);
  readonly entrance = new Entrance(this.log);
  readonly ticketKeys = new TicketKeys(this.log);
  readonly journal = new Journal(() => isConsoleWanted(this.config));
  readonly hub: Hub;
  readonly grants = this;
  config: EdgeConfig;
  draining = false;
  accepting = true;
  /** Set to have `play` refused. */
  refusal: Refusal | undefined;
  absent = false;
  readonly calls: string[] = [];
  /** `play` when a player has been attached, `stopped` when one has left. */
  readonly events = new EventEmitter();
  outcome: ReloadOutcome | undefined;
  readonly deps: HttpDeps;
  readonly http: HttpServers;

  constructor(overrides: ConfigOverrides) {
    this.config = defaultConfig(overrides);
    this.hub = new Hub({
      pull: () => {
        throw new Error('nothing is pulled in mode local');
      },
      push: () => {
        throw new Error('nothing is pushed in mode local');
      },
    });
    this.deps = {
      accepting: () => this.accepting,
      origins: () => [
        { name: 'one:1935', state: 'up', reason: '', sinceMs: 1, failures: 0, connections: 2 },
        { name: 'two:1935', state: 'down', reason: 'refused', sinceMs: 2, failures: 3, connections: 0 },
      ],
      lostCallbacks: () => 0,
      callbacksUnderWay: () => 0,
      locateCounts: () => ({ found: 7, empty: 8, failed: 9 }),
      counters: () => ({
        pulls: 5,
        pushes: 4,
        pullSwitches: 3,
        pushSwitches: 2,
        pushRepeats: 1,
        pushDroppedGops: 1,
        oddMessages: 6,
        droppedHeaders: 0,
      }),
      lookups: () => ({ counts: { found: 7, empty: 1, failed: 2 }, addresses: 3 }),
      reload: async () => {
        this.calls.push('reload');
        this.outcome = { ok: true, atMs: 7, difference: { changes: [], vhostsAdded: [], vhostsRemoved: [] } };
        return this.outcome;
      },
      config: () => ({ hash: '0123456789abcdef', needsRestart: ['http_api.listen'] }),
      lastReload: () => this.outcome,
      logCounts: () => ({ lostLines: 0, leftOutLines: 0 }),
    };
    this.http = new HttpServers(this, this.deps);
  }

  isAbsent(): boolean {
    return this.absent;
  }

  async connect(): Promise<void> {}

  async play(request: StreamRequest, vhost: VhostConfig): Promise<LiveStream> {
    this.calls.push(`play ${request.vhost}/${request.app}/${request.stream}${request.param}`);
    if (this.refusal !== undefined) throw this.refusal;
    setImmediate(() => this.events.emit('play'));
    return this.hub.play(request, vhost);
  }

  publish(request: StreamRequest, vhost: VhostConfig): Promise<Publication> {
    const events = { gone: new AbortController().signal, ended: () => {}, silentMs: () => 0 };
    return this.hub.publish(request, vhost, events, 'unproven');
  }

  stopped(request: StreamRequest): void {
    this.calls.push(`stopped ${request.stream}`);
    this.events.emit('stopped');
  }

  unpublished(_request: StreamRequest, _vhost: VhostConfig, publication: Publication): void {
    this.hub.unpublish(publication);
  }

  closed(_request: ConnectRequest): void {}

  /** Port of the listener with that protocol. */
  port(protocol = 'http'): number {
    const address = this.http.addresses.find((each) => each.protocol === protocol);
    if (address === undefined) throw new Error(`no ${protocol} listener`);
    return address.port;
  }

  url(path: string, protocol = 'http'): string {
    return `${protocol.startsWith('https') ? 'https' : 'http'}://127.0.0.1:${this.port(protocol)}${path}`;
  }

  /** Publishes `live/NAME` in the first vhost. */
  async publisher(stream = 'one'): Promise<Publisher> {
    const vhost = this.config.vhosts[0]!;
    const request: StreamRequest = {
      clientId: 'publish',
      protocol: 'rtmp',
      ip: '127.0.0.1',
      vhost: vhost.name,
      app: 'live',
      stream,
      param: '',
      tcUrl: `rtmp://${vhost.name}/live`,
      pageUrl: '',
      swfUrl: '',
      connectObject: {},
      connectArgs: [],
    };
    return new Publisher(this, await this.publish(request, vhost));
  }
}

export class Publisher {
  readonly #edge: TestEdge;
  readonly publication: Publication;

  constructor(edge: TestEdge, publication: Publication) {
    this.#edge = edge;
    this.publication = publication;
  }

  /** Messages that were read at once. */
  push(...messages: RtmpMessage[]): void {
    for (const message of messages) this.publication.push(message);
    this.publication.flush();
  }

  stop(): void {
    this.#edge.hub.unpublish(this.publication);
  }
}

/** An edge for one test, with an HTTP server for streams; closed when the test is over. */
export async function startEdge(context: TestContext, overrides: ConfigOverrides = {}): Promise<TestEdge> {
  const edge = new TestEdge({
    vhosts: [flvVhost()],
    ...overrides,
    httpServer: { enabled: true, listen: anyPort, dir: '/nonexistent', ...overrides.httpServer },
    httpApi: { listen: anyPort, ...overrides.httpApi },
    exporter: { listen: anyPort, ...overrides.exporter },
  });
  await edge.http.listen(edge.config);
  context.after(async () => {
    edge.rebalance.stop();
    edge.hub.close();
    await edge.http.close();
  });
  return edge;
}

/** A connection whose bytes are looked at one by one. */
export class RawClient {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #ended = false;
  #changed = (): void => {};

  constructor(port: number, request: string) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#changed();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.#ended = true;
      this.#changed();
    });
    this.socket.write(request);
  }

  get received(): Buffer {
    return this.#received;
  }

  /** Takes the next `size` bytes when they are there. */
  async take(size: number): Promise<Buffer> {
    await this.#until(() => this.#received.length >= size);
    const bytes = this.#received.subarray(0, size);
    this.#received = this.#received.subarray(size);
    return bytes;
  }

  /** Takes the head of a response, as text without the empty line. */
  async takeHead(): Promise<string> {
    await this.#until(() => this.#received.includes('\r\n\r\n'));
    const end = this.#received.indexOf('\r\n\r\n');
    return (await this.take(end + 4)).toString('latin1', 0, end);
  }

  /** All that came until the server closed the connection. */
  async rest(): Promise<Buffer> {
    await this.#until(() => this.#ended);
    return this.#received;
  }

  async #until(met: () => boolean): Promise<void> {
    while (!met()) {
      if (this.#ended) throw new Error(`closed after ${JSON.stringify(this.#received.toString('latin1'))}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

/** The text of a GET request as browsers and players send it. */
export function getRequest(path: string, headers: Record<string, string> = {}, version = '1.1'): string {
  const lines = Object.entries({ Host: 'edge.example', ...headers }).map(([name, value]) => `${name}: ${value}`);
  return [`GET ${path} HTTP/${version}`, ...lines, '', ''].join('\r\n');
}
