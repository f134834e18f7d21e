/**
 * A number by which a frame's bytes are known again. Compressed media differ all over where they differ at all, so of
 * a long payload only samples are read: to look at each byte of each frame would be a tenth of the work of an edge with
 * many streams.
 */

import { crc32 } from 'node:zlib';

/** Codec headers and the numbers of pictures are at the beginning, what encoders append at the end. */
const headBytes = 64;
const tailBytes = 16;
/** Words of four bytes, evenly spread over what lies between. */
const sampleCount = 16;
const wholeUpToBytes = headBytes + tailBytes + 4 * sampleCount;

/** Unsigned 32 bits. Payloads of different lengths are to be told apart by their lengths. */
export function checksum(payload: Buffer): number {
  const end = payload.length;
  if (end <= wholeUpToBytes) return crc32(payload);
  let hash = end;
  for (let at = 0; at < headBytes; at += 4) hash = mixed(hash, payload, at);
  for (let at = end - tailBytes; at < end; at += 4) hash = mixed(hash, payload, at);
  const step = Math.floor((end - headBytes - tailBytes) / sampleCount);
  for (let sample = 0, at = headBytes; sample < sampleCount; sample++, at += step) hash = mixed(hash, payload, at);
  return hash >>> 0;
}

/** Multiplies as Knuth's multiplicative hashing does: by 2^32 over the golden ratio, an odd number. */
function mixed(hash: number, payload: Buffer, at: number): number {
  const word =
    (payload[at] as number) |
    ((payload[at + 1] as number) << 8) |
    ((payload[at + 2] as number) << 16) |
    ((payload[at + 3] as number) << 24);
  return Math.imul(hash ^ word ^ (hash >>> 15), 0x9e3779b1);
}
