/**
 * Who may play and publish, as far as the edge can tell by itself: addresses, web pages, tokens, limits. Asked before callbacks
 * and origins are. What it decides counts for the client that asks; who is in stays in when the rules change.
 */
import type { Logger } from 'pino';
import type { TokenConfig } from '../conf/access-model.ts';
import type { EdgeConfig, VhostConfig } from '../conf/model.ts';
import type { FilesRead } from '../conf/problem.ts';
import { Refusal, type StreamRequest } from '../stream/request.ts';
import { Census, type LimitReason } from './census.ts';
import { KeysUnavailable } from './keys-unavailable.ts';
import { referFault } from './refer.ts';
import { type Action, addressFault } from './security.ts';
import { Tokens } from './tokens.ts';

/** Why clients were refused or disconnected here. */
export const accessReasons = [
  'security',
  'refer',
  'token',
  'token_keys',
  'players_per_stream',
  'streams',
  'publishers',
  'clients_per_address',
  'publisher_kbps',
] as const;

export type AccessReason = (typeof accessReasons)[number];

/** What a client is told, by RTMP. */
const codes = { play: 'NetStream.Play.Failed', publish: 'NetStream.Publish.Rejected' } as const;

const statuses: Readonly<Record<LimitReason, number>> = {
  players_per_stream: 503,
  streams: 503,
  publishers: 503,
  clients_per_address: 429,
};

export class Entrance {
  readonly #census = new Census();
  readonly #refused = new Map<AccessReason, number>();
  readonly #tokens: Tokens;

  constructor(log: Logger) {
    this.#tokens = new Tokens(log);
  }

  /** Files of keys that the configuration names and the former one does not, where they cannot be read. */
  async unreadable(config: EdgeConfig, former?: EdgeConfig): Promise<FilesRead> {
    return await this.#tokens.unreadable(config, former);
  }

  /** A reload has changed what counts for new clients. */
  reconfigure(config: EdgeConfig): void {
    this.#tokens.reconfigure(config);
  }

  /** Clients refused for this reason since the start. */
  refused(reason: AccessReason): number {
    return this.#refused.get(reason) ?? 0;
  }

  count(reason: AccessReason): void {
    this.#refused.set(reason, this.refused(reason) + 1);
  }

  /** Lets a client in, and counts it until `leave`. Throws a Refusal. */
  async enter(action: Action, request: StreamRequest, vhost: VhostConfig): Promise<void> {
    await this.check(action, request, vhost);
    const fault = this.#census.enter(request, action, vhost.access.limits);
    if (fault !== undefined) throw this.#refusal(action, fault.reason, fault.message, statuses[fault.reason]);
  }

  /** Whether a client may do it at all, whoever else is here. Throws a Refusal. */
  async check(action: Action, request: StreamRequest, { access }: VhostConfig): Promise<void> {
    const address = addressFault(access.security, action, request.ip);
    if (address !== undefined) throw this.#refusal(action, 'security', address, 403);
    const page = referFault(access.refer, action, request.pageUrl);
    if (page !== undefined) throw this.#refusal(action, 'refer', page, 403);
    const token = await this.#tokenFault(action, request, access.token);
    if (token !== undefined) throw this.#refusal(action, 'token', `token: ${token}`, 403);
  }

  /** The client plays and publishes no more. */
  leave(request: StreamRequest): void {
    this.#census.leave(request);
  }

  async #tokenFault(action: Action, request: StreamRequest, token: TokenConfig): Promise<string | undefined> {
    try {
      return await this.#tokens.fault(token, action, request);
    } catch (error) {
      if (!(error instanceof KeysUnavailable)) throw error;
      throw this.#refusal(action, 'token_keys', error.message, 503);
    }
  }

  #refusal(action: Action, reason: AccessReason, message: string, httpStatus: number): Refusal {
    this.count(reason);
    return new Refusal(codes[action], message, httpStatus);
  }
}
