/** The status of an EdgeCluster: what was observed, in conditions and figures that a person can act on. */

import { conditionsOf, type Finding, finding } from '../../api/conditions.ts';
import { selectorOf } from '../../api/labels.ts';
import type { EdgeClusterStatus } from '../../api/types.ts';
import type { ConfigVerdict } from '../apply/desired.ts';
import { type Fleet, figuresOf, fleetOf, hasUnasked, rolloutOf, silentOf } from '../edges/fleet.ts';
import { savedBy } from '../edges/report.ts';
import { degraded } from './degraded.ts';
import { hlsReady, hlsStatus } from './hls-status.ts';
import type { Observation, Scene } from './observation.ts';
import { listedOrigins, originStatuses, originsReachable, reachableOf } from './origin-status.ts';
import { progressing, reconciling, stalled } from './progress.ts';
import { available, configuredReplicas, ready } from './readiness.ts';
import { scalingOf } from './scaling.ts';
import { listed } from './words.ts';

/**
 * Pure: the same observation has the same status, in whatever order pods come, and a status that is its own previous
 * one does not change.
 */
export function statusOf(observation: Observation, now: Date): EdgeClusterStatus {
  const { cluster, previous, config, deployment, pods, edge } = observation;
  const fleet = fleetOf(pods, edge, now.getTime());
  const rollout = deployment && rolloutOf(deployment);
  const configHash = config.hash ?? previous?.configHash;
  const scene: Scene = { ...observation, fleet, rollout, configHash };
  const origins = originStatuses(cluster, observation.origins, fleet, previous);
  const progress = progressing(scene);
  const scaling = scalingOf(scene, now);
  const findings = [
    ready(scene),
    available(scene),
    progress,
    reconciling(progress),
    stalled(progress),
    originsReachable(observation.origins, origins, fleet),
    ...hlsReady(scene),
    degraded(scene, origins, scaling),
    configValid(config),
    ...(scaling === undefined ? [] : [scaling]),
  ];
  const generation = cluster.metadata.generation ?? 0;
  return {
    observedGeneration: generation,
    conditions: conditionsOf(findings, previous?.conditions ?? [], generation, now),
    replicas: fleet.active.length,
    readyReplicas: fleet.ready.length,
    updatedReplicas: rollout?.updated ?? 0,
    drainingReplicas: fleet.ending.length,
    silentReplicas: silentOf(fleet).length,
    ...neededReplicas(scene),
    selector: selectorOf(cluster),
    ...figures(fleet, previous),
    origins: [...listedOrigins(origins)],
    originsReachable: reachableOf(origins),
    ...hlsStatus(scene),
    ...(configHash !== undefined && { configHash, configuredReplicas: configuredReplicas(scene, configHash) }),
  };
}

/** Until an edge has been asked, it stays: a restart of the operator is no news. */
function neededReplicas({ scaling, previous }: Scene): Pick<EdgeClusterStatus, 'neededReplicas'> {
  if (scaling?.decision === undefined) return {};
  const needed = scaling.decision.need?.edges ?? previous?.neededReplicas;
  return needed === undefined ? {} : { neededReplicas: needed };
}

/** Until all edges have been asked, the figures stay: a restart of the operator is no exodus of players. */
function figures(fleet: Fleet, previous: EdgeClusterStatus | undefined): Partial<EdgeClusterStatus> {
  if (hasUnasked(fleet) && previous?.players !== undefined) {
    const { players, publishers = 0, streams = 0, receivedKbps = 0, sentKbps = 0 } = previous;
    const { edgePlayers = 0, originConnections = 0, saved } = previous;
    const before = { players, edgePlayers, publishers, streams, receivedKbps, sentKbps, originConnections };
    return { ...before, ...(saved && { saved }) };
  }
  const now = figuresOf(fleet);
  return now === undefined ? {} : { ...now, saved: savedBy(now) };
}

function configValid(config: ConfigVerdict): Finding {
  if (!config.valid) return finding('ConfigValid', config.reason, config.message);
  const warnings = config.warnings.length === 0 ? '' : `, with warnings: ${listed(config.warnings, 5, '; ')}`;
  return finding('ConfigValid', 'Valid', `edge.conf is valid${warnings}`);
}
