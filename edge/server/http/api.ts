/**
 * The HTTP API: SRS's paths and answers (`/api/v1/…`), and ours beside them: `edge`, `origins` and `config`.
 * As in SRS, what is wrong with a request to a known path is told by `code`, with status 200.
 */

import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { VhostConfig } from '../../conf/model.ts';
import { printWithoutSecrets } from '../../conf/print.ts';
import { streamId, streamKey } from '../../stream/name.ts';
import { version } from '../../version.ts';
import { streamOf } from '../clients.ts';
import type { Gateway } from '../gateway.ts';
import type { Access, Wish } from './access.ts';
import { Code } from './api-code.ts';
import { type Answer, type Call, listed, methodsOf, page, type Resources, textOf } from './api-resource.ts';
import { listClients } from './client-list.ts';
import { apiCrossOriginHeaders } from './cross-origin.ts';
import type { HttpDeps, OriginStatus } from './deps.ts';
import {
  clientFigures,
  type StreamEntry,
  streamCount,
  streamEntries,
  streamFigures,
  streamsByVhost,
  vhostFigures,
  vhostId,
} from './figures.ts';
import { inTurns } from './in-turns.ts';
import { jsonpOf, script } from './jsonp.ts';
import { machineResources } from './machine-resources.ts';
import { askPlayers, moveFigures } from './moves-api.ts';
import { fetchedReload, reloadFigures } from './reload-figures.ts';
import { hostOf, send, sendJson, sendJsonText, sendOptions } from './reply.ts';
import { type CpuShare, type LoopLag, networkFigures, selfFigures, systemFigures } from './system.ts';
import { perTurn, type Traffic } from './traffic.ts';

/** What a path means. */
type Target =
  | { readonly kind: 'index'; readonly version: string }
  | { readonly kind: 'resource'; readonly resource: Resources[string]; readonly call: Call }
  | { readonly kind: 'none' };

export interface ApiOptions {
  readonly gateway: Gateway;
  readonly deps: HttpDeps;
  readonly access: Access;
  readonly traffic: Traffic;
  /** What the console asks for beside what SRS's has. */
  readonly console: Resources;
  /** Of this process, as they were at the last look. */
  readonly cpu: CpuShare;
  readonly loop: LoopLag;
}

export class Api {
  readonly #gateway: Gateway;
  readonly #deps: HttpDeps;
  readonly #access: Access;
  readonly #traffic: Traffic;
  readonly #cpu: CpuShare;
  readonly #loop: LoopLag;
  /** Tells one run of the server from the next. */
  readonly #service: string = randomBytes(4).toString('hex');
  readonly #resources: Resources;

