/**
 * Bytes in and out, by client, stream, vhost and in all, and their rates over the last 30 seconds as SRS gives them.
 * Nothing is counted per frame: the clients' own counts are read every few seconds and for each answer that shows them.
 */

import type { Hub } from '../../stream/hub.ts';
import type { LiveStream } from '../../stream/live-stream.ts';
import { streamKey } from '../../stream/name.ts';
import { type Client, type Clients, streamOf } from '../clients.ts';

const sampleEveryMs = 5_000;
const windowMs = 30_000;
const samplesKept = windowMs / sampleEveryMs + 1;

/** The totals of one client, stream or vhost. */
export class Meter {
  received = 0;
  sent = 0;
  readonly #times: number[] = [];
  readonly #received: number[] = [];
  readonly #sent: number[] = [];

  /** Remembers the present totals, which rates are measured from. */
  sample(nowMs: number): void {
    this.#times.push(nowMs);
    this.#received.push(this.received);
    this.#sent.push(this.sent);
    if (this.#times.length <= samplesKept) return;
    for (const samples of [this.#times, this.#received, this.#sent]) samples.shift();
  }

  /** Kilobits per second, whole numbers, as SRS's API shows them. */
  get kbps(): { readonly recv_30s: number; readonly send_30s: number } {
    return { recv_30s: this.#rate(this.#received), send_30s: this.#rate(this.#sent) };
  }

  #rate(samples: readonly number[]): number {
    const ms = (this.#times.at(-1) ?? 0) - (this.#times[0] ?? 0);
    // Bits per millisecond are kilobits per second.
    return ms > 0 ? Math.round((((samples.at(-1) ?? 0) - (samples[0] ?? 0)) * 8) / ms) : 0;
  }
}

interface ClientMeter extends Meter {
  droppedGops: number;
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
  readonly #byClient = new Map<Client, ClientMeter>();
  readonly #byStream = new Map<string, Meter>();
  readonly #byVhost = new Map<string, Meter>();
  readonly #timer: NodeJS.Timeout;

  /** @param vhosts names of those that are configured: their totals stay when nobody is connected */
  constructor(clients: Clients, hub: Hub, vhosts: () => readonly string[]) {
    this.#clients = clients;
    this.#hub = hub;
    this.#vhosts = vhosts;
    clients.onLeft((client) => {
      this.#collect(client);
      this.#byClient.delete(client);
    });
    this.sample(performance.now());
    this.#timer = setInterval(() => this.sample(performance.now()), sampleEveryMs).unref();
  }

  ofClient(client: Client): Meter {
    return this.#byClient.get(client) ?? new Meter();
  }

  ofStream(key: string): Meter {
    return this.#byStream.get(key) ?? new Meter();
  }

  ofVhost(name: string): Meter {
    return this.#byVhost.get(name) ?? new Meter();
  }

  /** Brings all totals up to now. */
  collect(): void {
    for (const client of this.#clients.values()) this.#collect(client);
    for (const stream of this.#hub.streams.values()) {
      const { slices, bytesReceived } = stream.stats;
      const seen = this.#seen.get(stream);
      this.slices += slices - (seen?.slices ?? 0);
      this.sliceBytes += bytesReceived - (seen?.bytes ?? 0);
      this.#seen.set(stream, { slices, bytes: bytesReceived });
    }
  }

  /** One step of all rates. Streams without clients are forgotten, and vhosts that are no longer configured, too. */
  sample(nowMs: number): void {
    this.collect();
    const played = new Set<string>();
    const vhosts = new Set(this.#vhosts());
    for (const [client, meter] of this.#byClient) {
      meter.sample(nowMs);
      const name = streamOf(client);
      played.add(streamKey(name));
      vhosts.add(name.vhost);
    }
    for (const [key, meter] of this.#byStream) {
      if (played.has(key)) meter.sample(nowMs);
      else this.#byStream.delete(key);
    }
    for (const [name, meter] of this.#byVhost) {
      if (vhosts.has(name)) meter.sample(nowMs);
      else this.#byVhost.delete(name);
    }
    this.total.sample(nowMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #collect(client: Client): void {
    const meter = meterOf(this.#byClient, client, () => Object.assign(new Meter(), { droppedGops: 0 }));
    const received = Math.max(0, client.bytesReceived - meter.received);
    const sent = Math.max(0, client.bytesSent - meter.sent);
    this.droppedGops += Math.max(0, client.droppedGops - meter.droppedGops);
    meter.droppedGops = client.droppedGops;
    const wholes = [meter, this.total];
    const name = streamOf(client);
    if (name.vhost !== '') wholes.push(meterOf(this.#byVhost, name.vhost, () => new Meter()));
    if (name.stream !== '') wholes.push(meterOf(this.#byStream, streamKey(name), () => new Meter()));
    for (const whole of wholes) {
      whole.received += received;
      whole.sent += sent;
    }
  }
}

function meterOf<K, M>(meters: Map<K, M>, key: K, create: () => M): M {
  let meter = meters.get(key);
  if (meter === undefined) {
    meter = create();
    meters.set(key, meter);
  }
  return meter;
}
