/**
 * Who may look, and who may act, through the HTTP API, and who may read the metrics where they are guarded. Loopback may do both while no credentials are configured;
 * everybody else needs them. Web pages reach loopback, too, with the help of the browser of whoever opened them, so what a browser tells of
 * the page counts.
 */

import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { EdgeConfig, HttpApiConfig } from '../../conf/model.ts';
import type { Gateway } from '../gateway.ts';
import { Attempts } from './attempts.ts';
import { clientAddress, isLoopbackClient } from './client-address.ts';
import { Credentials, digestOf } from './credentials.ts';
import { hostOf } from './reply.ts';

/** `act` changes something: it disconnects a client, or reloads. */
export type Wish = 'read' | 'act';

export interface AccessRefusal {
  /** 401: credentials would help. 403: they do not exist, or a page must not do this. 429: too many were wrong. */
  readonly status: 401 | 403 | 429;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Why the API refused a request: no or wrong credentials, too many wrong ones, a web page of another origin. */
export const refusalReasons = ['credentials', 'rate', 'page'] as const;

/** What credentials are asked for, and where they are. */
interface Guarded {
  /** In messages. */
  readonly name: string;
  readonly auth: (config: EdgeConfig) => HttpApiConfig['auth'];
  readonly file: (config: EdgeConfig) => string;
  /** The directive that names the file. */
  readonly directive: string;
}

export const guardedApi: Guarded = {
  name: 'API',
  auth: ({ httpApi }) => httpApi.auth,
  file: ({ edge }) => edge.apiCredentialsFile,
  directive: 'edge { api_credentials_file }',
};

export const guardedMetrics: Guarded = {
  name: 'metrics',
  auth: () => undefined,
  file: ({ exporter }) => exporter.credentialsFile,
  directive: 'exporter { credentials_file }',
};

export class Access {
  /** Refusals since the start. */
  readonly refused: Record<(typeof refusalReasons)[number], number> = { credentials: 0, rate: 0, page: 0 };
  readonly #gateway: Gateway;
  readonly #guarded: Guarded;
  readonly #credentials: Credentials;
  readonly #attempts = new Attempts();

  constructor(gateway: Gateway, guarded: Guarded = guardedApi) {
    this.#gateway = gateway;
    this.#guarded = guarded;
    this.#credentials = new Credentials(gateway.log);
  }

  /** Why a request may not do what it wants, or undefined when it may. */
  async refusal(request: IncomingMessage, wish: Wish): Promise<AccessRefusal | undefined> {
    const { config } = this.#gateway;
    const sender = senderOf(request, config.edge.apiTrustedOrigins);
    if (sender === 'other page' && wish === 'act') {
      this.refused.page++;
      const reason = 'web pages of other origins may not do this; `edge { api_trusted_origins ORIGIN; }` allows it';
      return { status: 403, reason, headers: {} };
    }
    const local = sender !== 'other page' && isLocal(request);
    return local && !this.asksForCredentials() ? undefined : await this.#checkCredentials(request);
  }

  /**
   * Whether loopback must show credentials, too. Behind the sidecar of a service mesh every client comes from loopback,
   * and in the network of a node every process there does: whoever configures credentials means all of them.
   */
  asksForCredentials(): boolean {
    const { config } = this.#gateway;
    return this.#guarded.auth(config) !== undefined || this.#guarded.file(config) !== '';
  }

  /** Warns when nobody has credentials although the listener is for others, or asks for them. */
  async warnIfLocked(config: EdgeConfig): Promise<void> {
    const { httpApi } = config;
    if (await this.#haveCredentials()) return;
    if (this.asksForCredentials()) {
      const remedy = 'put a line username:password into the file';
      this.#gateway.log.warn({ remedy, file: this.#guarded.file(config) }, this.#noCredentials);
    } else if (this.#guarded === guardedApi && !isLoopbackOnly(httpApi)) {
      this.#gateway.log.warn(
        { remedy: howToConfigure },
        'http_api listens to other machines but nobody has credentials: only loopback is served',
      );
    }
  }

