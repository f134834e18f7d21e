/**
 * Connections of clients, from accept to close. A client is *admitted* while it plays or publishes. Whoever is not
 * admitted makes room for others: when there is no more room, the connection that has shown no progress for longest
 * is closed, and the new one is taken. An admitted client never loses its place.
 */

import { addressKey } from './address.ts';
import { Descriptors } from './descriptors.ts';

export interface ConnectionLimits {
  /** All connections together. */
  readonly maxConnections: number;
  /** Connections of one address that are not admitted. */
  readonly unadmittedPerAddress: number;
}

/**
 * What a connection is for. `rtmp`: a client. `http`: perhaps a client, perhaps a probe; that is known later. `service`:
 * the API or the exporter.
 */
export type Purpose = 'rtmp' | 'http' | 'service';

/** Why a connection was refused, or closed before it was admitted. */
export type TurnedAway =
  /** `max_connections` is reached. */
  | 'max_connections'
  /** Its address has too many that are not admitted. */
  | 'address'
  /** The process has no file descriptors left for clients. */
  | 'descriptors'
  /** Unfinished messages hold too much memory, and it holds the most. */
  | 'unfinished_messages'
  /** `proxy_protocol` is on, and it is not a trusted proxy that says whose connection it is. */
  | 'proxy_protocol'
  /** It did not get on in time: `handshake_timeout`, `client_timeout`. */
  | 'timeout';

export const turnedAwayReasons: readonly TurnedAway[] = [
  'max_connections',
  'address',
  'descriptors',
  'unfinished_messages',
  'proxy_protocol',
  'timeout',
];

/** HTTP connections beyond `max_connections`, for probes: they share their listeners with players. */
export const httpReserve = 32;

/** Connections of the API and the exporter that are always taken. */
export const serviceReserve = 32;

/** A connection's place, from accept to `close`. */
export interface Place {
  readonly admitted: boolean;
  /** It plays or publishes now. False: there is no room for it. */
  admit(): boolean;
  /** It plays and publishes no more. */
  dismiss(): void;
  /** It has got one step further, and is the last to make room for others. */
  progressed(): void;
  /** A trusted proxy has told the client's own address: it is counted under that. */
  cameFrom(address: string): void;
  /** The connection is closed. */
  close(): void;
  /** Closes the connection for this reason, unless it is closed already. */
  turnAway(reason: TurnedAway): void;
}

class Connection implements Place {
  readonly purpose: Purpose;
  readonly #connections: Connections;
  readonly #turnedAway: (reason: TurnedAway) => void;
  address: string;
  admitted = false;
  open = true;

  constructor(connections: Connections, purpose: Purpose, address: string, turnedAway: (reason: TurnedAway) => void) {
    this.#connections = connections;
    this.purpose = purpose;
    this.address = address;
    this.#turnedAway = turnedAway;
  }

  admit(): boolean {
    return this.#connections.admit(this);
  }

  dismiss(): void {
    this.#connections.dismiss(this);
  }

  progressed(): void {
    this.#connections.progressed(this);
  }

  cameFrom(address: string): void {
    this.#connections.cameFrom(this, address);
  }

  close(): void {
    this.#connections.closed(this);
  }

  turnAway(reason: TurnedAway): void {
    if (!this.open) return;
    this.#connections.count(reason);
    // Its place is free at once; the socket's own `close` comes later.
    this.close();
    this.#turnedAway(reason);
  }
}

export class Connections {
  readonly descriptors: Descriptors;
  readonly #limits: () => ConnectionLimits;
  readonly #turnedAway = new Map<TurnedAway, number>(turnedAwayReasons.map((reason) => [reason, 0]));
  readonly #sizes = { rtmp: 0, http: 0, service: 0 };
  #admitted = 0;
  /** Not admitted, the one without progress for longest first. */
  readonly #clients = new Set<Connection>();
  readonly #services = new Set<Connection>();
  /** The same by address: never more entries than connections. */
  readonly #byAddress = new Map<string, Set<Connection>>();

  /** @param limits asked with each connection: a reload may change them */
  constructor(limits: () => ConnectionLimits, descriptors: Descriptors = new Descriptors()) {
    this.#limits = limits;
    this.descriptors = descriptors;
  }

  get size(): number {
    return this.#sizes.rtmp + this.#sizes.http + this.#sizes.service;
  }

  get unadmitted(): number {
    return this.#clients.size + this.#services.size;
  }

  /** Addresses that have connections which are not admitted. */
  get addresses(): number {
    return this.#byAddress.size;
  }

  /** Whether nobody more can be admitted. */
  get full(): boolean {
    return this.#admitted >= this.limit;
  }

