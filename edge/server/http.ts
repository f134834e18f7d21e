/**
 * The HTTP side of the edge: HTTP-FLV and its page (`http_server`), the API (`http_api`), metrics (`exporter`), and
 * on each of these listeners `/healthz` and `/readyz`, so that whichever a pod has can be probed.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import type { Purpose } from '../budget/connections.ts';
import type { EdgeConfig, ListenAddress, TlsListen } from '../conf/model.ts';
import { http, https } from '../node-http.ts';
import { placeOf } from './gate.ts';
import type { Gateway } from './gateway.ts';
import { Access } from './http/access.ts';
import { Api } from './http/api.ts';
import { clientAddress } from './http/client-address.ts';
import { crossOriginHeaders } from './http/cross-origin.ts';
import type { HttpDeps } from './http/deps.ts';
import { serveFile } from './http/files.ts';
import { FlvServer } from './http/flv-server.ts';
import { Metrics } from './http/metrics.ts';
import { hostOf, send, sendJson, sendOptions, sendText, serverHeader, targetOf } from './http/reply.ts';
import { status } from './http/status.ts';
import { CpuShare } from './http/system.ts';
import { Traffic } from './http/traffic.ts';
import { isWebSocket } from './http/websocket.ts';
import { type BoundAddress, Listeners } from './listeners.ts';
import { tlsOptions, watchCertificate } from './tls.ts';

export type { ConfigInForce, HttpDeps, OriginCounters, OriginStatus, ReloadOutcome } from './http/deps.ts';

/** What a listener is for. */
type Role = 'server' | 'api' | 'exporter';

/** Node looks for requests that take too long every 30 s unless told otherwise. */
const serverOptions = { shouldUpgradeCallback: isWebSocket, connectionsCheckingInterval: 1_000 };

/** Answers that are under way when the edge closes get this long. */
const closeGraceMs = 1_000;

export class HttpServers {
  readonly #gateway: Gateway;
  readonly #deps: HttpDeps;
  readonly #listeners: Readonly<Record<'http' | 'https' | 'api' | 'secureApi' | 'exporter', Listeners>>;
  readonly #servers = new Set<Server>();
  readonly #traffic: Traffic;
  readonly #cpu = new CpuShare();
  readonly #cpuTimer: NodeJS.Timeout;
  readonly #access: Access;
  readonly #api: Api;
  readonly #flv: FlvServer;
  readonly #metrics: Metrics | undefined;

