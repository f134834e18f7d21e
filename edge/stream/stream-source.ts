/** What stands between a stream and where its media come from. */

/** What feeds a stream on demand: it is told how many want it. */
export interface StreamSource {
  readonly state: 'idle' | 'connecting' | 'live' | 'reconnecting' | 'lingering';
  /** Name of the origin in use, if any. */
  readonly origin: string | undefined;
  /** The number of players has changed. */
  players(count: number): void;
  /** The stream is published at this edge now, and where it comes from has it. */
  published(): void;
  /** The vhost's configuration has changed. */
  reconfigured(): void;
  /** Frees all it holds. */
  stop(): void;
}
