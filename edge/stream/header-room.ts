/**
 * Room for the headers of one stream: one of each kind and track. Enhanced RTMP's multitrack names any combination of
 * tracks, so that a publisher could send ever new ones: the room is bounded in number and bytes.
 */

import { sequenceHeaderKey } from '../flv/media.ts';
import type { UntimedFrame } from './frame.ts';

export const metadataKey = 'metadata';

/** Metadata, and sequence headers of 63 tracks: ten times what encoders send. */
export const headersMax = 64;
/** Each player gets all headers before its first frame. The greatest that encoders send are metadata of some KB. */
export const headerBytesMax = 256 * 1024;

/** Identifies the place a header fills: metadata, or its audio or video track. */
export function headerKey(frame: UntimedFrame): string {
  return frame.role === 'metadata' ? metadataKey : sequenceHeaderKey(frame.type, frame.payload);
}

/**
 * Whether a header fits in beside those that are there.
 * @param replacedBytes size of the one whose place it takes; undefined if it takes none's
 */
export function fitsIn(count: number, bytes: number, replacedBytes: number | undefined, newBytes: number): boolean {
  if (replacedBytes === undefined && count >= headersMax) return false;
  return bytes - (replacedBytes ?? 0) + newBytes <= headerBytesMax;
}

/** The newest header of each track, each with what it came in. */
export class HeaderRoom<T> {
  readonly #byKey = new Map<string, { readonly bytes: number; readonly value: T }>();
  #bytes = 0;

  /** Keeps a header in place of the one that its track had. False: there is no room, and nothing has changed. */
  keep(header: UntimedFrame, value: T): boolean {
    const key = headerKey(header);
    const before = this.#byKey.get(key)?.bytes;
    const bytes = header.payload.length;
    if (!fitsIn(this.#byKey.size, this.#bytes, before, bytes)) return false;
    this.#bytes += bytes - (before ?? 0);
    this.#byKey.set(key, { bytes, value });
    return true;
  }

  /** In the order in which their tracks first came. */
  get values(): T[] {
    return [...this.#byKey.values()].map(({ value }) => value);
  }

  clear(): void {
    this.#byKey.clear();
    this.#bytes = 0;
  }
}
