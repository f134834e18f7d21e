/**
 * Metrics of single streams, for those who ask for them (`exporter { streams }`): the streams with most players, as each
 * costs Prometheus a series for each of these figures, and only those that have media, as everybody can ask for a name.
 * All the others are one more, `other`.
 */

import { Counter, Gauge, type Registry } from 'prom-client';
import { streamKey } from '../../stream/name.ts';
import type { StreamStats } from '../../stream/stream-stats.ts';
import type { Gateway } from '../gateway.ts';
import { type StreamEntry, streamEntries } from './figures.ts';
import { inTurns } from './in-turns.ts';
import type { SharedMeter } from './meter.ts';
import { perTurn, type Traffic } from './traffic.ts';

const labelNames = ['vhost', 'app', 'stream'] as const;

/** No stream has a name without a vhost. */
const others = { stream: 'other' };

/** What a figure is read from. */
interface Source {
  readonly entry: StreamEntry;
  readonly meter: SharedMeter;
  readonly stats: StreamStats | undefined;
}

interface Figure {
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge';
  readonly read: (source: Source) => number;
}

const figures: readonly Figure[] = [
  gauge('players', 'Clients that play the stream.', ({ entry }) => entry.live?.playerCount ?? 0),
  gauge('publishers', '1 while the stream is published at this edge.', ({ entry }) =>
    Number(entry.published !== undefined),
  ),
  counter('sent_bytes', 'Bytes sent to clients of the stream.', ({ meter }) => meter.sent),
  counter('received_bytes', "Bytes received from the stream's clients.", ({ meter }) => meter.received),
  counter(
    'media_bytes',
    'Bytes of media of the stream, counted once for all players.',
    ({ stats }) => stats?.bytesReceived ?? 0,
  ),
  counter(
    'video_frames',
    'Video frames of the stream: their rate is the frame rate.',
    ({ stats }) => stats?.videoFrames ?? 0,
  ),
  counter('audio_frames', 'Audio frames of the stream.', ({ stats }) => stats?.audioFrames ?? 0),
  counter('dropped_gops', 'Times that frames were dropped for a player too slow.', ({ meter }) => meter.droppedGops),
  counter('switches', 'Times that the stream went on from another origin.', ({ stats }) => stats?.splices ?? 0),
  counter(
    'gap_seconds',
    'How long players had no frame at these times, in all.',
    ({ stats }) => (stats?.spliceGapsMs ?? 0) / 1000,
  ),
  counter(
    'searches',
    'Times that an origin with the stream was looked for, and found.',
    ({ stats }) => stats?.searches ?? 0,
  ),
  counter('search_seconds', 'How long that took, in all.', ({ stats }) => (stats?.searchesMs ?? 0) / 1000),
];

function gauge(name: string, help: string, read: Figure['read']): Figure {
  return { name: `edge_stream_${name}`, help, kind: 'gauge', read };
}

function counter(name: string, help: string, read: Figure['read']): Figure {
  return { name: `edge_stream_${name}_total`, help, kind: 'counter', read };
}

interface Row {
  readonly entry: StreamEntry;
  readonly key: string;
  /** As `figures` lists them. */
  readonly values: readonly number[];
}

/** One scrape's view of the streams. */
export class StreamMetrics {
  readonly #gateway: Gateway;
  readonly #traffic: Traffic;
  /** The streams with names, as of the last look. */
  #named: readonly Row[] = [];
  #isOn = false;
  /** The sums of the others, as `figures` lists them. */
  #others: number[] = figures.map(() => 0);
  /** What each stream had at the last look, by key. */
  #before: ReadonlyMap<string, readonly number[]> = new Map();

  constructor(registry: Registry, gateway: Gateway, traffic: Traffic) {
    this.#gateway = gateway;
    this.#traffic = traffic;
    for (const [index, figure] of figures.entries()) this.#add(registry, figure, index);
    this.#addSource(registry);
  }

