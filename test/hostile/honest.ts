/**
 * The honest clients, as a process of their own: two publishers (one at the origin, whose stream the edge pulls; one
 * at the edge, which pushes it to the origin), players of both by RTMP and HTTP-FLV, and guests who come, see a
 * picture and leave. Each has a loopback address of its own, and none has an address of a hostile client.
 */

import { get } from 'node:http';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { audioFrame, audioHeader, interFrame, keyframe, metadata, videoHeader } from '../support/media.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { answerQuestions, helperOptions } from './helper.ts';

export interface HonestOptions {
  readonly rtmpPort: number;
  readonly httpPort: number;
  readonly originPort: number;
  /** Of each kind; half of them play the stream that is pulled, half the one that is pushed. */
  readonly players: number;
}

/** What honest clients saw since the last report. */
export interface HonestReport {
  /** Longest that one player waited for its next bytes of media. */
  readonly greatestGapMs: number;
  /** Longest that this process itself was kept from running. */
  readonly ownDelayMs: number;
  /** Who was cut off, and how. */
  readonly cut: readonly string[];
  /** Players that came, and of them those that were refused or saw nothing. */
  readonly guests: number;
  readonly guestsRefused: number;
  /** Why the first of them was. */
  readonly refusal: string;
  readonly slowestGuestMs: number;
}

const options = helperOptions<HonestOptions>();
const streams = { pulled: 'honest-pulled', pushed: 'honest-pushed' } as const;
const framesPerSecond = 25;
const framesPerGop = 50;
/** Together about 1 Mbit/s. */
const bytes = { key: 20_000, inter: 4_500, audio: 250 } as const;
const audioStepMs = 23;
const lookIntervalMs = 20;
const guestIntervalMs = 1_000;
/** A guest that has no picture after this is counted as refused. */
const guestPatienceMs = 10_000;

/** One client that stays: it is opened again, for the next run, when it was cut. */
interface Staying {
  readonly name: string;
  readonly closed: boolean;
  open(): Promise<void>;
  /** Looks at what has come; returns the longest wait since the last look. */
  look(nowMs: number): number;
}

class Publisher implements Staying {
  readonly name: string;
  readonly #port: number;
  readonly #stream: string;
  readonly #address: string;
  #peer: RtmpPeer | undefined;
  #startMs = 0;
  #pictures = 0;
  #sounds = 0;

  constructor(port: number, stream: string, address: string) {
    this.name = `publisher of ${stream}`;
    this.#port = port;
    this.#stream = stream;
    this.#address = address;
  }

  get closed(): boolean {
    return this.#peer?.closed ?? true;
  }

  async open(): Promise<void> {
    this.#peer = await RtmpPeer.publisher({ port: this.#port, localAddress: this.#address }, this.#stream);
    this.#startMs = performance.now();
    this.#pictures = 0;
    this.#sounds = 0;
    this.#peer.send(metadata(0), videoHeader(0), audioHeader(0));
  }

