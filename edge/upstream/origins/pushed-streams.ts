/**
 * Streams that this edge pushes, for its pulls: where an origin has nothing of a stream that we are sending it, it has
 * accepted the push and delivers it to nobody. Servers do so now and then (SRS, when it sweeps a source away while
 * `publish` is on its way), and no error tells the publisher.
 */

/** How an origin shows that it does not have a stream. */
export type Lack =
  /** It says so. */
  | { readonly kind: 'said' }
  /** It accepted a player, and has sent it no frame since; on the clock of `awakeNow`. */
  | { readonly kind: 'silent'; readonly sinceMs: number };

export interface PushedStream {
  /** @param origin name of the one that lacks it */
  lacking(origin: string, lack: Lack): void;
  /** An origin delivers the stream. */
  seen(): void;
}

export class PushedStreams {
  readonly #pushed = new Map<string, PushedStream>();

  /** Call the result when it is not pushed any more. */
  add(streamKey: string, pushed: PushedStream): () => void {
    this.#pushed.set(streamKey, pushed);
    return () => {
      if (this.#pushed.get(streamKey) === pushed) this.#pushed.delete(streamKey);
    };
  }

  lacking(streamKey: string, origin: string, lack: Lack): void {
    this.#pushed.get(streamKey)?.lacking(origin, lack);
  }

  seen(streamKey: string): void {
    this.#pushed.get(streamKey)?.seen();
  }
}
