/**
 * What a source sends before its first audio or video: headers and data, which have to wait until the stream's clock
 * has its start. Bounded in number and bytes; data goes before headers do.
 */

import { isHeader, kept, type UntimedFrame } from './frame.ts';
import { headerBytesMax, headersMax } from './header-room.ts';

export class EarlyFrames {
  #frames: UntimedFrame[] = [];
  #bytes = 0;

  add(frame: UntimedFrame): void {
    this.#frames.push(kept(frame));
    this.#bytes += frame.payload.length;
    while (this.#frames.length > headersMax || this.#bytes > headerBytesMax) this.#dropOne();
  }

  /** Takes all that waits. */
  take(): UntimedFrame[] {
    const frames = this.#frames;
    this.clear();
    return frames;
  }

  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
  }

  #dropOne(): void {
    const data = this.#frames.findIndex((frame) => !isHeader(frame));
    const [dropped] = this.#frames.splice(Math.max(0, data), 1);
    this.#bytes -= dropped?.payload.length ?? 0;
  }
}
