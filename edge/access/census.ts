/** `edge { limits { } }`: who plays and publishes, counted by vhost, stream and address. */
import { addressKey } from '../budget/address.ts';
import type { LimitsConfig } from '../conf/access-model.ts';
import { streamKey } from '../stream/name.ts';
import { type StreamRequest, streamName } from '../stream/request.ts';
import type { Action } from './security.ts';

export type LimitReason = 'players_per_stream' | 'streams' | 'publishers' | 'clients_per_address';

export interface LimitFault {
  readonly reason: LimitReason;
  readonly message: string;
}

/** What one client counts under. */
interface Entry {
  readonly vhost: string;
  readonly players: string | undefined;
  readonly streams: string;
  readonly publishers: string | undefined;
  readonly address: string;
  /** A publisher's stream, alone and with its address. */
  readonly publications: readonly string[];
}

export class Census {
  /** By client: one plays or publishes one stream at a time. */
  readonly #entries = new Map<string, Entry>();
  readonly #players = new Counts();
  readonly #publishers = new Counts();
  readonly #addresses = new Counts();
  readonly #publications = new Counts();
  /** Clients by stream, and streams by vhost. */
  readonly #streams = new Counts();
  readonly #streamsOfVhost = new Counts();

  /** Counts a client in, or says why there is no room for it. */
  enter(request: StreamRequest, action: Action, limits: LimitsConfig): LimitFault | undefined {
    this.leave(request);
    const { vhost } = request;
    const stream = streamKey(streamName(request));
    const address = `${vhost} ${addressKey(request.ip)}`;
    const fault = this.#fault({ vhost, stream, address }, action, limits);
    if (fault !== undefined) return fault;
    const players = action === 'play' ? stream : undefined;
    const publishers = action === 'publish' ? vhost : undefined;
    const publications = action === 'publish' ? [stream, publicationOf(stream, address)] : [];
    this.#entries.set(request.clientId, { vhost, players, publishers, streams: stream, address, publications });
    if (players !== undefined) this.#players.add(players);
    if (publishers !== undefined) this.#publishers.add(publishers);
    if (this.#streams.add(stream) === 1) this.#streamsOfVhost.add(vhost);
    this.#addresses.add(address);
    for (const publication of publications) this.#publications.add(publication);
    return undefined;
  }

  /** The client plays and publishes no more, if it did. */
  leave({ clientId }: StreamRequest): void {
    const entry = this.#entries.get(clientId);
    if (entry === undefined) return;
    this.#entries.delete(clientId);
    if (entry.players !== undefined) this.#players.remove(entry.players);
    if (entry.publishers !== undefined) this.#publishers.remove(entry.publishers);
    if (this.#streams.remove(entry.streams) === 0) this.#streamsOfVhost.remove(entry.vhost);
    this.#addresses.remove(entry.address);
    for (const publication of entry.publications) this.#publications.remove(publication);
  }

  #fault(
    { vhost, stream, address }: { readonly vhost: string; readonly stream: string; readonly address: string },
    action: Action,
    limits: LimitsConfig,
  ): LimitFault | undefined {
    const { playersPerStream, streams, publishers, clientsPerAddress } = limits;
    // A stream has one publisher: who comes back takes the place that its former connection still has.
    const comesBack = (publication: string): boolean => action === 'publish' && this.#publications.of(publication) > 0;
    if (!comesBack(publicationOf(stream, address)) && reached(clientsPerAddress, this.#addresses.of(address))) {
      return {
        reason: 'clients_per_address',
        message: `there are ${clientsPerAddress} clients of this address already`,
      };
    }
    if (this.#streams.of(stream) === 0 && reached(streams, this.#streamsOfVhost.of(vhost))) {
      return { reason: 'streams', message: `there are ${streams} streams on this edge already` };
    }
    if (action === 'play' && reached(playersPerStream, this.#players.of(stream))) {
      return {
        reason: 'players_per_stream',
        message: `the stream has ${playersPerStream} players on this edge already`,
      };
    }
    if (action === 'publish' && !comesBack(stream) && reached(publishers, this.#publishers.of(vhost))) {
      return { reason: 'publishers', message: `there are ${publishers} publishers on this edge already` };
    }
    return undefined;
  }
}

function publicationOf(stream: string, address: string): string {
  return `${address} ${stream}`;
}

function reached(limit: number, count: number): boolean {
  return limit > 0 && count >= limit;
}

/** Counts by key; what is zero takes no memory. */
class Counts {
  readonly #counts = new Map<string, number>();

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: string): number {
    const count = this.of(key) + 1;
    this.#counts.set(key, count);
    return count;
  }

  remove(key: string): number {
    const count = this.of(key) - 1;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
    return count;
  }
}
