/**
 * HTTP to the API server over node:http(s).
 *
 * Why not client-node's generated clients: we want to count requests by verb, honour Retry-After, see bookmarks and
 * 410 of a watch, give watches sockets of their own so that they never stand in a request's way, and hold each object
 * once. That takes less code than to teach it to them.
 */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as overHttp } from 'node:http';
import { Agent as HttpsAgent, request as overHttps } from 'node:https';
import type { Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { ClusterAccess, Credentials, TlsSettings } from './access.ts';
import { ApiError } from './error.ts';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With the query. */
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  /** More than those of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Until the answer's head for `open`, until its end for `send`. */
  readonly timeoutMs: number;
  /** The request in words, for errors. */
  readonly what: string;
}

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

/**
 * The kernel asks for a connection after 0, 1, 3, 7, 15 and 31 s: who goes on with an old attempt finds a server that
 * is back up to 16 s later than who begins anew.
 */
const CONNECT_TIMEOUT_MS = 4000;
const REQUEST_SOCKETS = 16;
const CREDENTIALS_TTL_MS = 30_000;
/** A peer that is gone without a word is noticed by the kernel: first probe after this, then ten, one second apart. */
const TCP_KEEP_ALIVE_MS = 15_000;

interface Agents {
  readonly tls: TlsSettings;
  readonly requests: HttpAgent;
  readonly watches: HttpAgent;
}

export class Transport {
  readonly #access: ClusterAccess;
  readonly #server: URL;
  readonly #userAgent: string;
  readonly #connectTimeoutMs: number;
  #agents: Agents | undefined;
  #credentials: { readonly got: Promise<Credentials>; readonly atMs: number } | undefined;

  /** @param connectTimeoutMs of a request's time, what may pass until it has a connection */
  constructor(access: ClusterAccess, userAgent: string, connectTimeoutMs = CONNECT_TIMEOUT_MS) {
    this.#access = access;
    this.#server = new URL(access.server);
    this.#userAgent = userAgent;
    this.#connectTimeoutMs = connectTimeoutMs;
  }

