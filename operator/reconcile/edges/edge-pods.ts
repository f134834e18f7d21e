/** Pods whose edges can be asked. Pure. */

import type { PodView } from '../observe/views.ts';

/** A running edge, and where its HTTP API is. */
export interface EdgePod {
  readonly uid: string;
  readonly ip: string;
  readonly apiPort: number;
  readonly ready: boolean;
}

/** The edges that can be asked, those that end included. @param apiPort for pods that do not name theirs */
export function edgePods(pods: readonly PodView[], apiPort: number): EdgePod[] {
  return pods.flatMap(({ metadata: { uid }, phase, ip, apiPort: own = apiPort, ready }): EdgePod[] =>
    phase === 'Running' && ip !== undefined ? [{ uid, ip, apiPort: own, ready }] : [],
  );
}
