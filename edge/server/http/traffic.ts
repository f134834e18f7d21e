/**
 * Bytes in and out, by client, stream, vhost and in all, and who is there. Nothing is counted per frame: the clients'
 * own counts are read every few seconds and for each answer that shows them. With thousands of clients a look takes
 * longer than frames may wait: it goes in turns with all else, and who asks during a look shares it.
 */

import type { Hub } from '../../stream/hub.ts';
import type { LiveStream } from '../../stream/live-stream.ts';
import { streamKey } from '../../stream/name.ts';
import { type Client, type Clients, streamOf } from '../clients.ts';
import { inTurns } from './in-turns.ts';
import { Meter, SharedMeter, sampleEveryMs } from './meter.ts';

/** Clients or streams that are looked at in one turn of the event loop: about a millisecond's work. */
export const perTurn = 250;

export interface RoleCounts {
  readonly play: number;
  /** Of those who play, edges of a tier below. */
  readonly edges: number;
  readonly publish: number;
}

/** What one client has been counted with. */
interface Row extends Meter {
  droppedGops: number;
  /** Where it belongs; empty for what it has not named. */
  vhost: string;
  stream: string;
  wholes: readonly SharedMeter[];
}

export class Traffic {
  readonly total = new Meter();
  /** Times that frames were dropped for players that were too slow. */
  droppedGops = 0;
  /** Slices made, and the bytes of media in them. */
  slices = 0;
  sliceBytes = 0;
  readonly #clients: Clients;
  readonly #hub: Hub;
  readonly #vhosts: () => readonly string[];
  readonly #seen = new WeakMap<LiveStream, { slices: number; bytes: number }>();
  readonly #byClient = new Map<Client, Row>();
  readonly #byStream = new Map<string, SharedMeter>();
  readonly #byVhost = new Map<string, SharedMeter>();
  readonly #timer: NodeJS.Timeout;
  #look: Promise<RoleCounts> | undefined;

  /** @param vhosts names of those that are configured: their totals stay when nobody is connected */
  constructor(clients: Clients, hub: Hub, vhosts: () => readonly string[]) {
    this.#clients = clients;
    this.#hub = hub;
    this.#vhosts = vhosts;
    clients.onLeft((client) => this.#forget(client));
    this.total.sample(performance.now());
    this.#timer = setInterval(() => void this.sample(performance.now()), sampleEveryMs).unref();
  }

  ofClient(client: Client): Meter {
    return this.#byClient.get(client) ?? new Meter();
  }

  ofStream(key: string): SharedMeter {
    return this.#byStream.get(key) ?? new SharedMeter();
  }

  ofVhost(name: string): SharedMeter {
    return this.#byVhost.get(name) ?? new SharedMeter();
  }

  /** Brings all totals up to now, and counts the clients by what they do. */
  collect(): Promise<RoleCounts> {
    this.#look ??= this.#lookAtAll().finally(() => {
      this.#look = undefined;
    });
    return this.#look;
  }

  /** One step of all rates. Streams without clients are forgotten, and vhosts that are no longer configured, too. */
  async sample(nowMs: number): Promise<void> {
    await this.collect();
    const vhosts = new Set(this.#vhosts());
    await inTurns(this.#byClient.values(), perTurn, (row) => row.sample(nowMs));
    await inTurns(this.#byStream, perTurn, ([key, meter]) => {
      if (meter.clients > 0) meter.sample(nowMs);
      else this.#byStream.delete(key);
    });
    for (const [name, meter] of this.#byVhost) {
      if (meter.clients > 0 || vhosts.has(name)) meter.sample(nowMs);
      else this.#byVhost.delete(name);
    }
    this.total.sample(nowMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #lookAtAll(): Promise<RoleCounts> {
    const roles = { play: 0, edges: 0, publish: 0 };
    await inTurns(this.#clients.values(), perTurn, (client) => {
      this.#collect(client);
      if (client.role === 'connecting') return;
      roles[client.role]++;
      if (client.role === 'play' && client.isEdge) roles.edges++;
    });
    await inTurns(this.#hub.streams.values(), perTurn, (stream) => {
      const { slices, bytesReceived } = stream.stats;
      const seen = this.#seen.get(stream);
      this.slices += slices - (seen?.slices ?? 0);
      this.sliceBytes += bytesReceived - (seen?.bytes ?? 0);
      this.#seen.set(stream, { slices, bytes: bytesReceived });
    });
    return roles;
  }

  #collect(client: Client): Row {
    return this.#count(client, this.#rowOf(client));
  }

  #count(client: Client, row: Row): Row {
    const received = Math.max(0, client.bytesReceived - row.received);
    const sent = Math.max(0, client.bytesSent - row.sent);
    const droppedGops = Math.max(0, client.droppedGops - row.droppedGops);
    row.droppedGops = client.droppedGops;
    this.droppedGops += droppedGops;
    count(row, received, sent);
    count(this.total, received, sent);
    for (const whole of row.wholes) {
      count(whole, received, sent);
      whole.droppedGops += droppedGops;
    }
    return row;
  }

  /** What it was given last belongs to the stream that it played, though it names none any more. */
  #forget(client: Client): void {
    const known = this.#byClient.get(client);
    const row = known !== undefined && known.stream !== '' ? this.#count(client, known) : this.#collect(client);
    for (const whole of row.wholes) whole.clients--;
    this.#byClient.delete(client);
  }

  /** The client's row, with the stream and the vhost that it names by now. */
  #rowOf(client: Client): Row {
    const row = meterOf(this.#byClient, client, newRow);
    const name = streamOf(client);
    const stream = name.stream === '' ? '' : streamKey(name);
    if (row.vhost === name.vhost && row.stream === stream) return row;
    for (const whole of row.wholes) whole.clients--;
    const wholes: SharedMeter[] = [];
    if (name.vhost !== '') wholes.push(meterOf(this.#byVhost, name.vhost, newShared));
    if (stream !== '') wholes.push(meterOf(this.#byStream, stream, newShared));
    for (const whole of wholes) whole.clients++;
    return Object.assign(row, { vhost: name.vhost, stream, wholes });
  }
}

function count(meter: Meter, received: number, sent: number): void {
  meter.received += received;
  meter.sent += sent;
}

const newRow = (): Row => Object.assign(new Meter(), { droppedGops: 0, vhost: '', stream: '', wholes: [] });
const newShared = (): SharedMeter => new SharedMeter();

function meterOf<K, M>(meters: Map<K, M>, key: K, create: () => M): M {
  let meter = meters.get(key);
  if (meter === undefined) {
    meter = create();
    meters.set(key, meter);
  }
  return meter;
}
