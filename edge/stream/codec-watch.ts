/**
 * Which codec a track has, by its frames. A header of the codec before is of no use any more when a track goes on in
 * another one that needs none (MP3); a frame or two that are not of the track's codec change nothing. Pure.
 */

import { codecMark, unknownCodec } from '../flv/media.ts';

/** So many in a row are no mistake of the publisher's; sound takes half a second for them. */
const framesMin = 20;

export class CodecWatch {
  /** What tells the codec of the track's frames, and that of those which have come in a row and may be the next one. */
  #settled = unknownCodec;
  #next = unknownCodec;
  #inARow = 0;

  /** A header has come: by what follows it is known whether it counts. */
  restart(): void {
    this.#settled = unknownCodec;
    this.#next = unknownCodec;
  }

  /** Takes a frame. True: it is now certain that the track has this frame's codec. */
  take(type: number, payload: Buffer): boolean {
    const mark = codecMark(type, payload);
    if (mark === unknownCodec) return false;
    if (mark !== this.#next) {
      this.#next = mark;
      this.#inARow = 0;
    }
    if (mark === this.#settled || ++this.#inARow < framesMin) return false;
    this.#settled = mark;
    return true;
  }
}
