/**
 * What the reconciler remembers of one EdgeCluster between two reconciles: each room's own memory, and the loop's. It
 * saves writes and may be lost.
 */

import { DesiredMemory } from './apply/desired.ts';
import { OwnedMemory } from './apply/owned-memory.ts';
import { PodMemory } from './edges/pod-memory.ts';
import { RebalanceMemory } from './edges/rebalance.ts';
import { StageMemory } from './rollout/config-stage.ts';
import { ScalingMemory } from './scaling/autoscale.ts';
import { StatusMemory } from './status/status-memory.ts';

export class ClusterMemory {
  /** Another EdgeCluster of this name starts anew. */
  readonly uid: string | undefined;
  readonly desired = new DesiredMemory();
  readonly owned = new OwnedMemory();
  readonly pods = new PodMemory();
  readonly rebalance = new RebalanceMemory();
  readonly stage = new StageMemory();
  readonly scaling = new ScalingMemory();
  readonly status = new StatusMemory();
  /** Its namespace is being deleted: nothing more can be made. */
  namespaceEnding = false;
  /** Reconciles in a row in which a write failed. */
  failures = 0;
  /** Monotonic time of the last look at the Secret that we make, where Secrets are not watched. */
  secretLookedAtMs = Number.NEGATIVE_INFINITY;
  /** The number of edges that alone was written last, while the rest of the Deployment could not be. */
  scaledTo: number | undefined;

  constructor(uid: string | undefined) {
    this.uid = uid;
  }

  /** Entries, to see that nothing is kept. */
  get size(): number {
    return 1 + this.desired.lastOrigins.size + this.owned.size + this.pods.size;
  }
}
