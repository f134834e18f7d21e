/** What streams have to tell those who run the edge. */

export interface StreamReports {
  /** Frames were dropped because their times were odd. */
  oddFrames(count: number): void;
  /** A header was dropped: the stream has as many as it may have. */
  droppedHeader(): void;
  warn(fields: object, event: string): void;
}

export const noReports: StreamReports = { oddFrames: () => {}, droppedHeader: () => {}, warn: () => {} };