  constructor({ gateway, deps, access, traffic, console, cpu, loop }: ApiOptions) {
    this.#gateway = gateway;
    this.#deps = deps;
    this.#access = access;
    this.#traffic = traffic;
    this.#cpu = cpu;
    this.#loop = loop;
    this.#resources = {
      versions: { doc: 'the version of this server', GET: () => versions() },
      summaries: {
        doc: 'figures of the process and its machine',
        GET: async () => ({ fields: await this.summaries() }),
      },
      vhosts: { doc: 'all vhosts, or one by its id', GET: (call) => this.#vhosts(call) },
      streams: { doc: 'streams (start, count), or one by its id', GET: (call) => this.#streams(call) },
      clients: {
        doc: 'clients (start, count, sort, order, match), or one by its id; DELETE disconnects it',
        GET: (call) => this.#clients(call),
        DELETE: (call) => this.#kick(call),
      },
      edge: { doc: 'this edge at a glance: cheap to ask again and again', GET: () => this.#edge() },
      moves: {
        doc: 'clients that were asked to go to other edges; POST asks players (clients, within_ms, older_than_ms)',
        GET: () => ({ fields: { moves: moveFigures(this.#gateway) } }),
        POST: ({ query }) => askPlayers(this.#gateway, query),
      },
      origins: { doc: 'the origins and their health', GET: () => this.#origins() },
      config: {
        doc: 'how the last reload went; text=on adds what is in force, without passwords',
        GET: ({ query }) => this.#config(query),
      },
      raw: {
        doc: '?rpc=reload reloads the configuration',
        GET: (call) => this.#raw(call),
        acts: ({ query }) => query.get('rpc') === 'reload',
      },
      ...console,
      ...machineResources(cpu),
      configs: { doc: 'these paths, as SRS answers it', GET: () => this.#index('v1') },
    };
  }

  /** Answers a request below `/api/`. */
  async serve(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { config } = this.#gateway;
    const target = this.#find(url, hostOf(request));
    const jsonp = jsonpOf(request, url.searchParams);
    if ('error' in jsonp) return sendJson(response, 400, { code: 400, data: jsonp.error });
    const { callback, method } = jsonp;
    const wish = wishOf(request, method, target);
    const crossOrigin = Object.entries(apiCrossOriginHeaders(request, wish, config));
    for (const [name, value] of crossOrigin) response.setHeader(name, value);
    const allow = methodsOf(target.kind === 'resource' ? target.resource : undefined);
    if (request.method === 'OPTIONS')
      return sendOptions(response, config.httpApi.crossdomain || crossOrigin.length > 0, allow);
    const refusal = await this.#access.refusal(request, wish);
    if (refusal !== undefined) {
      const { status, reason, headers } = refusal;
      return sendJson(response, status, { code: status, data: reason }, headers);
    }
    // A page reads by a script what CORS would let it read.
    if (callback !== undefined && !config.httpApi.crossdomain)
      return sendJson(response, 403, { code: 403, data: 'callback= needs `http_api { crossdomain on; }`' });
    const answer = await this.#answer(method, target, url.pathname);
    const { status = 200, code = Code.success } = answer;
    if (status === 405) response.setHeader('Allow', allow);
    const first = { code, server: this.#gateway.serverId, service: this.#service, pid: String(process.pid) };
    const body = textOf(first, answer);
    if (callback === undefined) return sendJsonText(response, status, body);
    const headers = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
    send(response, status, 'text/javascript; charset=utf-8', script(callback, body), headers);
  }

  #find({ pathname, searchParams }: URL, host: string): Target {
    const [, , v1 = '', name = '', id = '', ...more] = pathname.split('/');
    if (name === '' && (v1 === '' || v1 === 'v1')) return { kind: 'index', version: v1 };
    const resource = v1 === 'v1' && more.length === 0 && Object.hasOwn(this.#resources, name) && this.#resources[name];
    return resource ? { kind: 'resource', resource, call: { id, query: searchParams, host } } : { kind: 'none' };
  }

  async #answer(method: string, target: Target, path: string): Promise<Answer> {
    if (target.kind === 'index') return this.#index(target.version);
    if (target.kind === 'none') return { status: 404, code: 404, fields: { data: `there is no ${path}` } };
    const { resource, call } = target;
    if (method === 'GET' || method === 'HEAD') return resource.GET(call);
    if (method === 'DELETE' && resource.DELETE !== undefined) return resource.DELETE(call);
    if (method === 'POST' && resource.POST !== undefined) return resource.POST(call);
    return { status: 405, code: 405, fields: { data: `${path} does not take ${method}` } };
  }

  #index(v1: string): Answer {
    if (v1 === '') return { fields: { urls: { v1: 'the API version 1.0' } } };
    return {
      fields: { urls: Object.fromEntries(Object.entries(this.#resources).map(([name, { doc }]) => [name, doc])) },
    };
  }

  /** SRS's figures of the process and its machine. No arguments, and no directories: they are nobody's business. */
  async summaries(): Promise<{ readonly data: object }> {
    const { total } = this.#traffic;
    await this.#traffic.collect();
    const now_ms = Date.now();
    const own = { srs_sample_time: now_ms, srs_recv_bytes: total.received, srs_send_bytes: total.sent };
    const system = { ...systemFigures(this.#cpu), ...networkFigures(now_ms), ...own };
    const data = {
      ok: true,
      now_ms,
      self: selfFigures(this.#cpu, version),
      system: { ...system, conn_srs: this.#gateway.clients.size },
    };
    return { data };
  }

  async #vhosts({ id }: Call): Promise<Answer> {
    await this.#traffic.collect();
    const { config, hub } = this.#gateway;
    const streams = await streamsByVhost(hub);
    const figures = (vhost: VhostConfig) => vhostFigures(vhost, streams.get(vhost.name) ?? 0, this.#traffic);
    if (id === '') return { list: await listed('vhosts', config.vhosts, figures) };
    const vhost = config.vhosts.find(({ name }) => vhostId(name) === id);
    if (vhost === undefined) return { code: Code.vhostNotFound };
    return { fields: { vhost: figures(vhost) } };
  }

  async #streams({ id, query }: Call): Promise<Answer> {
    await this.#traffic.collect();
    const { hub } = this.#gateway;
    const figures = (entry: StreamEntry) => streamFigures(entry, this.#traffic);
    if (id === '') {
      const list = await listed('streams', page(streamEntries(hub), query), figures);
      return { fields: { total: streamCount(hub) }, list };
    }
    const found: StreamEntry[] = [];
    await inTurns(streamEntries(hub), perTurn, (entry) => {
      if (found.length === 0 && streamId(entry.name) === id) found.push(entry);
    });
    const [entry] = found;
    return entry === undefined ? { code: Code.streamNotFound } : { fields: { stream: figures(entry) } };
  }

  async #clients({ id, query }: Call): Promise<Answer> {
    await this.#traffic.collect();
    const { clients } = this.#gateway;
    if (id === '') return await listClients(this.#gateway, this.#traffic, query);
    const client = clients.get(id);
    if (client === undefined) return { code: Code.clientNotFound };
    return { fields: { client: clientFigures(client, this.#traffic) } };
  }

  #kick({ id }: Call): Answer {
    const client = this.#gateway.clients.get(id);
    if (client === undefined) return { code: Code.clientNotFound };
    const stream = client.request?.stream === undefined ? '' : streamKey(streamOf(client));
    client.disconnect('disconnected through the API');
    this.#gateway.journal.tell({ kind: 'disconnect', ip: client.ip, stream });
    return {};
  }

  /** What the operator asks each edge for every few seconds: rates are those of the last sample. */
  async #edge(): Promise<Answer> {
    const { draining, hub, clients, budget } = this.#gateway;
    const { hash, needsRestart: needs_restart } = this.#deps.config();
    const last = this.#deps.lastReload();
    const roles = await this.#traffic.collect();
    return {
      fields: {
        version,
        state: draining ? 'draining' : 'serving',
        config: { hash, error: last?.ok === false ? last.error : null, needs_restart },
        players: roles.play,
        edges: roles.edges,
        publishers: roles.publish,
        streams: streamCount(hub),
        clients: {
          taken: clients.totalAccepted,
          refused: clients.refused + budget.connections.turnedAway('max_connections'),
        },
        moves: moveFigures(this.#gateway),
        event_loop_lag_ms: this.#loop.worstMs,
        kbps: this.#traffic.total.kbps,
        origins: originFigures(this.#deps.origins()),
      },
    };
  }

  #origins(): Answer {
    return { fields: { origins: originFigures(this.#deps.origins()) } };
  }

  #config(query: URLSearchParams): Answer {
    const outcome = this.#deps.lastReload();
    const { hash, needsRestart: needs_restart } = this.#deps.config();
    const text = query.get('text') === 'on' ? { text: printWithoutSecrets(this.#gateway.config) } : {};
    const reload = outcome === undefined ? null : reloadFigures(outcome);
    return { fields: { reload, in_force: { hash, needs_restart, ...text } } };
  }

  async #raw({ query }: Call): Promise<Answer> {
    const { enabled, rawApiEnabled, allowReload } = this.#gateway.config.httpApi;
    const rpc = query.get('rpc');
    if (rpc === 'raw') {
      const raw_api = { enabled: rawApiEnabled, allow_reload: allowReload, allow_query: false, allow_update: false };
      return { fields: { http_api: { enabled, raw_api } } };
    }
    if (!rawApiEnabled) return { code: Code.rawDisabled };
    if (rpc === 'reload-fetch') return { fields: { data: fetchedReload(this.#deps.lastReload()) } };
    if (rpc !== 'reload') return { code: Code.raw };
    if (!allowReload) return { code: Code.rawDisabled };
    const outcome = await this.#deps.reload();
    return outcome.ok ? {} : { code: Code.configInvalid, fields: { data: outcome.error } };
  }
}

/** A preflight (`OPTIONS`) asks for what the request behind it wants. */
function wishOf({ headers }: IncomingMessage, method: string, target: Target): Wish {
  const real = method === 'OPTIONS' ? (headers['access-control-request-method'] ?? 'GET') : method;
  const reads = real === 'GET' || real === 'HEAD';
  return reads && !(target.kind === 'resource' && target.resource.acts?.(target.call)) ? 'read' : 'act';
}

function versions(): Answer {
  const [major, minor, revision] = version.split('.', 3).map((part) => Number.parseInt(part, 10));
  return { fields: { data: { major, minor, revision, version } } };
}

function originFigures(origins: readonly OriginStatus[]): object[] {
  return origins.map(({ sinceMs: since_ms, ...origin }) => ({ ...origin, since_ms }));
}
