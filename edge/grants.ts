/**
 * Grants clients what they ask for: asks the entrance, callbacks and origins in this order. Tells callbacks when it is
 * over.
 */

import type { Entrance } from './access/entrance.ts';
import type { VhostConfig } from './conf/model.ts';
import type { HttpHooks } from './hooks/http-hooks.ts';
import type { Usage, Used } from './hooks/usage.ts';
import type { Clients } from './server/clients.ts';
import type { Grants, Traffic } from './server/gateway.ts';
import type { Hub } from './stream/hub.ts';
import type { LiveStream } from './stream/live-stream.ts';
import type { Claim, Publication, PublicationEvents } from './stream/publication.ts';
import { type ConnectRequest, Refusal, type StreamRequest } from './stream/request.ts';
import type { OriginUpstream } from './upstream/upstream.ts';

export interface GrantsOptions {
  readonly entrance: Entrance;
  readonly hooks: HttpHooks;
  readonly upstream: OriginUpstream;
  readonly hub: Hub;
  readonly clients: Clients;
  /** What clients have used, for callbacks. */
  readonly usage: Usage;
}

export class StreamGrants implements Grants {
  readonly #entrance: Entrance;
  readonly #hooks: HttpHooks;
  readonly #upstream: OriginUpstream;
  readonly #hub: Hub;
  readonly #clients: Clients;
  readonly #usage: Usage;

  constructor({ entrance, hooks, upstream, hub, clients, usage }: GrantsOptions) {
    this.#entrance = entrance;
    this.#hooks = hooks;
    this.#upstream = upstream;
    this.#hub = hub;
    this.#clients = clients;
    this.#usage = usage;
  }

  isAbsent(request: StreamRequest): boolean {
    return this.#upstream.isAbsent(request);
  }

  async connect(request: ConnectRequest | StreamRequest, vhost: VhostConfig): Promise<void> {
    await this.#hooks.onConnect(request, vhost);
    // HTTP has no `connect` to show: its players show their `play`.
    if (request.protocol === 'rtmp' || request.protocol === 'rtmps') await this.#upstream.checkToken(request, vhost);
  }

  async play(request: StreamRequest, vhost: VhostConfig): Promise<LiveStream> {
    await this.#entrance.enter('play', request, vhost);
    try {
      await this.#hooks.onPlay(request, vhost);
      const stream = await this.#admitted(request, vhost);
      this.#usage.begin(request, this.#clients.get(request.clientId));
      return stream;
    } catch (error) {
      this.#entrance.leave(request);
      throw error;
    }
  }

  /** The stream, when no origin has anything against the client. */
  async #admitted(request: StreamRequest, vhost: VhostConfig): Promise<LiveStream> {
    const stream = this.#hub.play(request, vhost);
    try {
      await this.#upstream.admit(stream, request);
      return stream;
    } catch (error) {
      if (error instanceof Refusal) this.#hooks.onStop(request, vhost);
      throw error;
    }
  }

  async publish(request: StreamRequest, vhost: VhostConfig, events: PublicationEvents): Promise<Publication> {
    await this.#entrance.enter('publish', request, vhost);
    try {
      const isAgreed = await this.#hooks.onPublish(request, vhost);
      this.#usage.begin(request, this.#clients.get(request.clientId));
      // `enter` has refused a client whose token is not valid.
      const claim = vhost.access.token.publish || isAgreed ? 'proven' : 'unproven';
      return await this.#publish(request, vhost, events, claim);
    } catch (error) {
      this.#entrance.leave(request);
      throw error;
    }
  }

  stopped(request: StreamRequest, vhost: VhostConfig): void {
    this.#entrance.leave(request);
    this.#hooks.onStop(request, vhost, this.#usedBy(request));
  }

  unpublished(request: StreamRequest, vhost: VhostConfig, publication: Publication): void {
    this.#entrance.leave(request);
    this.#hub.unpublish(publication);
    this.#hooks.onUnpublish(request, vhost, this.#usedBy(request));
  }

  closed(request: ConnectRequest, vhost: VhostConfig, traffic: Traffic): void {
    this.#hooks.onClose(request, vhost, traffic);
  }

  async #publish(
    request: StreamRequest,
    vhost: VhostConfig,
    events: PublicationEvents,
    claim: Claim,
  ): Promise<Publication> {
    try {
      return await this.#hub.publish(request, vhost, events, claim);
    } catch (error) {
      if (error instanceof Refusal) this.#hooks.onUnpublish(request, vhost);
      throw error;
    }
  }

  #usedBy(request: StreamRequest): Used | undefined {
    return this.#usage.of(request, this.#clients.get(request.clientId));
  }
}