  /** Sends what is due. */
  look(nowMs: number): number {
    const due: RtmpMessage[] = [];
    const streamMs = nowMs - this.#startMs;
    for (; (this.#pictures * 1000) / framesPerSecond <= streamMs; this.#pictures++) {
      const [id, timestamp] = [this.#pictures, (this.#pictures * 1000) / framesPerSecond];
      const isKey = id % framesPerGop === 0;
      due.push(isKey ? keyframe(timestamp, id, bytes.key) : interFrame(timestamp, id, bytes.inter));
    }
    for (; this.#sounds * audioStepMs <= streamMs; this.#sounds++) {
      due.push(audioFrame(this.#sounds * audioStepMs, this.#sounds, bytes.audio));
    }
    if (!this.closed) this.#peer?.send(...due);
    if (this.#peer !== undefined) this.#peer.received.length = 0;
    return 0;
  }
}

class RtmpPlayer implements Staying {
  readonly name: string;
  readonly #stream: string;
  readonly #address: string;
  #peer: RtmpPeer | undefined;
  #lastMs = 0;

  constructor(stream: string, address: string) {
    this.name = `RTMP player of ${stream}`;
    this.#stream = stream;
    this.#address = address;
  }

  get closed(): boolean {
    return this.#peer?.closed ?? true;
  }

  async open(): Promise<void> {
    this.#peer = await RtmpPeer.player({ port: options.rtmpPort, localAddress: this.#address }, this.#stream);
    await this.#peer.frames(1);
    this.#lastMs = performance.now();
  }

  look(nowMs: number): number {
    let longestMs = 0;
    for (const { atMs } of this.#peer?.media ?? []) {
      longestMs = Math.max(longestMs, atMs - this.#lastMs);
      this.#lastMs = atMs;
    }
    if (this.#peer !== undefined) this.#peer.received.length = 0;
    return Math.max(longestMs, nowMs - this.#lastMs);
  }

  close(): void {
    this.#peer?.reset();
  }
}

class FlvPlayer implements Staying {
  readonly name: string;
  readonly #stream: string;
  readonly #address: string;
  #lastMs = 0;
  #longestMs = 0;
  #close: (() => void) | undefined;
  closed = true;

  constructor(stream: string, address: string) {
    this.name = `HTTP-FLV player of ${stream}`;
    this.#stream = stream;
    this.#address = address;
  }

  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = get({
        ...{ host: '127.0.0.1', port: options.httpPort, path: `/live/${this.#stream}.flv` },
        ...{ localAddress: this.#address, agent: false },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        if (response.statusCode !== 200) {
          request.destroy();
          return reject(new Error(`HTTP ${response.statusCode}`));
        }
        this.closed = false;
        this.#lastMs = performance.now();
        this.#longestMs = 0;
        this.#close = () => request.destroy();
        response.on('error', () => {});
        response.on('close', () => {
          this.closed = true;
        });
        response.on('data', () => {
          const nowMs = performance.now();
          this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
          this.#lastMs = nowMs;
          resolve();
        });
      });
    });
  }

  look(nowMs: number): number {
    const longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#longestMs = 0;
    return longestMs;
  }

  close(): void {
    this.#close?.();
  }
}

const publishers = [
  new Publisher(options.originPort, streams.pulled, '127.0.2.1'),
  new Publisher(options.rtmpPort, streams.pushed, '127.0.2.2'),
];
const players = Array.from({ length: options.players }, (_, index) => {
  const stream = index % 2 === 0 ? streams.pulled : streams.pushed;
  return [
    new RtmpPlayer(stream, `127.0.1.${2 * index + 1}`),
    new FlvPlayer(stream, `127.0.1.${2 * index + 2}`),
  ] as const;
}).flat();
const everybody: readonly Staying[] = [...publishers, ...players];

let greatestGapMs = 0;
let ownDelayMs = 0;
let lastLookMs = performance.now();
let guests = 0;
let guestsRefused = 0;
let refusal = '';
let slowestGuestMs = 0;

function look(): void {
  const nowMs = performance.now();
  ownDelayMs = Math.max(ownDelayMs, nowMs - lastLookMs - lookIntervalMs);
  lastLookMs = nowMs;
  for (const client of everybody) if (!client.closed) greatestGapMs = Math.max(greatestGapMs, client.look(nowMs));
}

/** Comes, waits for the first media and leaves. */
async function visit(): Promise<void> {
  const number = guests++;
  const address = `127.0.3.${(number % 250) + 1}`;
  const stream = number % 4 < 2 ? streams.pulled : streams.pushed;
  const guest = number % 2 === 0 ? new RtmpPlayer(stream, address) : new FlvPlayer(stream, address);
  const startMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no picture')), guestPatienceMs);
  });
  const opening = guest.open();
  try {
    await Promise.race([opening, late]);
    slowestGuestMs = Math.max(slowestGuestMs, performance.now() - startMs);
  } catch (error) {
    guestsRefused++;
    refusal ||= `${guest.name}: ${error instanceof Error ? error.message : error}`;
    slowestGuestMs = Math.max(slowestGuestMs, performance.now() - startMs);
  } finally {
    clearTimeout(timer);
    opening.then(
      () => guest.close(),
      () => guest.close(),
    );
  }
}

function report(): HonestReport {
  look();
  const cut = everybody.filter(({ closed }) => closed).map(({ name }) => name);
  const result = { greatestGapMs, ownDelayMs, cut, guests, guestsRefused, refusal, slowestGuestMs };
  [greatestGapMs, ownDelayMs, guestsRefused, slowestGuestMs] = [0, 0, 0, 0];
  guests = 0;
  refusal = '';
  return result;
}

setInterval(look, lookIntervalMs);
let receivesGuests = false;
setInterval(() => {
  if (receivesGuests) void visit();
}, guestIntervalMs);

answerQuestions({
  /** Opens whoever is not there; resolves when all play. Those who cannot come are counted as cut in the report. */
  gather: async () => {
    for (const publisher of publishers) if (publisher.closed) await publisher.open();
    const absent = players.filter(({ closed }) => closed);
    await Promise.all(absent.map((player) => player.open()));
    report();
    receivesGuests = true;
  },
  report: async () => report(),
});
