/**
 * All streams of this edge, by name: where players find what publishers or origins bring.
 */

import { MediaMemory } from '../budget/media-memory.ts';
import type { EdgeConfig, VhostConfig } from '../conf/model.ts';
import { readRestMs } from '../conf/vhost.ts';
import { Deadline } from '../time/deadline.ts';
import { LiveStream } from './live-stream.ts';
import { LocalPublication } from './local-publication.ts';
import { streamKey } from './name.ts';
import { type Claim, nameTakenCode, type Publication, type PublicationEvents } from './publication.ts';
import { Refusal, type StreamRequest, streamName } from './request.ts';
import { noReports, type StreamReports } from './stream-reports.ts';
import type { StreamSource } from './stream-source.ts';

/** The way to the origins; implemented in a layer above. */
export interface Upstream {
  /** @param ended called when nobody needs the stream any more or no origin has it, with a reason if players must be told */
  pull(stream: LiveStream, request: StreamRequest, ended: (reason: string | undefined) => void): StreamSource;
  push(request: StreamRequest, vhost: VhostConfig, events: PublicationEvents): Publication;
}

/** A stream that is being published on this edge, and by whom. */
export interface PublishedStream {
  readonly request: StreamRequest;
  readonly publication: Publication;
  /** The settings that it has. */
  readonly vhost: VhostConfig;
  readonly events: PublicationEvents;
}

/** What a goodbye may take on its way, beside the interval at which it is read. */
const goodbyeMs = 100;

/** Who sends nothing for so long, beside the interval at which it is read, is taken to be gone (`override`). */
const vanishedAfterMs = 1_000;

export class Hub {
  /** Of all streams since the start. */
  readonly counters: { oddFrames: number; droppedHeaders: number } = { oddFrames: 0, droppedHeaders: 0 };
  readonly memory: MediaMemory;
  readonly #upstream: Upstream;
  readonly #reports: StreamReports;
  readonly #streams = new Map<string, LiveStream>();
  readonly #published = new Map<string, PublishedStream>();
  /** The configured vhosts, by name, since there was a reload. */
  #vhosts: ReadonlyMap<string, VhostConfig> = new Map();
  /** Publishers of a name that is taken, by its key. */
  readonly #awaitingNames = new Map<string, Set<() => void>>();