  async #checkCredentials(request: IncomingMessage): Promise<AccessRefusal | undefined> {
    const given = basicCredentials(request);
    if (given === undefined) return await this.#withoutCredentials();
    const ip = clientAddress(request, this.#gateway.config.edge.trustedProxies);
    if (!this.#attempts.take(ip)) {
      this.refused.rate++;
      const reason = 'too many wrong credentials from this address; try again later';
      return { status: 429, reason, headers: { 'Retry-After': '10' } };
    }
    if (await this.#areRight(given)) {
      this.#attempts.giveBack(ip);
      return undefined;
    }
    this.#gateway.log.warn({ ip }, `wrong ${this.#guarded.name} credentials`);
    return await this.#withoutCredentials();
  }

  async #withoutCredentials(): Promise<AccessRefusal> {
    this.refused.credentials++;
    if (!(await this.#haveCredentials())) {
      const reason = this.asksForCredentials()
        ? this.#noCredentials
        : `only loopback is served here: ${howToConfigure}`;
      return { status: 403, reason, headers: {} };
    }
    const headers = { 'WWW-Authenticate': 'Basic realm="edge", charset="UTF-8"' };
    return { status: 401, reason: `user name and password of the ${this.#guarded.name} are needed`, headers };
  }

  async #haveCredentials(): Promise<boolean> {
    const { config } = this.#gateway;
    return this.#guarded.auth(config) !== undefined || (await this.#credentials.exist(this.#guarded.file(config)));
  }

  async #areRight(given: Buffer): Promise<boolean> {
    const { config } = this.#gateway;
    const auth = this.#guarded.auth(config);
    const { username = '', password = '' } = auth ?? {};
    const own = timingSafeEqual(digestOf(given), digestOf(`${username}:${password}`)) && auth !== undefined;
    return (await this.#credentials.include(this.#guarded.file(config), given)) || own;
  }

  get #noCredentials(): string {
    return `nobody is served here: \`${this.#guarded.directive}\` holds no credentials`;
  }
}

const howToConfigure =
  'set `http_api { auth { enabled on; username NAME; password WORD; } }` or `edge { api_credentials_file PATH; }`';

/**
 * User name and password of Basic authentication (RFC 7617), as they were before base64. The API server of Kubernetes
 * keeps `Authorization` for itself when it passes a request on to a pod: those who come that way have another header.
 */
function basicCredentials({ headers }: IncomingMessage): Buffer | undefined {
  const given = headers['x-edge-authorization'] ?? headers.authorization;
  const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(typeof given === 'string' ? given : '')?.[1];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64');
}

/**
 * A client on loopback, asked for by a name that only means loopback. A page whose own name was made to lead to
 * loopback (DNS rebinding) asks by that name.
 */
function isLocal(request: IncomingMessage): boolean {
  const host = hostOf(request).toLowerCase();
  const named = host === '' || isIP(host) !== 0 || host === 'localhost' || host.endsWith('.localhost');
  return named && isLoopbackClient(request);
}

function isLoopbackOnly({ listen, https }: HttpApiConfig): boolean {
  const addresses = [...listen, ...(https.enabled ? https.listen : [])];
  return addresses.every(({ host }) => host !== undefined && (host === '::1' || host.startsWith('127.')));
}

/** Who has caused a request, as far as its headers tell: no page or our own, a page that we trust, another page. */
export type Sender = 'no page' | 'trusted page' | 'other page';

/** @param trusted origins of pages, as browsers send them */
export function senderOf(request: IncomingMessage, trusted: readonly string[]): Sender {
  const { origin, referer, 'sec-fetch-site': site, 'user-agent': agent } = request.headers;
  if (origin !== undefined && trusted.includes(origin)) return 'trusted page';
  if (site !== undefined) return site === 'same-origin' || site === 'none' ? 'no page' : 'other page';
  const page = origin ?? referer;
  if (page !== undefined) return isOwn(request, page) ? 'no page' : 'other page';
  // Over plain HTTP a browser does not say which page makes it load an image, say.
  return agent?.startsWith('Mozilla/') === true ? 'other page' : 'no page';
}

function isOwn({ headers, socket }: IncomingMessage, page: string): boolean {
  const protocol = (socket as Partial<TLSSocket>).encrypted === true ? 'https:' : 'http:';
  const url = URL.parse(page);
  return url !== null && url.host === headers.host?.toLowerCase() && url.protocol === protocol;
}
