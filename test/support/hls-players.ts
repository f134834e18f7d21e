/** Players of HLS, many of them: each asks for the playlist again and again and for every segment that is new in it. */

import { Agent, get, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

export interface HlsAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

/** Rejects where the answer does not come whole. */
export function ask(url: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<HlsAnswer> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, headers, method, timeout: 10_000 }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
      response.once('error', reject);
    });
    request.once('timeout', () => request.destroy(new Error(`no answer: ${url}`)));
    request.once('error', reject);
  });
}

export interface Playlist {
  readonly sequence: number;
  readonly targetSeconds: number;
  /** As they stand in it. */
  readonly segments: readonly string[];
}

export function parsePlaylist(text: string): Playlist {
  const number = (tag: string) => Number(new RegExp(`#EXT-X-${tag}:(\\d+)`).exec(text)?.[1] ?? 0);
  const segments = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return { sequence: number('MEDIA-SEQUENCE'), targetSeconds: number('TARGETDURATION'), segments };
}

/** Half of the target duration, as players do who found nothing new. */
const pollMs = 500;

/** A segment that came this long after the one before is late; they last one second. */
const lateMs = 4_000;

export class HlsPlayer {
  readonly #url: string;
  readonly #stop = new AbortController();
  /** Numbers of the segments that it has, in the order in which they came. */
  readonly sequences: number[] = [];
  /** Bytes of each by its name. */
  readonly bytes = new Map<string, number>();
  /** How often a segment came late, and how long it waited for one at most. */
  late = 0;
  longestWaitMs = 0;
  /** How long requests for segments took at most. */
  longestSegmentMs = 0;
  readonly refusals: string[] = [];
  #lastMs: number | undefined;
  readonly ended: Promise<void>;

  constructor(url: string) {
    this.#url = url;
    this.ended = this.#play();
  }

  stop(): Promise<void> {
    this.#stop.abort();
    return this.ended;
  }

  async #play(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#look().catch((error: Error) => this.refusals.push(error.message));
      // Players are not in step.
      await delay(pollMs * (0.8 + 0.4 * Math.random()), undefined, { signal }).catch(() => {});
    }
  }

  async #look(): Promise<void> {
    const answer = await ask(this.#url);
    if (answer.status !== 200) {
      this.refusals.push(`${answer.status} ${this.#url}`);
      return;
    }
    const { sequence, segments } = parsePlaylist(answer.body.toString());
    const last = this.sequences.at(-1);
    // From the third last on, as players begin.
    const from = last === undefined ? sequence + Math.max(0, segments.length - 3) : last + 1;
    for (const [index, segment] of segments.entries()) {
      const number = sequence + index;
      if (number < from || this.#stop.signal.aborted) continue;
      const beganMs = performance.now();
      const { status, body } = await ask(new URL(segment, this.#url).href);
      if (status !== 200) {
        this.refusals.push(`${status} ${segment}`);
        return;
      }
      this.#received(number, segment, body.length, performance.now() - beganMs);
    }
  }

  #received(number: number, name: string, bytes: number, tookMs: number): void {
    const nowMs = performance.now();
    const waitedMs = nowMs - (this.#lastMs ?? nowMs);
    this.#lastMs = nowMs;
    this.sequences.push(number);
    this.bytes.set(name, bytes);
    if (waitedMs > lateMs) this.late++;
    this.longestWaitMs = Math.max(this.longestWaitMs, waitedMs);
    this.longestSegmentMs = Math.max(this.longestSegmentMs, tookMs);
  }
}