  /** @param memory where what all streams keep is counted */
  constructor(upstream: Upstream, log: Pick<StreamReports, 'warn'> = noReports, memory = MediaMemory.unbounded) {
    this.memory = memory;
    this.#upstream = upstream;
    this.#reports = {
      oddFrames: (count) => {
        this.counters.oddFrames += count;
      },
      droppedHeader: () => {
        this.counters.droppedHeaders++;
      },
      warn: (fields, event) => log.warn(fields, event),
    };
  }

  /** Streams that are played, or could be at once, by key. */
  get streams(): ReadonlyMap<string, LiveStream> {
    return this.#streams;
  }

  /** Streams published on this edge, by key. */
  get published(): ReadonlyMap<string, PublishedStream> {
    return this.#published;
  }

  /**
   * The stream to attach a player to, at once; it may have no frames yet. One that stays without a player ends.
   * @param vhost as it was when the client came: a reload may have changed it while a callback was asked
   */
  play(request: StreamRequest, vhost: VhostConfig): LiveStream {
    const name = streamName(request);
    const known = this.#streams.get(streamKey(name));
    if (known !== undefined) return known;
    // A publisher that goes to an origin does so until it ends, whatever a reload has said since: its stream is there.
    const inUse = this.#published.get(streamKey(name))?.vhost ?? this.#inForce(vhost);
    const stream = new LiveStream(name, inUse, this.#reports, this.memory);
    const source = this.#sourceOf(stream, request);
    stream.sourcedBy(source);
    this.#streams.set(stream.key, stream);
    setImmediate(() => {
      if (stream.playerCount === 0) source.players(0);
    });
    return stream;
  }

  /**
   * Begins a publication. Throws a Refusal: `NetStream.Publish.BadName` while the stream is being published and stays
   * so (see `override`), or what the origin says.
   * @param vhostAtFirst as `vhost` of `play`
   */
  async publish(
    request: StreamRequest,
    vhostAtFirst: VhostConfig,
    events: PublicationEvents,
    claim: Claim,
  ): Promise<Publication> {
    const key = streamKey(streamName(request));
    const former = this.#published.get(key);
    const before = this.#inForce(vhostAtFirst);
    if (former !== undefined && !overrides(before, claim)) await this.#freed(key, before, former);
    // There may have been a reload meanwhile.
    const vhost = this.#inForce(vhostAtFirst);
    // It may have come again meanwhile, on another connection: that one is not to be thrown out for it.
    if (events.gone.aborted) throw new Refusal('NetStream.Publish.Failed', 'the publisher has gone', 503);
    // Nothing is awaited from here until the name is ours.
    const present = this.#published.get(key);
    if (present !== undefined) {
      if (!overrides(vhost, claim) && !hasVanished(present, vhost)) {
        throw new Refusal(nameTakenCode, `stream ${key} is being published already`);
      }
      this.#takeOver(present, request);
    }
    const publication =
      vhost.cluster.mode === 'remote'
        ? this.#upstream.push(request, vhost, events)
        : this.#localPublication(request, vhost);
    this.#published.set(key, { request, publication, events, vhost });
    try {
      await publication.start();
      this.#streams.get(key)?.source?.published();
      return publication;
    } catch (error) {
      this.unpublish(publication);
      throw error;
    }
  }

  /** Ends a publication: the name is free again. */
  unpublish(publication: Publication): void {
    const key = streamKey(publication.name);
    if (this.#published.get(key)?.publication === publication) this.#published.delete(key);
    publication.close();
    const stream = this.#streams.get(key);
    const vhost = this.#vhosts.get(publication.name.vhost);
    const isOutdated = stream !== undefined && vhost !== undefined && stream.vhost.cluster.mode !== vhost.cluster.mode;
    if (isOutdated && !this.#published.has(key)) this.#reconfigured(stream, vhost);
    for (const go of this.#awaitingNames.get(key) ?? []) go();
  }

  /** Ends a publication for the sake of a newer one. Players stay, and what is published next goes on for them. */
  #takeOver({ request, publication, events }: PublishedStream, by: StreamRequest): void {
    const fields = { stream: streamKey(publication.name), client: request.clientId, by: by.clientId };
    this.#reports.warn(fields, 'another publisher takes the stream over');
    events.ended(nameTakenCode, 'another publisher has taken the stream over');
    // One that still waits for its origin has not let go of the name.
    this.unpublish(publication);
  }

  /**
   * Resolves when the name is free, or after a short while: a publisher that comes back at once may be here before
   * its own goodbye on the connection before, which is read at intervals. With `override` it waits until that
   * connection has been silent for long enough.
   */
  async #freed(key: string, vhost: VhostConfig, { events }: PublishedStream): Promise<void> {
    const leftMs = vhost.publish.override ? Math.max(vanishedMs(vhost) - events.silentMs(), 0) : readRestMs(vhost);
    const awaiting = this.#awaitingNames.get(key) ?? new Set();
    this.#awaitingNames.set(key, awaiting);
    await new Promise<void>((resolve) => {
      const go = (): void => {
        deadline.stop();
        awaiting.delete(go);
        if (awaiting.size === 0) this.#awaitingNames.delete(key);
        resolve();
      };
      // A goodbye that came while this process was held up is read before it expires.
      const deadline = new Deadline(go);
      deadline.start(leftMs + goodbyeMs);
      awaiting.add(go);
    });
  }

  /**
   * Takes over changed settings, stream by stream; nobody is disconnected by it. Streams of a vhost that is gone keep
   * its last settings: the default vhost, which new clients of that name get, may be somebody else's. A stream that is
   * published stays local, or at its origins, until its publisher ends.
   */
  reconfigure(config: EdgeConfig): void {
    this.#vhosts = new Map(config.vhosts.map((vhost) => [vhost.name, vhost]));
    for (const [key, published] of this.#published) {
      const next = this.#vhosts.get(published.publication.name.vhost);
      if (next === undefined) continue;
      const { cluster } = published.vhost;
      const vhost = next.cluster.mode === cluster.mode ? next : { ...next, cluster };
      this.#published.set(key, { ...published, vhost });
      published.publication.reconfigured(vhost);
    }
    for (const [key, stream] of this.#streams) {
      const vhost = this.#published.get(key)?.vhost ?? this.#vhosts.get(stream.name.vhost);
      if (vhost !== undefined) this.#reconfigured(stream, vhost);
    }
  }

  #reconfigured(stream: LiveStream, vhost: VhostConfig): void {
    const { mode } = stream.vhost.cluster;
    stream.vhost = vhost;
    if (vhost.cluster.mode === mode) stream.source?.reconfigured();
    else this.#changeSource(stream);
  }

  /** The stream comes from elsewhere from now on: its players stay, and go on with what comes from there. */
  #changeSource(stream: LiveStream): void {
    const former = stream.source;
    const request = stream.requests.at(-1);
    if (request === undefined) {
      // Nobody plays it.
      this.#remove(stream, undefined);
      return former?.stop();
    }
    const source = this.#sourceOf(stream, request);
    stream.sourcedBy(source);
    former?.stop();
    stream.dropGop();
    source.players(stream.playerCount);
  }

  /** Ends everything. */
  close(): void {
    for (const { publication } of [...this.#published.values()]) this.unpublish(publication);
    for (const stream of [...this.#streams.values()]) {
      this.#remove(stream, 'the edge stops');
      stream.source?.stop();
    }
  }

  /** A vhost that a reload has taken away stays as it was for those who have come to it. */
  #inForce(vhost: VhostConfig): VhostConfig {
    return this.#vhosts.get(vhost.name) ?? vhost;
  }

  #sourceOf(stream: LiveStream, request: StreamRequest): StreamSource {
    if (stream.vhost.cluster.mode === 'local') return this.#localSource(stream);
    const source = this.#upstream.pull(stream, request, (reason) => {
      // A source that was left has no say any more.
      if (stream.source === source) this.#remove(stream, reason);
    });
    return source;
  }

  #localPublication(request: StreamRequest, vhost: VhostConfig): Publication {
    const stream = this.play(request, vhost);
    return new LocalPublication(stream, () => stream.source?.players(stream.playerCount));
  }

  /** A local stream stays while somebody plays or publishes it. */
  #localSource(stream: LiveStream): StreamSource {
    return {
      get state() {
        return stream.live ? 'live' : 'idle';
      },
      origin: undefined,
      players: (count) => {
        if (count === 0 && !this.#published.has(stream.key)) this.#remove(stream, undefined);
      },
      published: () => {},
      reconfigured: () => {},
      stop: () => {},
    };
  }

  #remove(stream: LiveStream, reason: string | undefined): void {
    if (this.#streams.get(stream.key) !== stream) return;
    this.#streams.delete(stream.key);
    if (reason !== undefined) stream.end(reason);
    stream.dispose();
  }
}

/** Whether a publisher may take a name over from any other at once. */
function overrides(vhost: VhostConfig, claim: Claim): boolean {
  return vhost.publish.override && claim === 'proven';
}

function vanishedMs(vhost: VhostConfig): number {
  return readRestMs(vhost) + vanishedAfterMs;
}

/** Whether a publication may be taken over by anybody: its publisher has most likely lost its connection. */
function hasVanished({ events }: PublishedStream, vhost: VhostConfig): boolean {
  return vhost.publish.override && events.silentMs() >= vanishedMs(vhost);
}
