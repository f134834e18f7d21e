/**
 * Everyone who is connected: for the API, for limits, and for draining.
 */

import { randomBytes } from 'node:crypto';
import type { StreamName } from '../stream/name.ts';
import type { ClientProtocol, ConnectRequest, StreamRequest } from '../stream/request.ts';

export interface Client {
  /** Seven letters and digits, as SRS names clients; the same in logs, callbacks and at the origin. */
  readonly id: string;
  readonly protocol: ClientProtocol;
  readonly ip: string;
  /** Local monotonic time (`performance.now`): the system's clock may jump. */
  readonly connectedAtMs: number;
  /** It is an edge of a tier below, ours or SRS's, and has said so. */
  readonly isEdge: boolean;
  /** What it has come to do, as far as it has said so. */
  readonly role: 'connecting' | 'play' | 'publish';
  /** What it asks for, as far as it has said so: nothing, an application, a stream. */
  readonly request: (ConnectRequest & { readonly stream?: string }) | undefined;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly droppedGops: number;
  /** It plays or publishes, and has said that it understands `askToReconnect` (E-RTMP's `capsEx`). */
  readonly canReconnect: boolean;
  /** Asks it to connect again to the address that it came by (E-RTMP's ReconnectRequest). Only if it can. */
  askToReconnect(why: string): void;
  /** Disconnects a player at the next key frame of its stream, with all that is before it; others at once. */
  leaveAtKeyframe(reason: string): void;
  /** Tells it why, as far as its protocol can, and disconnects it. */
  disconnect(reason: string): void;
}

/** A client that was not let play or publish. */
export interface RefusedClient {
  readonly ip: string;
  /** What it asked for, as far as it had said so. */
  readonly name: StreamName;
  readonly reason: string;
}

/** The stream a client plays or publishes; what it has not yet named is empty. */
export function streamOf({ request }: Pick<Client, 'request'>): StreamName {
  return { vhost: request?.vhost ?? '', app: request?.app ?? '', stream: request?.stream ?? '' };
}

/** Whether an edge has sent such a `connect`: they say in it who they are (`debug_srs_upnode`). */
export function isFromEdge({ connectArgs: [identity] }: Pick<ConnectRequest, 'connectArgs'>): boolean {
  return typeof identity === 'object' && identity !== null && 'srs_id' in identity;
}

/** Clients that play or publish, with what they asked for. */
export function* usingClients(
  clients: Clients,
): Generator<Client & { role: 'play' | 'publish'; request: StreamRequest }> {
  for (const client of clients.values()) if (isUsing(client)) yield client;
}

function isUsing(client: Client): client is Client & { role: 'play' | 'publish'; request: StreamRequest } {
  return client.role !== 'connecting' && client.request?.stream !== undefined;
}

/** Players end by closing connections that hold more for them: TCP calls that a reset, and it is no failure. */
export function isGoodbye(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNRESET' || error.code === 'EPIPE';
}

const idAlphabet = '0123456789abcdefghijklmnopqrstuvwxyz';

export function newClientId(): string {
  let id = '';
  for (const byte of randomBytes(7)) id += idAlphabet[byte % idAlphabet.length];
  return id;
}

export class Clients {
  readonly #clients = new Map<string, Client>();
  #emptied: (() => void)[] = [];
  readonly #left: ((client: Client) => void)[] = [];
  readonly #firstFrame: ((request: StreamRequest, tookMs: number) => void)[] = [];
  readonly #refusal: ((client: RefusedClient) => void)[] = [];
  /** Messages since the start that could not be used and were passed over. */
  oddMessages = 0;
  #totalAccepted = 0;
  #totalFailed = 0;
  #refused = 0;

  get size(): number {
    return this.#clients.size;
  }

  /** Clients taken since the start. */
  get totalAccepted(): number {
    return this.#totalAccepted;
  }

  /** Clients that left since the start because something failed, not because they were done. */
  get totalFailed(): number {
    return this.#totalFailed;
  }

  /** Clients since the start that were not let play or publish, for whatever reason. */
  get refused(): number {
    return this.#refused;
  }

  values(): IterableIterator<Client> {
    return this.#clients.values();
  }

  get(id: string): Client | undefined {
    return this.#clients.get(id);
  }

  add(client: Client): void {
    this.#totalAccepted++;
    this.#clients.set(client.id, client);
  }

  remove(client: Client, failed = false): void {
    if (!this.#clients.delete(client.id)) return;
    if (failed) this.#totalFailed++;
    for (const listener of this.#left) listener(client);
    if (this.#clients.size > 0) return;
    for (const resolve of this.#emptied.splice(0)) resolve();
  }

  /** Calls `listener` for every client that leaves, with what it was given in all. */
  onLeft(listener: (client: Client) => void): void {
    this.#left.push(listener);
  }

  /** A client has been given the first frame of what it plays. @param tookMs since it asked for it */
  gotFirstFrame(request: StreamRequest, tookMs: number): void {
    for (const listener of this.#firstFrame) listener(request, tookMs);
  }

  onFirstFrame(listener: (request: StreamRequest, tookMs: number) => void): void {
    this.#firstFrame.push(listener);
  }

  /** Counts a client that was not let play or publish. */
  refuse(client: RefusedClient): void {
    this.#refused++;
    for (const listener of this.#refusal) listener(client);
  }

  onRefused(listener: (client: RefusedClient) => void): void {
    this.#refusal.push(listener);
  }

  /** Resolves when nobody is connected. */
  async empty(): Promise<void> {
    if (this.#clients.size === 0) return;
    await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }
}
