/**
 * Keeps a stream fed from its origins while somebody plays it, or waits for an origin's word, and a little longer for
 * whoever comes next.
 */

import type { LiveStream } from '../../stream/live-stream.ts';
import type { StreamRequest } from '../../stream/request.ts';
import type { StreamSource } from '../../stream/stream-source.ts';
import { Deadline } from '../../time/deadline.ts';
import type { UpstreamContext } from '../context.ts';
import { Admission } from '../tokens/admission.ts';
import { PullRoute } from './pull-route.ts';

export class Puller implements StreamSource {
  readonly #stream: LiveStream;
  /** Called when nobody needs the stream any more, or when no origin has it: with a reason if players must be told. */
  readonly #ended: (reason: string | undefined) => void;
  readonly #route: PullRoute;
  readonly #admission: Admission;
  #players = 0;
  #lingerTimer: NodeJS.Timeout | undefined;
  /** Players wait for an origin so long; then they are told that there is none. */
  readonly #hold = new Deadline(() => {
    this.#stop(`no origin could be reached for ${this.#stream.vhost.edge.holdTimeoutMs} ms`);
  });
  #stopped = false;

  constructor(
    stream: LiveStream,
    request: StreamRequest,
    context: UpstreamContext,
    ended: (reason: string | undefined) => void,
  ) {
    this.#stream = stream;
    this.#ended = ended;
    this.#route = new PullRoute({
      stream,
      request,
      context,
      waiting: () => this.#admission.requests,
      events: {
        reachable: () => this.#hold.stop(),
        unreachable: () => this.#waitForOrigins(),
        delivers: () => {
          this.#admission.changed();
          if (this.#players === 0) this.#linger();
        },
        refused: () => this.#admission.changed(),
        idle: () => this.#leaveIfUnwanted(),
      },
    });
    const awaited = {
      key: stream.key,
      vhost: () => stream.vhost,
      liveAt: () => this.#route.live?.origin,
      look: () => this.#route.wanted(false),
    };
    this.#admission = new Admission(awaited, context);
  }

  get state(): StreamSource['state'] {
    const { live, isSearching, wasLive } = this.#route;
    if (this.#stopped) return 'idle';
    if (this.#lingerTimer !== undefined) return 'lingering';
    if (live !== undefined) return 'live';
    if (!isSearching) return 'idle';
    return wasLive ? 'reconnecting' : 'connecting';
  }

  /** Name of the origin in use. */
  get origin(): string | undefined {
    return this.#route.live?.name;
  }

  /** Resolves when the client may play. Throws a Refusal. */
  async admit(request: StreamRequest): Promise<void> {
    try {
      await this.#admission.admit(request);
    } finally {
      // Nobody else may want the stream. Who was let in attaches first.
      setImmediate(() => {
        if (this.#players === 0) this.#linger();
      });
    }
  }

  players(count: number): void {
    if (this.#stopped) return;
    const hasCome = count > this.#players;
    this.#players = count;
    clearTimeout(this.#lingerTimer);
    this.#lingerTimer = undefined;
    if (count === 0) this.#linger();
    else this.#route.wanted(hasCome);
  }

  published(): void {
    this.#route.published();
  }

  reconfigured(): void {
    this.#route.reconfigured();
  }

  stop(): void {
    this.#stop(undefined);
  }

  #waitForOrigins(): void {
    const { holdTimeoutMs } = this.#stream.vhost.edge;
    if (this.#route.live === undefined && !this.#hold.pending) this.#hold.start(holdTimeoutMs);
  }

  /** Nobody plays it. What a search has begun to learn is of use to the next player: its round is finished. */
  #linger(): void {
    if (this.#route.wasLive || !this.#route.isAsking) this.#leaveIfUnwanted();
  }

  #leaveIfUnwanted(): void {
    if (this.#isWanted || this.#lingerTimer !== undefined || this.#stopped) return;
    // A stream that was never found is not worth waiting for.
    const lingerMs = this.#route.wasLive ? this.#stream.vhost.edge.lingerMs : 0;
    this.#lingerTimer = setTimeout(() => {
      this.#lingerTimer = undefined;
      // Somebody may have come who waits for an origin's word: that begins the time anew when it is over.
      if (!this.#isWanted) this.#stop(undefined);
    }, lingerMs);
  }

  get #isWanted(): boolean {
    return this.#players > 0 || this.#admission.requests.length > 0;
  }

  #stop(reason: string | undefined): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#lingerTimer);
    this.#hold.stop();
    this.#route.close();
    this.#admission.close(reason ?? 'nobody plays the stream any more');
    this.#ended(reason);
  }
}
