/** What is counted of a stream. */

export interface StreamStats {
  bytesReceived: number;
  framesReceived: number;
  videoFrames: number;
  audioFrames: number;
  /** Slices handed to the players, however many they are. */
  slices: number;
  /** How long players had nothing before the last feed took over, milliseconds. */
  lastSpliceGapMs: number | undefined;
  splices: number;
  /** How long players had nothing at all splices together, milliseconds. */
  spliceGapsMs: number;
  /** Times that an origin with the stream was looked for and found, and how long that took together, milliseconds. */
  searches: number;
  searchesMs: number;
}

export function newStats(): StreamStats {
  return {
    bytesReceived: 0,
    framesReceived: 0,
    videoFrames: 0,
    audioFrames: 0,
    slices: 0,
    lastSpliceGapMs: undefined,
    splices: 0,
    spliceGapsMs: 0,
    searches: 0,
    searchesMs: 0,
  };
}
