/**
 * A client that publishes a stream over RTMP.
 */

import { PublisherRate } from '../../access/publisher-rate.ts';
import { readRestMs } from '../../conf/vhost.ts';
import { eachMediaMessage, isMediaType } from '../../rtmp/media-messages.ts';
import type { RtmpMessage } from '../../rtmp/message.ts';
import { streamKey } from '../../stream/name.ts';
import type { Publication, PublicationEvents } from '../../stream/publication.ts';
import { streamName } from '../../stream/request.ts';
import { awakeNow } from '../../time/awake.ts';
import type { Gateway } from '../gateway.ts';
import type { Admitted } from './admission.ts';

export class Publishing {
  readonly kind = 'publishing';
  /** The message stream of the client. */
  readonly streamId: number;
  readonly admitted: Admitted;
  readonly #gateway: Gateway;
  readonly #publication: Publication;
  /** Times here are of the clock of `awakeNow`. */
  readonly #sinceMs: number = awakeNow();
  /** Messages that the last one held: one, or those of an aggregate. */
  takenAtOnce = 0;
  /** When media came last, and whether some has come since the last flush. */
  #lastMediaMs: number | undefined;
  #hasNewMedia = false;
  /** When somebody played the stream last. */
  #playedAtMs: number = awakeNow();
  readonly #rate: PublisherRate;

  private constructor(streamId: number, admitted: Admitted, gateway: Gateway, publication: Publication, bytes: number) {
    this.streamId = streamId;
    this.admitted = admitted;
    this.#gateway = gateway;
    this.#publication = publication;
    this.#rate = new PublisherRate(bytes, awakeNow());
  }

  /**
   * Asks for the publication. Undefined when the client has gone meanwhile; throws a Refusal.
   * @param bytesReceived of the client, so far
   */
  static async begin(
    streamId: number,
    admitted: Admitted,
    gateway: Gateway,
    bytesReceived: () => number,
    events: PublicationEvents,
  ): Promise<Publishing | undefined> {
    const { request, vhost } = admitted;
    const publication = await gateway.grants.publish(request, vhost, events);
    if (!events.gone.aborted) return new Publishing(streamId, admitted, gateway, publication, bytesReceived());
    gateway.grants.unpublished(request, vhost, publication);
    return undefined;
  }

  /** Takes the client's media, of its own message stream. Returns why some of it, or all, could not be used. */
  take(message: RtmpMessage): string | undefined {
    const { streamId, type } = message;
    const isOurs = streamId === this.streamId || streamId === 0;
    this.takenAtOnce = 0;
    if (!isOurs && isMediaType(type)) return 'media of another message stream';
    return eachMediaMessage(message, this.#push);
  }

  readonly #push = (message: RtmpMessage): void => {
    this.#hasNewMedia = true;
    this.takenAtOnce++;
    this.#publication.push(message);
  };

  /** All that came at once is in. */
  flush(): void {
    if (this.#hasNewMedia) this.#lastMediaMs = awakeNow();
    this.#hasNewMedia = false;
    this.#publication.flush();
  }

  /** For how long reading may rest now: see `readRestMs`. */
  get readRestMs(): number {
    return readRestMs(this.admitted.vhost);
  }

  /** For how long no media has come. @param heardMs when something came that is not a whole message yet */
  silentMs(heardMs: number | undefined): number {
    return awakeNow() - Math.max(this.#lastMediaMs ?? this.#sinceMs, heardMs ?? 0);
  }

  /** Why the client must go, if it sends too little. @param nowMs of `awakeNow` */
  overdue(nowMs: number): string | undefined {
    const { firstPacketTimeoutMs, normalTimeoutMs } = this.admitted.vhost.publish;
    if (this.#lastMediaMs === undefined) {
      const late = nowMs - this.#sinceMs > firstPacketTimeoutMs;
      return late ? `sent no media within firstpkt_timeout ${firstPacketTimeoutMs} ms` : undefined;
    }
    const silent = nowMs - this.#lastMediaMs > normalTimeoutMs;
    return silent ? `sent no media for normal_timeout ${normalTimeoutMs} ms` : undefined;
  }

  /** Why the client must go although it sends: see `kickoff_for_idle` and `publisher_kbps`. @param nowMs of `awakeNow` */
  unwanted(bytesReceived: number, nowMs: number): string | undefined {
    const { request, vhost } = this.admitted;
    const { publisherKbps } = vhost.access.limits;
    if (this.#rate.exceeds(publisherKbps, bytesReceived, nowMs)) {
      this.#gateway.entrance.count('publisher_kbps');
      return `it sends more than publisher_kbps ${publisherKbps}`;
    }
    const { kickoffForIdleSeconds } = vhost.publish;
    const stream = this.#gateway.hub.streams.get(streamKey(streamName(request)));
    if (stream !== undefined && stream.playerCount > 0) this.#playedAtMs = nowMs;
    const idle = kickoffForIdleSeconds > 0 && nowMs - this.#playedAtMs > kickoffForIdleSeconds * 1_000;
    return idle ? `nobody has played the stream for kickoff_for_idle ${kickoffForIdleSeconds} s` : undefined;
  }

  leave(): void {
    this.#publication.flush();
    this.#gateway.grants.unpublished(this.admitted.request, this.admitted.vhost, this.#publication);
  }
}
