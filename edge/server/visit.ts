/**
 * A client's stay at a vhost, as callbacks see it: `on_connect` begins it and may refuse it, and `on_close` follows,
 * whatever became of it.
 */

import type { VhostConfig } from '../conf/model.ts';
import type { ConnectRequest, StreamRequest } from '../stream/request.ts';
import type { Gateway, Traffic } from './gateway.ts';

interface Place {
  readonly request: ConnectRequest | StreamRequest;
  readonly vhost: VhostConfig;
}

export class Visit {
  readonly #gateway: Gateway;
  readonly #traffic: Traffic;
  #place: Place | undefined;
  #isAsked = false;
  #isOver = false;

  /** @param traffic what has gone over the client's connection, whenever it is looked at */
  constructor(gateway: Gateway, traffic: Traffic) {
    this.#gateway = gateway;
    this.#traffic = traffic;
  }

  /**
   * Asks whether the client may come, once for what it asks for. It leaves the application where it was before, if that
   * was another one. Throws a Refusal.
   */
  async enter(request: ConnectRequest | StreamRequest, vhost: VhostConfig): Promise<void> {
    const before = this.#place?.request;
    if (before !== undefined && isSameRequest(before, request)) return;
    if (before !== undefined && !isSamePlace(before, request)) this.#leave();
    this.#place = { request, vhost };
    this.#isAsked = true;
    try {
      await this.#gateway.grants.connect(request, vhost);
    } finally {
      this.#isAsked = false;
      // It went while it was asked about.
      if (this.#isOver) this.#leave();
    }
  }

  /** The client is gone. */
  end(): void {
    this.#isOver = true;
    if (!this.#isAsked) this.#leave();
  }

  #leave(): void {
    const place = this.#place;
    this.#place = undefined;
    if (place !== undefined) this.#gateway.grants.closed(place.request, place.vhost, this.#traffic);
  }
}

function isSameRequest(one: Place['request'], other: Place['request']): boolean {
  return isSamePlace(one, other) && askedStream(one) === askedStream(other) && one.param === other.param;
}

function askedStream(request: Place['request']): string {
  return 'stream' in request ? request.stream : '';
}

function isSamePlace(one: ConnectRequest, other: ConnectRequest): boolean {
  return one.vhost === other.vhost && one.app === other.app;
}
