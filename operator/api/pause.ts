/** Whether the operator is to leave an EdgeCluster as it is. */
import { PAUSED } from './labels.ts';
import type { EdgeCluster } from './types.ts';

/** What pauses it, for messages; undefined: nothing does. Of the annotation any value but `false` counts. */
export function pausedBy({ metadata, spec }: EdgeCluster): string | undefined {
  if (spec.paused) return 'spec.paused';
  const value = metadata.annotations?.[PAUSED];
  return value === undefined || value === 'false' ? undefined : `annotation ${PAUSED}`;
}
