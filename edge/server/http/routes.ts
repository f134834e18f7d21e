/**
 * What a request is for: probes on every listener, and beside them what the listener's role is.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { EdgeConfig, ListenAddress } from '../../conf/model.ts';
import { PastFigures } from '../console/past-figures.ts';
import { Rises } from '../console/rises.ts';
import type { Gateway } from '../gateway.ts';
import type { BoundAddress } from '../listeners.ts';
import { Access, guardedMetrics } from './access.ts';
import { addAccessMetrics } from './access-metrics.ts';
import { Api } from './api.ts';
import { consoleResources } from './console-api.ts';
import { crossOriginHeaders } from './cross-origin.ts';
import type { HttpDeps } from './deps.ts';
import { serveFile, servePage } from './files.ts';
import { FlvServer } from './flv-server.ts';
import { Metrics } from './metrics.ts';
import { pagePath } from './page-files.ts';
import { hostOf, readMethods, send, sendJson, sendOptions, sendText, serverHeader, targetOf } from './reply.ts';
import { Status } from './status.ts';
import { StreamList, streamQuery } from './stream-list.ts';
import { CpuShare, LoopLag } from './system.ts';
import type { Observed } from './time-metrics.ts';
import { Traffic } from './traffic.ts';

const statusPath = '/edge/status.json';

/** Tells the page what it can have at the address that it was loaded from. */
const offersPath = '/edge/page.json';

/** What a listener is for. */
export type Role = 'server' | 'api' | 'exporter';

export class Routes {
  readonly #gateway: Gateway;
  readonly #deps: HttpDeps;
  readonly #addresses: () => readonly BoundAddress[];
  readonly #traffic: Traffic;
  readonly #cpu = new CpuShare();
  readonly #loop = new LoopLag();
  readonly #lookTimer: NodeJS.Timeout;
  readonly #access: Access;
  readonly #metricsAccess: Access;
  readonly #api: Api;
  readonly #flv: FlvServer;
  readonly #metrics: Metrics | undefined;
  readonly #past: PastFigures;
  readonly #rises: Rises;
  readonly #status: Status;

