/** What may wait for one player. */

import type { VhostConfig } from '../conf/model.ts';

/** Media that may wait for a slow player before frames are dropped: by stream time, and in bytes. */
export interface QueueLimits {
  readonly queueLengthMs: number;
  readonly queueMaxBytes: number;
}

export function queueLimits({ play, edge }: VhostConfig): QueueLimits {
  return { queueLengthMs: play.queueLengthSeconds * 1000, queueMaxBytes: edge.playQueueMaxBytes };
}
