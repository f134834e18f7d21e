/**
 * What an origin sends first: whether it has the stream at all, and has it so that it can be decoded. Headers alone do
 * not say so (some servers keep them when the publisher has gone), nor do pictures without the one they depend on.
 */

import type { RtmpMessage } from '../../rtmp/message.ts';
import { isMedia, kept, Track, toUntimedFrame } from '../../stream/frame.ts';
import { headerBytesMax, headersMax } from '../../stream/header-room.ts';
import { framesWithoutKeyframeMax } from '../../stream/keyframe-watch.ts';

const none: readonly RtmpMessage[] = [];

export class FirstFrames {
  #held: RtmpMessage[] = [];
  #heldBytes = 0;
  #hasVideo = false;
  #pictures = 0;
  #cameOnce = false;
  #areWhole = false;

  /** Audio or video proper has come. */
  get cameOnce(): boolean {
    return this.#cameOnce;
  }

  /** A picture that needs no other has come, or sound of a stream without pictures. */
  get areWhole(): boolean {
    return this.#areWhole;
  }

  /** Takes a message; returns those that the stream can have now. Called until all are whole. */
  next(message: RtmpMessage): readonly RtmpMessage[] {
    const frame = toUntimedFrame(message);
    if (frame === undefined) return none;
    if (frame.track === Track.video) this.#hasVideo = true;
    if (!isMedia(frame)) {
      if (this.#cameOnce) return [message];
      this.#hold(message);
      return none;
    }
    this.#cameOnce = true;
    if (frame.track === Track.video) this.#pictures++;
    // Some encoders send no keyframe at all: nobody can wait for one.
    const isEntry = frame.role === 'keyframe' || this.#pictures > framesWithoutKeyframeMax;
    this.#areWhole = isEntry || !this.#hasVideo;
    const messages = [...this.#held, message];
    this.#held = [];
    return messages;
  }

  /** Bounded as a stream's headers are: the oldest goes. */
  #hold(message: RtmpMessage): void {
    this.#held.push(kept(message));
    this.#heldBytes += message.payload.length;
    while (this.#held.length > headersMax || this.#heldBytes > headerBytesMax) {
      this.#heldBytes -= this.#held.shift()?.payload.length ?? 0;
    }
  }
}
