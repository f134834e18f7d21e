/**
 * The HTTP side of the edge: HTTP-FLV and its page (`http_server`), the API (`http_api`), metrics (`exporter`), and
 * on each of these listeners `/healthz` and `/readyz`, so that whichever a pod has can be probed.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import type { Purpose } from '../budget/connections.ts';
import { EDGE } from '../conf/defaults.ts';
import type { EdgeConfig, ListenAddress, TlsListen } from '../conf/model.ts';
import { http, https } from '../node-http.ts';
import { addressOf, placeOf } from './gate.ts';
import type { Gateway } from './gateway.ts';
import { clientAddress } from './http/client-address.ts';
import { HttpConnection, type HttpLimits } from './http/connection.ts';
import type { HttpDeps } from './http/deps.ts';
import { httpFault } from './http/http-fault.ts';
import { includes, type Role, Routes } from './http/routes.ts';
import type { Observed } from './http/time-metrics.ts';
import { isWebSocket } from './http/websocket.ts';
import { type BoundAddress, Listeners } from './listeners.ts';
import { followFiles, type TlsListener, tlsOptions } from './tls.ts';

export type { ConfigInForce, HttpDeps, OriginCounters, OriginStatus, ReloadOutcome } from './http/deps.ts';

/** `HttpConnection` has the deadlines: Node's own do not know that a process may be held up. */
const serverOptions = {
  shouldUpgradeCallback: isWebSocket,
  allowHalfOpen: true,
  headersTimeout: 0,
  requestTimeout: 0,
  keepAliveTimeout: 0,
  // Makes a flood of small requests half as expensive.
  optimizeEmptyRequests: true,
};

/** Answers that are under way when the edge closes get this long. */
const closeGraceMs = 1_000;

export class HttpServers {
  readonly #gateway: Gateway;
  readonly #listeners: Readonly<Record<'http' | 'https' | 'api' | 'secureApi' | 'exporter', Listeners>>;
  readonly #servers = new Set<Server>();
  readonly #connections = new WeakMap<Socket, HttpConnection>();
  readonly #routes: Routes;
  readonly #limits: HttpLimits = {
    requestTimeoutMs: () => this.#gateway.config.edge.clientTimeoutMs,
    answerTimeoutMs: EDGE.writeTimeoutMs,
  };

  constructor(gateway: Gateway, deps: HttpDeps) {
    this.#gateway = gateway;
    const plain = (protocol: string, role: Role): Listeners =>
      new Listeners(protocol, purposeOf(role), gateway, () => this.#create(role));
    const secure = (protocol: TlsListener['protocol'], role: Role, listen: () => TlsListen): Listeners =>
      new Listeners(protocol, purposeOf(role), gateway, () => this.#createSecure(role, protocol, listen()));
    this.#listeners = {
      http: plain('http', 'server'),
      https: secure('https', 'server', () => gateway.config.httpServer.https),
      api: plain('http-api', 'api'),
      secureApi: secure('https-api', 'api', () => gateway.config.httpApi.https),
      exporter: plain('exporter', 'exporter'),
    };
    this.#routes = new Routes(
      gateway,
      deps,
      (socket) => this.#connections.get(socket)?.handOver(),
      () => this.addresses,
    );
  }

  /** Opens and closes listeners until they are those of the configuration. Throws when one cannot be opened. */
  async listen(config: EdgeConfig): Promise<void> {
    const { httpServer, httpApi, exporter } = config;
    const server = httpServer.enabled ? httpServer.listen : [];
    const secureServer = httpServer.enabled && httpServer.https.enabled ? httpServer.https.listen : [];
    const api = httpApi.enabled ? httpApi.listen : [];
    const secureApi = httpApi.enabled && httpApi.https.enabled ? httpApi.https.listen : [];
    const { http: plain, https: tls, api: plainApi, secureApi: tlsApi, exporter: metrics } = this.#listeners;
    await plain.set(server);
    await tls.set(secureServer);
    // As in SRS, an address given to both serves both.
    await plainApi.set(without(api, server));
    await tlsApi.set(without(secureApi, secureServer));
    await metrics.set(exporter.enabled ? exporter.listen : []);
    await this.#routes.warnIfLocked(config);
  }

  /** Where clients can connect: with the ports that the system has chosen for 0. */
  get addresses(): BoundAddress[] {
    return Object.values(this.#listeners).flatMap(({ addresses }) => addresses);
  }

  /** What `/api/v1/summaries` answers, whoever may ask for it there. */
  summaries(): Promise<object> {
    return this.#routes.summaries();
  }

  /** For the exporter. */
  observe(what: Observed, tookMs: number): void {
    this.#routes.observe(what, tookMs);
  }

  /** Closes all listeners, and after a moment the connections that are left. */
  async close(): Promise<void> {
    this.#routes.stop();
    const servers = [...this.#servers];
    const closed = Promise.all(servers.map((server) => new Promise((resolve) => server.once('close', resolve))));
    for (const listeners of Object.values(this.#listeners)) await listeners.set([]);
    const force = setTimeout(() => {
      for (const server of servers) server.closeAllConnections();
      this.#routes.close();
    }, closeGraceMs);
    await closed;
    clearTimeout(force);
  }

  #create(role: Role): NetServer {
    const server = http.createServer(serverOptions);
    server.on('connection', (socket: Socket) => this.#connect(socket));
    return this.#prepare(server, role);
  }

  #createSecure(role: Role, protocol: TlsListener['protocol'], listen: TlsListen): NetServer {
    const { ticketKeys, log } = this.#gateway;
    const listener: TlsListener = { protocol, listen, ticketKeys };
    const server = https.createServer({ ...tlsOptions(listener), ...serverOptions });
    followFiles(listener, server, log);
    server.on('secureConnection', (socket: Socket) => this.#connect(socket));
    return this.#prepare(server, role);
  }

  #prepare(server: Server, role: Role): NetServer {
    // A client that has sent its last request and closes its side (`nc -N`, HTTP/1.0) still gets the answer.
    Object.assign(server, { httpAllowHalfOpen: true });
    // Without a listener, Node destroys sockets that time out. Players' sockets have their own rule.
    server.on('timeout', () => {});
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const connection = this.#connectionOf(request);
      connection?.request(request, response, () => this.#routes.serve(role, request, response));
    });
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      const connection = this.#connectionOf(request);
      connection?.upgrade(() => this.#routes.upgrade(role, request, socket, head));
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      const connection = this.#connections.get(socket);
      const reason = httpFault(error);
      if (reason !== undefined)
        this.#gateway.log.info({ ip: addressOf(socket), reason }, 'client sent what is no HTTP');
      if (connection === undefined) socket.destroy();
      else connection.broken(error);
    });
    server.on('listening', () => this.#servers.add(server));
    server.on('close', () => this.#servers.delete(server));
    return server;
  }

  #connect(socket: Socket): void {
    this.#connections.set(socket, new HttpConnection(socket, placeOf(socket), this.#limits));
  }

  /** The connection of a request. The request is progress in the budget, and may name the client's own address. */
  #connectionOf(request: IncomingMessage): HttpConnection | undefined {
    const place = placeOf(request.socket);
    place.progressed();
    place.cameFrom(clientAddress(request, this.#gateway.config.edge.trustedProxies));
    return this.#connections.get(request.socket);
  }
}

function purposeOf(role: Role): Purpose {
  return role === 'server' ? 'http' : 'service';
}

function without(addresses: readonly ListenAddress[], others: readonly ListenAddress[]): readonly ListenAddress[] {
  return addresses.filter((address) => !includes(others, address));
}
