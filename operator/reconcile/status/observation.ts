/** What is observed of an EdgeCluster in one reconcile: the ground of its status. */

import type { V1Deployment, V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import type { EdgeCluster, EdgeClusterStatus } from '../../api/types.ts';
import type { ConfigVerdict } from '../apply/desired.ts';
import type { Fleet, Rollout } from '../edges/fleet.ts';
import type { EdgeState } from '../edges/report.ts';
import type { DefinitionProblem } from '../observe/definition.ts';
import type { FoundOrigins } from '../observe/discovery.ts';
import type { SecretProblem } from '../observe/tls-secrets.ts';
import type { PodView } from '../observe/views.ts';
import type { Stage } from '../rollout/config-stage.ts';
import type { Wait } from '../rollout/turns.ts';
import type { Scaling } from '../scaling/autoscale.ts';

/** All that status is made of. */
export interface Observation {
  /** With the spec that is in force: while the present one is not valid, the one that was valid last, if it is known. */
  readonly cluster: EdgeCluster;
  /** The status as last written. */
  readonly previous: EdgeClusterStatus | undefined;
  readonly config: ConfigVerdict;
  readonly origins: FoundOrigins;
  readonly secrets: readonly SecretProblem[];
  /** Why there is no key that credentials could derive from, and what to do. */
  readonly masterKeyProblem: string | undefined;
  /** How the definition of EdgeCluster differs from what we know, as far as that concerns this one. */
  readonly definition: readonly DefinitionProblem[];
  readonly objects: readonly ObjectProblem[];
  /** Why the pods keep a former template; undefined: they need not. */
  readonly upgrade: Wait | undefined;
  /** Undefined: the operator is not told to leave the EdgeCluster as it is. */
  readonly pause: Pause | undefined;
  /** Whether all edges are to run the configuration that is asked for. */
  readonly stage: Stage;
  /** How the number of edges comes about; undefined: by nothing but `spec.replicas`. */
  readonly scaling: Scaling | undefined;
  /** The cluster's own; undefined while there is none. */
  readonly autoscaler: V2HorizontalPodAutoscaler | undefined;
  /** The same. */
  readonly deployment: V1Deployment | undefined;
  /** The caches of HLS. */
  readonly hls: HlsObservation;
  /** All pods that the cluster's selector finds. */
  readonly pods: readonly PodView[];
  readonly edge: (uid: string) => EdgeState;
}

export interface HlsObservation {
  /** Undefined while there is none. */
  readonly deployment: V1Deployment | undefined;
  /** The HTTP servers of the origins. */
  readonly origins: FoundOrigins;
}

export interface Pause {
  /** The field or the annotation that says so. */
  readonly by: string;
  /** Objects that are not as the spec wants them, such as `ConfigMap live`. */
  readonly differing: readonly string[];
}

/** What keeps an owned object from being as it should. */
export interface ObjectProblem {
  /**
   * `NameTaken`: it belongs to somebody else. `ApplyRefused`: the API server says no. `Contested`: another manager
   * changes it back again and again.
   */
  readonly reason: 'NameTaken' | 'ApplyRefused' | 'Contested';
  /** Kind and name, such as `ConfigMap live`. */
  readonly object: string;
  /** Who or why, and what to do. */
  readonly message: string;
}

/** What the conditions are found from. */
export interface Scene extends Observation {
  readonly fleet: Fleet;
  readonly rollout: Rollout | undefined;
  /** Of the edge.conf that the edges are to run; undefined while there never was a valid one. */
  readonly configHash: string | undefined;
}
