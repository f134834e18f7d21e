/**
 * `mode local`: the publisher's stream is played from this very process.
 */

import type { RtmpMessage } from '../rtmp/message.ts';
import type { Feed } from './feed.ts';
import type { StreamContent } from './headers.ts';
import type { LiveStream } from './live-stream.ts';
import type { StreamName } from './name.ts';
import type { Publication } from './publication.ts';

export class LocalPublication implements Publication {
  readonly name: StreamName;
  readonly origin = undefined;
  readonly #stream: LiveStream;
  readonly #feed: Feed;
  readonly #closed: () => void;
  /** When what has come since the last flush arrived. */
  #arrivalMs: number | undefined;
  #isClosed = false;

  /** @param closed called when the publisher is gone */
  constructor(stream: LiveStream, closed: () => void) {
    this.name = stream.name;
    this.#stream = stream;
    this.#feed = stream.openFeed();
    this.#closed = closed;
  }

  get content(): StreamContent {
    return this.#stream;
  }

  async start(): Promise<void> {}

  push(message: RtmpMessage): void {
    this.#arrivalMs ??= performance.now();
    this.#feed.push(message, this.#arrivalMs);
  }

  flush(): void {
    this.#feed.flush(this.#arrivalMs ?? performance.now());
    this.#arrivalMs = undefined;
  }

  reconfigured(): void {}

  close(): void {
    // The stream may be another publisher's by now.
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#feed.close();
    this.#stream.forget();
    this.#closed();
  }
}
