/**
 * What a publisher has sent that a new origin needs: metadata, sequence headers, and everything since the last
 * keyframe. Bounded in bytes.
 */

import { sequenceHeaderKey } from '../flv/media.ts';
import { MessageType, type RtmpMessage } from '../rtmp/message.ts';
import { type FrameRole, toUntimedFrame } from '../stream/frame.ts';

export class PushBuffer {
  readonly #maxBytes: number;
  readonly #headers = new Map<string, RtmpMessage>();
  #gop: RtmpMessage[] = [];
  #bytes = 0;
  #hasVideo = false;
  /** The GOP outgrew its limit: nothing is kept before the next keyframe. */
  #overflowed = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
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
    if (!this.#hasVideo) this.#forget();
  }

  /** What a new origin is to be sent first, with the times the publisher gave. */
  replay(): RtmpMessage[] {
    const start = this.#gop[0]?.timestamp;
    const headers = [...this.#headers.values()];
    return [...headers.map((header) => ({ ...header, timestamp: start ?? header.timestamp })), ...this.#gop];
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