  get limit(): number {
    return this.#limits().maxConnections;
  }

  sizeOf(purpose: Purpose): number {
    return this.#sizes[purpose];
  }

  /** Connections turned away since the start. */
  turnedAway(reason: TurnedAway): number {
    return this.#turnedAway.get(reason) ?? 0;
  }

  /**
   * Takes a connection that was accepted, or says why not.
   * @param turnedAway called when it must make room for another; it must close the socket
   */
  take(purpose: Purpose, address: string, turnedAway: (reason: TurnedAway) => void): Place | TurnedAway {
    const { maxConnections } = this.#limits();
    const key = addressKey(address);
    this.#makeRoomAt(key);
    const full = this.#full(purpose, maxConnections);
    if (full !== undefined) {
      // When all places are of admitted clients, a probe that leaves gives nobody a place.
      const oldest = purpose === 'rtmp' && this.full ? undefined : this.#oldest(purpose);
      if (oldest === undefined) {
        this.count(full);
        return full;
      }
      oldest.turnAway(full);
    }
    const connection = new Connection(this, purpose, key, turnedAway);
    this.#sizes[purpose]++;
    this.#addUnadmitted(connection);
    return connection;
  }

  admit(connection: Connection): boolean {
    if (!connection.open) return false;
    if (connection.admitted) return true;
    // HTTP connections beyond `max_connections` are for probes.
    if (this.full) {
      this.count('max_connections');
      return false;
    }
    this.#removeUnadmitted(connection);
    connection.admitted = true;
    this.#admitted++;
    return true;
  }

  dismiss(connection: Connection): void {
    if (!connection.open || !connection.admitted) return;
    connection.admitted = false;
    this.#admitted--;
    this.#addUnadmitted(connection);
  }

  progressed(connection: Connection): void {
    if (!connection.open || connection.admitted) return;
    this.#removeUnadmitted(connection);
    this.#addUnadmitted(connection);
  }

  cameFrom(connection: Connection, address: string): void {
    const key = addressKey(address);
    if (key === connection.address) return;
    const counted = connection.open && !connection.admitted;
    if (counted) this.#removeUnadmitted(connection);
    connection.address = key;
    if (!counted) return;
    this.#makeRoomAt(key);
    this.#addUnadmitted(connection);
  }

  closed(connection: Connection): void {
    if (!connection.open) return;
    connection.open = false;
    this.#sizes[connection.purpose]--;
    if (connection.admitted) this.#admitted--;
    else this.#removeUnadmitted(connection);
  }

  count(reason: TurnedAway): void {
    this.#turnedAway.set(reason, this.turnedAway(reason) + 1);
  }

  /** An address that has all it may have gives up the connection without progress for longest. */
  #makeRoomAt(key: string): void {
    const same = this.#byAddress.get(key);
    if (same !== undefined && same.size >= this.#limits().unadmittedPerAddress) first(same)?.turnAway('address');
  }

  /** Why there is no room for one more. */
  #full(purpose: Purpose, maxConnections: number): TurnedAway | undefined {
    const { size, descriptors } = this;
    // One half of the reserve is for origins, whatever happens.
    const spared = purpose === 'rtmp' ? descriptors.reserve : descriptors.reserve / 2;
    if (descriptors.free(size) <= spared) return 'descriptors';
    switch (purpose) {
      case 'rtmp':
        return size >= maxConnections ? 'max_connections' : undefined;
      case 'http':
        return size >= maxConnections + httpReserve ? 'max_connections' : undefined;
      case 'service':
        return size >= maxConnections && this.#sizes.service >= serviceReserve ? 'max_connections' : undefined;
    }
  }

  /** Who makes room: a connection of the same kind. Clients may also have what services take beyond their reserve. */
  #oldest(purpose: Purpose): Connection | undefined {
    if (purpose === 'service') return first(this.#services);
    return first(this.#clients) ?? (this.#sizes.service > serviceReserve ? first(this.#services) : undefined);
  }

  #addUnadmitted(connection: Connection): void {
    this.#listOf(connection).add(connection);
    const same = this.#byAddress.get(connection.address);
    if (same === undefined) this.#byAddress.set(connection.address, new Set([connection]));
    else same.add(connection);
  }

  #removeUnadmitted(connection: Connection): void {
    this.#listOf(connection).delete(connection);
    const same = this.#byAddress.get(connection.address);
    same?.delete(connection);
    if (same?.size === 0) this.#byAddress.delete(connection.address);
  }

  #listOf({ purpose }: Connection): Set<Connection> {
    return purpose === 'service' ? this.#services : this.#clients;
  }
}

function first<T>(set: ReadonlySet<T>): T | undefined {
  const [value] = set;
  return value;
}