  /** Reads all streams; the event loop turns meanwhile. */
  async look(): Promise<void> {
    const most = this.#gateway.config.exporter.streams;
    this.#isOn = most > 0;
    // By key: a stream may end while it is published, and be listed as both.
    const found = new Map<string, Row>();
    if (this.#isOn) await inTurns(streamEntries(this.#gateway.hub), perTurn, (entry) => this.#read(found, entry));
    const rows = [...found.values()];
    this.#named = busiest(rows, most);
    await this.#sumOthers(rows);
  }

  #read(found: Map<string, Row>, entry: StreamEntry): void {
    const key = streamKey(entry.name);
    const source = { entry, meter: this.#traffic.ofStream(key), stats: entry.live?.stats };
    found.set(key, { entry, key, values: figures.map(({ read }) => read(source)) });
  }

  /**
   * A stream becomes one of the others, or one of those with names, as its players come and go. What it counted before
   * stays where it was counted, so that no sum ever falls or leaps.
   */
  async #sumOthers(rows: readonly Row[]): Promise<void> {
    const named = new Set(this.#named);
    const sums = figures.map(({ kind }, index) => (kind === 'gauge' ? 0 : (this.#others[index] ?? 0)));
    const now = new Map<string, readonly number[]>();
    await inTurns(rows, perTurn, (row) => {
      now.set(row.key, row.values);
      if (named.has(row)) return;
      const before = this.#before.get(row.key);
      for (const [index, value] of row.values.entries()) {
        const counted = figures[index]?.kind === 'counter' ? (before?.[index] ?? 0) : 0;
        // Below what it was, it is a new stream of that name.
        sums[index] = (sums[index] ?? 0) + (value < counted ? value : value - counted);
      }
    });
    this.#others = sums;
    this.#before = now;
  }

  #add(registry: Registry, { name, help, kind }: Figure, index: number): void {
    const options = { name, help, labelNames, registers: [registry] };
    const set = (put: (labels: Partial<Record<(typeof labelNames)[number], string>>, value: number) => void): void => {
      if (!this.#isOn) return;
      for (const { entry, values } of this.#named) put(labelsOf(entry), values[index] ?? 0);
      put(others, this.#others[index] ?? 0);
    };
    if (kind === 'gauge') {
      const metric = new Gauge({
        ...options,
        collect: () => {
          metric.reset();
          set((labels, value) => metric.set(labels, value));
        },
      });
    } else {
      const metric = new Counter({
        ...options,
        collect: () => {
          metric.reset();
          set((labels, value) => metric.inc(labels, value));
        },
      });
    }
  }

  #addSource(registry: Registry): void {
    const metric = new Gauge({
      name: 'edge_stream_source',
      help: 'Always 1: the origin that the stream comes from or goes to, and the state of that.',
      labelNames: [...labelNames, 'origin', 'state'],
      registers: [registry],
      collect: () => {
        metric.reset();
        for (const { entry } of this.#named) {
          const { live, published } = entry;
          const origin = live?.source?.origin ?? published?.publication.origin ?? '';
          metric.set({ ...labelsOf(entry), origin, state: live?.source?.state ?? 'pushed' }, 1);
        }
      },
    });
  }
}

function labelsOf({ name }: StreamEntry): Record<(typeof labelNames)[number], string> {
  return { vhost: name.vhost, app: name.app, stream: name.stream };
}

/** Those with media that have most players; published ones before others, and then those that are here for longest. */
function busiest(rows: readonly Row[], count: number): readonly Row[] {
  return rows
    .filter(({ entry: { live, published } }) => published !== undefined || (live?.stats.framesReceived ?? 0) > 0)
    .toSorted((a, b) => rank(b.entry) - rank(a.entry))
    .slice(0, count);
}

function rank({ live, published }: StreamEntry): number {
  return 2 * (live?.playerCount ?? 0) + Number(published !== undefined);
}