  /**
   * Sends a request and reads the whole answer, whatever its status.
   * @throws ApiError (Unreachable, Timeout), or the signal's reason
   */
  async send(call: Call): Promise<Answer> {
    const deadline = new Deadline(call.timeoutMs, call.signal);
    try {
      const response = await this.#start(call, 'requests', deadline.signal);
      const body = await readAll(response);
      return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], body };
    } catch (error) {
      throw this.#explain(call, error, deadline);
    } finally {
      deadline.release();
    }
  }

  /**
   * Sends a request and gives its answer as it comes, on a connection of its own. Destroy the answer to end it;
   * the signal does so, too.
   * @throws ApiError (Unreachable, Timeout), or the signal's reason
   */
  async open(call: Call): Promise<IncomingMessage> {
    const deadline = new Deadline(call.timeoutMs, call.signal);
    try {
      const response = await this.#start(call, 'watches', deadline.signal);
      deadline.reached();
      response.once('close', () => deadline.release());
      return response;
    } catch (error) {
      deadline.release();
      throw this.#explain(call, error, deadline);
    }
  }

  /** Ends idle connections, and requests with their connections. */
  close(): void {
    this.#agents?.requests.destroy();
    this.#agents?.watches.destroy();
    this.#agents = undefined;
  }

  async #start(call: Call, pool: 'requests' | 'watches', signal: AbortSignal): Promise<IncomingMessage> {
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      const credentials = await orAborted(this.#currentCredentials(), signal);
      try {
        const response = await this.#request(call, credentials, pool, signal);
        if (response.statusCode !== 401 || attempt > 0) return response;
        // The token may have been renewed since we read it.
        response.resume();
        this.#credentials = undefined;
      } catch (error) {
        // The server closed an idle connection at the moment we took it. What isn't a POST may be done twice.
        if (!(error instanceof StaleConnection) || call.method === 'POST' || attempt > 2) throw error;
      }
    }
  }

  #request(call: Call, credentials: Credentials, pool: 'requests' | 'watches', signal: AbortSignal) {
    const { pathname } = this.#server;
    const send = this.#server.protocol === 'https:' ? overHttps : overHttp;
    return new Promise<IncomingMessage>((resolve, reject) => {
      const request: ClientRequest = send(
        {
          host: this.#server.hostname.replace(/^\[(.*)\]$/, '$1'),
          port: this.#server.port,
          ...(credentials.agent !== undefined && credentials.tls),
          agent: credentials.agent ?? this.#agentsFor(credentials.tls)[pool],
          method: call.method,
          path: (pathname === '/' ? '' : pathname.replace(/\/$/, '')) + call.path,
          headers: {
            Accept: 'application/json',
            'User-Agent': this.#userAgent,
            ...call.headers,
            ...credentials.headers,
            ...(call.body !== undefined && {
              'Content-Type': call.contentType ?? 'application/json',
              'Content-Length': Buffer.byteLength(call.body),
            }),
          },
          signal,
        },
        resolve,
      );
      request.on('error', (error: NodeJS.ErrnoException) => {
        const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        reject(stale && !signal.aborted ? new StaleConnection(error.message) : error);
      });
      request.once('socket', (socket) => this.#limitConnecting(request, socket));
      request.end(call.body);
    });
  }

  #limitConnecting(request: ClientRequest, socket: Socket): void {
    if (!socket.connecting) return;
    const timeoutMs = this.#connectTimeoutMs;
    const timer = setTimeout(() => request.destroy(new Error(`no connection in ${timeoutMs} ms`)), timeoutMs);
    const stop = () => clearTimeout(timer);
    socket.once('connect', stop).once('close', stop);
  }

  #agentsFor(tls: TlsSettings): Agents {
    if (this.#agents !== undefined && isDeepStrictEqual(this.#agents.tls, tls)) return this.#agents;
    if (this.#agents !== undefined) {
      retire(this.#agents.requests);
      retire(this.#agents.watches);
    }
    const shared = { keepAlive: true, keepAliveMsecs: TCP_KEEP_ALIVE_MS, ...tls };
    const make = (options: { maxSockets?: number; maxFreeSockets: number }) =>
      this.#server.protocol === 'https:'
        ? new HttpsAgent({ ...shared, ...options })
        : new HttpAgent({ ...shared, ...options });
    this.#agents = {
      tls,
      requests: make({ maxSockets: REQUEST_SOCKETS, maxFreeSockets: REQUEST_SOCKETS / 2 }),
      watches: make({ maxFreeSockets: 1 }),
    };
    return this.#agents;
  }

  #currentCredentials(): Promise<Credentials> {
    const now = performance.now();
    if (this.#credentials === undefined || now - this.#credentials.atMs > CREDENTIALS_TTL_MS) {
      this.#credentials = { got: this.#access.credentials(), atMs: now };
      this.#credentials.got.catch(() => {
        this.#credentials = undefined;
      });
    }
    return this.#credentials.got;
  }

  #explain(call: Call, error: unknown, deadline: Deadline): unknown {
    if (call.signal?.aborted === true) return call.signal.reason;
    if (deadline.signal.aborted) {
      return new ApiError(0, 'Timeout', `${call.what}: no answer from ${this.#server.host} in ${call.timeoutMs} ms`);
    }
    const why = error instanceof Error ? error.message || error.constructor.name : String(error);
    return new ApiError(0, 'Unreachable', `${call.what}: cannot reach the API server at ${this.#server.host}: ${why}`);
  }
}

class StaleConnection extends Error {}

/** A plugin that gives no credentials must not hold a request for longer than its time. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Aborts after a time or with another signal. `AbortSignal.any` would do, but holds on to what is over for longer. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #abort = () => this.#controller.abort();

  constructor(timeoutMs: number, outer: AbortSignal | undefined) {
    this.#outer = outer;
    this.#timer = setTimeout(this.#abort, timeoutMs);
    if (outer?.aborted === true) this.#abort();
    outer?.addEventListener('abort', this.#abort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** It went well in time: from now on only the other signal aborts. */
  reached(): void {
    clearTimeout(this.#timer);
  }

  release(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#abort);
  }
}

/** Requests that are under way end well; no connection is kept after them. */
function retire(agent: HttpAgent): void {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
