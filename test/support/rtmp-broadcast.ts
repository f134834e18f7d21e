/**
 * A live encoder: sends one picture and one audio frame at a steady pace, to as many connections as are given, the
 * very same messages to each. Timestamps count frames, not real time.
 */

import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { audioFrame, audioHeader, interFrame, keyframe, metadata, videoHeader } from './media.ts';

/** Who is sent to: a publisher's connection to an edge, or a scripted origin's to one that plays. */
export interface Receiver {
  readonly closed: boolean;
  send(...messages: readonly RtmpMessage[]): void;
}

export interface BroadcastOptions {
  readonly startMs?: number;
  readonly stepMs?: number;
  readonly framesPerGop?: number;
  /** Set in every payload, so that broadcasts of different seeds share no frame. Below 256. */
  readonly seed?: number;
  readonly video?: boolean;
}

export class Broadcast {
  readonly sent: RtmpMessage[] = [];
  readonly #peers: readonly Receiver[];
  readonly #options: Required<BroadcastOptions>;
  #index = 0;
  readonly #timer: NodeJS.Timeout;

  /** Begins at once with metadata and sequence headers. */
  constructor(peers: readonly Receiver[], options: BroadcastOptions = {}) {
    this.#peers = peers;
    this.#options = { startMs: 0, stepMs: 20, framesPerGop: 10, seed: 1, video: true, ...options };
    const { startMs, stepMs, video } = this.#options;
    this.#send([metadata(startMs), ...(video ? [videoHeader(startMs)] : []), audioHeader(startMs)]);
    this.#tick();
    this.#timer = setInterval(() => this.#tick(), stepMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Sends something between the frames. */
  insert(...messages: RtmpMessage[]): void {
    this.#send(messages);
  }

  /** Time of the newest frame. */
  get timeMs(): number {
    return this.sent.at(-1)?.timestamp ?? 0;
  }

  #tick(): void {
    const { startMs, stepMs, framesPerGop, seed, video } = this.#options;
    const timestamp = startMs + this.#index * stepMs;
    const id = seed * 2 ** 24 + this.#index;
    const picture = this.#index % framesPerGop === 0 ? keyframe(timestamp, id) : interFrame(timestamp, id);
    this.#index++;
    this.#send([...(video ? [picture] : []), audioFrame(timestamp + 3, id)]);
  }

  #send(messages: RtmpMessage[]): void {
    this.sent.push(...messages);
    for (const peer of this.#peers) if (!peer.closed) peer.send(...messages);
  }
}