  constructor(gateway: Gateway, deps: HttpDeps) {
    this.#gateway = gateway;
    this.#deps = deps;
    const { config } = gateway;
    const plain = (protocol: string, role: Role): Listeners =>
      new Listeners(protocol, purposeOf(role), gateway, () => this.#create(role));
    const secure = (protocol: string, role: Role, listen: () => TlsListen): Listeners =>
      new Listeners(protocol, purposeOf(role), gateway, () => this.#createSecure(role, listen()));
    this.#listeners = {
      http: plain('http', 'server'),
      https: secure('https', 'server', () => gateway.config.httpServer.https),
      api: plain('http-api', 'api'),
      secureApi: secure('https-api', 'api', () => gateway.config.httpApi.https),
      exporter: plain('exporter', 'exporter'),
    };
    this.#traffic = new Traffic(gateway.clients, gateway.hub);
    this.#cpuTimer = setInterval(() => this.#cpu.look(), 5_000).unref();
    this.#access = new Access(gateway);
    this.#api = new Api(gateway, deps, this.#access, this.#traffic, this.#cpu);
    this.#flv = new FlvServer(gateway, deps);
    this.#metrics = config.exporter.enabled
      ? new Metrics(config.exporter, gateway, deps, this.#traffic, this.#cpu)
      : undefined;
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
    await this.#access.warnIfLocked(config);
  }

  /** Where clients can connect: with the ports that the system has chosen for 0. */
  get addresses(): BoundAddress[] {
    return Object.values(this.#listeners).flatMap(({ addresses }) => addresses);
  }

  /** A stream went on from another origin: how long players had no frame. */
  observeSpliceGap(gapMs: number): void {
    this.#metrics?.observeSpliceGap(gapMs);
  }

  /** Closes all listeners, and after a moment the connections that are left. */
  async close(): Promise<void> {
    clearInterval(this.#cpuTimer);
    this.#traffic.close();
    const servers = [...this.#servers];
    const closed = Promise.all(servers.map((server) => new Promise((resolve) => server.once('close', resolve))));
    for (const listeners of Object.values(this.#listeners)) await listeners.set([]);
    const force = setTimeout(() => {
      for (const server of servers) server.closeAllConnections();
      this.#flv.close();
    }, closeGraceMs);
    await closed;
    clearTimeout(force);
  }

  #create(role: Role): NetServer {
    return this.#prepare(http.createServer(serverOptions), role);
  }

  #createSecure(role: Role, listen: TlsListen): NetServer {
    const server = https.createServer({ ...tlsOptions(listen), ...serverOptions });
    const unwatch = watchCertificate(listen, server, this.#gateway.log);
    server.on('close', unwatch);
    return this.#prepare(server, role);
  }

  #prepare(server: Server, role: Role): NetServer {
    // Asked with each connection: a reload may have changed it.
    server.on('connection', () => {
      server.headersTimeout = this.#gateway.config.edge.clientTimeoutMs;
    });
    // Node destroys sockets that time out unless somebody listens: players' sockets have their own rule.
    server.on('timeout', () => {});
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#serve(role, request, response).catch((error: unknown) => {
        this.#gateway.log.error({ err: error, url: request.url }, 'http request failed');
        if (response.headersSent) response.destroy();
        else sendText(response, 500, 'internal error');
      });
    });
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      socket.on('error', () => {});
      this.#flv.upgrade(role === 'server', request, socket, head);
    });
    server.on('listening', () => this.#servers.add(server));
    server.on('close', () => this.#servers.delete(server));
    return server;
  }

  async #serve(role: Role, request: IncomingMessage, response: ServerResponse): Promise<void> {
    // What comes behind the request for a stream is no request: the connection is the stream's.
    if (this.#flv.owns(request.socket)) return void request.socket.destroy();
    const place = placeOf(request.socket);
    place.progressed();
    place.cameFrom(clientAddress(request, this.#gateway.config.edge.trustedProxies));
    const url = targetOf(request);
    if (url === undefined) return sendText(response, 400, 'this is no URL');
    const { httpServer } = this.#gateway.config;
    const isApi =
      (role === 'api' || (role === 'server' && shared(this.#gateway.config))) && /^\/api(\/|$)/.test(url.pathname);
    response.setHeader('Server', serverHeader);
    if (isApi) return this.#api.serve(request, response, url);
    const crossdomain = role === 'server' && httpServer.crossdomain;
    for (const [name, value] of Object.entries(crossOriginHeaders(request, crossdomain))) {
      response.setHeader(name, value);
    }
    if (request.method === 'OPTIONS') return sendOptions(response, crossdomain);
    if (url.pathname === '/healthz') return sendText(response, 200, 'ok');
    if (url.pathname === '/readyz') return this.#readiness(response);
    if (role === 'exporter' && url.pathname === '/metrics') return this.#sendMetrics(response);
    if (role === 'server') return this.#serveViewer(request, response, url);
    sendJson(response, 404, { code: 404, data: `there is no ${url.pathname}` });
  }

  #readiness(response: ServerResponse): void {
    if (this.#gateway.draining) return sendText(response, 503, 'draining');
    if (!this.#deps.accepting()) return sendText(response, 503, 'not listening');
    sendText(response, 200, 'ready');
  }

  async #sendMetrics(response: ServerResponse): Promise<void> {
    if (this.#metrics === undefined) return sendText(response, 404, 'the exporter is off');
    const { registry } = this.#metrics;
    send(response, 200, registry.contentType, await registry.metrics());
  }

  async #serveViewer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { httpServer } = this.#gateway.config;
    if (url.pathname === '/edge/status.json') return this.#sendStatus(request, response);
    const missing = this.#flv.serve(request, response, url);
    if (missing === undefined) return;
    if (await serveFile(httpServer.dir, url.pathname, request, response)) return;
    if (request.method !== 'GET' && request.method !== 'HEAD') return sendText(response, 405, 'only GET and HEAD');
    sendText(response, 404, missing);
  }

  #sendStatus(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#gateway.config.edge.pageFigures) {
      return sendJson(response, 404, { code: 404, data: 'figures are off: `edge { page_figures on; }` shows them' });
    }
    sendJson(response, 200, status(this.#gateway, this.#deps, this.#traffic, hostOf(request)));
  }
}

function purposeOf(role: Role): Purpose {
  return role === 'server' ? 'http' : 'service';
}

/** Whether the listeners for streams serve the API too. */
function shared({ httpApi, httpServer }: EdgeConfig): boolean {
  return httpApi.enabled && httpApi.listen.some((address) => includes(httpServer.listen, address));
}

function without(addresses: readonly ListenAddress[], others: readonly ListenAddress[]): readonly ListenAddress[] {
  return addresses.filter((address) => !includes(others, address));
}

/** Port 0 is another port each time. */
function includes(addresses: readonly ListenAddress[], { host, port }: ListenAddress): boolean {
  return port !== 0 && addresses.some((other) => other.host === host && other.port === port);
}