  /**
   * @param streamBegins called when a stream takes over a connection
   * @param addresses where this edge listens for HTTP
   */
  constructor(
    gateway: Gateway,
    deps: HttpDeps,
    streamBegins: (socket: Socket) => void,
    addresses: () => readonly BoundAddress[],
  ) {
    this.#gateway = gateway;
    this.#deps = deps;
    this.#addresses = addresses;
    const { config } = gateway;
    this.#traffic = new Traffic(gateway.clients, gateway.hub, () => gateway.config.vhosts.map(({ name }) => name));
    this.#lookTimer = setInterval(() => {
      this.#cpu.look();
      this.#loop.look();
    }, 5_000).unref();
    this.#access = new Access(gateway);
    this.#metricsAccess = new Access(gateway, guardedMetrics);
    const process = { cpu: this.#cpu, loop: this.#loop };
    this.#past = new PastFigures(gateway, this.#traffic, process);
    this.#rises = new Rises(gateway, deps, this.#access);
    this.#status = new Status(gateway, deps, this.#traffic, new StreamList(gateway, this.#traffic, this.#past));
    const sources = { gateway, traffic: this.#traffic, past: this.#past, ...process };
    const console = consoleResources(sources, this.#status);
    this.#api = new Api({ gateway, deps, access: this.#access, traffic: this.#traffic, console, ...process });
    this.#flv = new FlvServer(gateway, deps, streamBegins);
    this.#metrics = config.exporter.enabled
      ? new Metrics(config.exporter, gateway, deps, this.#traffic, this.#cpu)
      : undefined;
    if (this.#metrics !== undefined) addAccessMetrics(this.#metrics.registry, this.#access);
  }

  /** Warns when nobody has credentials although the API listens to others, or credentials are asked for. */
  async warnIfLocked(config: EdgeConfig): Promise<void> {
    if (config.httpApi.enabled) await this.#access.warnIfLocked(config);
    if (config.exporter.enabled) await this.#metricsAccess.warnIfLocked(config);
  }

  /** What `/api/v1/summaries` answers. */
  summaries(): Promise<object> {
    return this.#api.summaries();
  }

  /** For the exporter. */
  observe(what: Observed, tookMs: number): void {
    this.#metrics?.observe(what, tookMs);
  }

  /** Looks and measures no more. */
  stop(): void {
    clearInterval(this.#lookTimer);
    this.#loop.stop();
    this.#traffic.close();
    this.#past.close();
    this.#rises.close();
  }

  /** Ends at once what plays. */
  close(): void {
    this.#flv.close();
  }

  /** Answers a request to speak another protocol on the connection from now on; never fails. */
  upgrade(role: Role, request: IncomingMessage, socket: Socket, head: Buffer): void {
    try {
      this.#flv.upgrade(role === 'server', request, socket, head);
    } catch (error) {
      this.#gateway.log.error({ err: error, url: request.url }, 'http upgrade failed');
      socket.destroy();
    }
  }

  /** Answers a request; never fails. */
  serve(role: Role, request: IncomingMessage, response: ServerResponse): void {
    this.#serve(role, request, response).catch((error: unknown) => {
      this.#gateway.log.error({ err: error, url: request.url }, 'http request failed');
      if (response.headersSent) response.destroy();
      else sendText(response, 500, 'internal error');
    });
  }

  async #serve(role: Role, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = targetOf(request);
    if (url === undefined) return sendText(response, 400, 'this is no URL');
    const { httpServer } = this.#gateway.config;
    const isApi =
      (role === 'api' || (role === 'server' && shared(this.#gateway.config))) && /^\/api(\/|$)/.test(url.pathname);
    response.setHeader('Server', serverHeader);
    // What a browser asks for next must reach another edge.
    if (this.#gateway.draining) response.setHeader('Connection', 'close');
    if (isApi) return this.#api.serve(request, response, url);
    // The figures are for the page that this listener serves, not for pages from elsewhere.
    const crossdomain = role === 'server' && httpServer.crossdomain && url.pathname !== statusPath;
    for (const [name, value] of Object.entries(crossOriginHeaders(request, crossdomain))) {
      response.setHeader(name, value);
    }
    if (request.method === 'OPTIONS') return sendOptions(response, crossdomain, readMethods);
    if (url.pathname === '/healthz') return sendText(response, 200, 'ok');
    if (url.pathname === '/readyz') return this.#readiness(response);
    if (role === 'exporter' && url.pathname === '/metrics') return this.#sendMetrics(request, response);
    if (role === 'server') return this.#serveViewer(request, response, url);
    if (role === 'api' && (await this.#serveConsole(request, response, url))) return;
    sendJson(response, 404, { code: 404, data: `there is no ${url.pathname}` });
  }

  /** The page beside the API: its files hold no figures, and what it asks the API for is guarded there. */
  async #serveConsole(request: IncomingMessage, response: ServerResponse, { pathname }: URL): Promise<boolean> {
    const { edge, httpServer } = this.#gateway.config;
    if (!edge.page) return false;
    if (pathname !== offersPath) return await servePage(pathname === '/' ? pagePath : pathname, request, response);
    const port = (protocol: string): number | null =>
      this.#addresses().find((address) => address.protocol === protocol)?.port ?? null;
    const streams = { http: port('http'), https: port('https'), crossdomain: httpServer.crossdomain };
    sendJson(response, 200, { api: true, figures: false, streams });
    return true;
  }

  #readiness(response: ServerResponse): void {
    if (this.#gateway.draining) return sendText(response, 503, 'draining');
    if (!this.#deps.accepting()) return sendText(response, 503, 'not listening');
    sendText(response, 200, 'ready');
  }

  async #sendMetrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const access = this.#metricsAccess;
    // Without credentials whoever reaches the port may read.
    const refusal = access.asksForCredentials() ? await access.refusal(request, 'read') : undefined;
    if (refusal !== undefined) {
      for (const [name, value] of Object.entries(refusal.headers)) response.setHeader(name, value);
      return sendText(response, refusal.status, refusal.reason);
    }
    if (this.#metrics === undefined) return sendText(response, 404, 'the exporter is off');
    send(response, 200, this.#metrics.contentType, await this.#metrics.text());
  }

  async #serveViewer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { httpServer, edge } = this.#gateway.config;
    if (edge.page && url.pathname === statusPath) return await this.#sendStatus(request, response, url);
    if (edge.page && url.pathname === offersPath) {
      const offers = { api: shared(this.#gateway.config), figures: edge.pageFigures, streams: null };
      return sendJson(response, 200, offers);
    }
    const missing = this.#flv.serve(request, response, url);
    if (missing === undefined) return;
    const files = { dir: httpServer.dir, page: edge.page };
    if (await serveFile(files, url.pathname, request, response)) return;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return sendText(response, 405, 'only GET and HEAD', { Allow: readMethods });
    }
    sendText(response, 404, missing);
  }

  async #sendStatus(request: IncomingMessage, response: ServerResponse, { searchParams }: URL): Promise<void> {
    if (!this.#gateway.config.edge.pageFigures) {
      return sendJson(response, 404, { code: 404, data: 'figures are off: `edge { page_figures on; }` shows them' });
    }
    const query = streamQuery(searchParams);
    if ('wrong' in query) return sendJson(response, 400, { code: 400, data: query.wrong });
    sendJson(response, 200, await this.#status.read(query, hostOf(request)));
  }
}

/** Whether the listeners for streams serve the API too. */
function shared({ httpApi, httpServer }: EdgeConfig): boolean {
  return httpApi.enabled && httpApi.listen.some((address) => includes(httpServer.listen, address));
}

/** Whether an address is in the list. Port 0 is another port each time. */
export function includes(addresses: readonly ListenAddress[], { host, port }: ListenAddress): boolean {
  return port !== 0 && addresses.some((other) => other.host === host && other.port === port);
}
