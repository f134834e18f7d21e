/**
 * What a publisher has sent that a new origin needs: metadata, sequence headers, and everything since the last
 * keyframe. A stream without video has no keyframes: of it the last moments are kept, which an origin that has just
 * fallen silent may not have got. Bounded in bytes.
 */

import { sequenceHeaderKey } from '../flv/media.ts';
import { MessageType, type RtmpMessage } from '../rtmp/message.ts';
import { type FrameRole, toUntimedFrame } from '../stream/frame.ts';

export class PushBuffer {
  readonly #maxBytes: number;
  readonly #keepMs: number;
  readonly #headers = new Map<string, RtmpMessage>();
  #gop: RtmpMessage[] = [];
  #bytes = 0;
  #hasVideo = false;
  /** The GOP outgrew its limit: nothing is kept before the next keyframe. */
  #overflowed = false;

  /** @param keepMs of a stream without video that has been given to an origin */
  constructor(maxBytes: number, keepMs: number) {
    this.#maxBytes = maxBytes;
    this.#keepMs = keepMs;
  }

  /** Whether an origin can begin with a message of this role. */
  canBeginWith(role: FrameRole): boolean {
    return role === 'keyframe' || (role === 'media' && !this.#hasVideo);
  }

  /** Takes in a message and tells its role; undefined for what is no media and need not be passed on. */
  add(message: RtmpMessage): FrameRole | undefined {
    const role = toUntimedFrame(message)?.role;
    switch (role) {
      case 'metadata':
        this.#headers.set('metadata', message);
        break;
      case 'header':
        this.#headers.set(sequenceHeaderKey(message.type, message.payload), message);
        break;
      case 'keyframe':
        this.#hasVideo = true;
        this.#overflowed = false;
        this.#forget();
        this.#keep(message);
        break;
      case 'media':
      case 'data':
        this.#hasVideo ||= message.type === MessageType.video;
        this.#keep(message);
        break;
      case undefined:
    }
    return role;
  }

  /** Everything so far has been given to an origin. Without video there is no keyframe to go back to. */
  delivered(): void {
    if (this.#hasVideo) return;
    const newest = this.#gop.at(-1)?.timestamp ?? 0;
    const from = this.#gop.findIndex(({ timestamp }) => Math.abs((newest - timestamp) | 0) <= this.#keepMs);
    for (const { payload } of this.#gop.splice(0, from)) this.#bytes -= payload.length;
  }

  /** What a new origin is to be sent first, with the times the publisher gave. */
  replay(): RtmpMessage[] {
    return [...this.headers(this.#gop[0]?.timestamp), ...this.#gop];
  }

  /** Metadata and sequence headers, for media that begins at `timestamp`. */
  headers(timestamp: number | undefined): RtmpMessage[] {
    return [...this.#headers.values()].map((header) => ({ ...header, timestamp: timestamp ?? header.timestamp }));
  }

  #keep(message: RtmpMessage): void {
    if (this.#overflowed) return;
    this.#gop.push(message);
    this.#bytes += message.payload.length;
    if (this.#bytes <= this.#maxBytes) return;
    this.#overflowed = this.#hasVideo;
    this.#forget();
  }

  #forget(): void {
    this.#gop = [];
    this.#bytes = 0;
  }
}
