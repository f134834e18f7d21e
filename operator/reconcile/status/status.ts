/** The status of an EdgeCluster: what was observed, in conditions and figures that a person can act on. */

import { conditionsOf, type Finding, finding, type Reason } from '../../api/conditions.ts';
import { selectorOf } from '../../api/labels.ts';
import type { EdgeClusterStatus } from '../../api/types.ts';
import { replicasOf } from '../../render/replicas.ts';
import type { ConfigVerdict } from '../apply/desired.ts';
import { answerOf, type Fleet, figuresOf, fleetOf, hasUnasked, rolloutOf } from '../edges/fleet.ts';
import { degraded } from './degraded.ts';
import type { Observation, Scene } from './observation.ts';
import { listedOrigins, originStatuses, originsReachable, reachableOf } from './origin-status.ts';
import { listed, plural } from './words.ts';

/**
 * Pure: the same observation has the same status, in whatever order pods come, and a status that is its own previous
 * one does not change.
 */
export function statusOf(observation: Observation, now: Date): EdgeClusterStatus {
  const { cluster, previous, config, deployment, pods, edge } = observation;
  const fleet = fleetOf(pods, edge);
  const rollout = deployment && rolloutOf(deployment);
  const configHash = config.hash ?? previous?.configHash;
  const scene: Scene = { ...observation, fleet, rollout, configHash };
  const origins = originStatuses(cluster, observation.origins, fleet, previous);
  const findings = [
    ready(scene),
    progressing(scene),
    originsReachable(observation.origins, origins, fleet),
    degraded(scene, origins),
    configValid(config),
  ];
  const generation = cluster.metadata.generation ?? 0;
  return {
    observedGeneration: generation,
    conditions: conditionsOf(findings, previous?.conditions ?? [], generation, now),
    replicas: fleet.active.length,
    readyReplicas: fleet.ready.length,
    updatedReplicas: rollout?.updated ?? 0,
    drainingReplicas: fleet.ending.length,
    selector: selectorOf(cluster),
    ...figures(fleet, previous),
    origins: [...listedOrigins(origins)],
    originsReachable: reachableOf(origins),
    ...(configHash !== undefined && { configHash, configuredReplicas: configuredReplicas(scene, configHash) }),
  };
}

/** Until all edges have been asked, the figures stay: a restart of the operator is no exodus of players. */
function figures(fleet: Fleet, previous: EdgeClusterStatus | undefined): Partial<EdgeClusterStatus> {
  if (hasUnasked(fleet) && previous?.players !== undefined) {
    const { players, publishers = 0, streams = 0, receivedKbps = 0, sentKbps = 0 } = previous;
    return { players, publishers, streams, receivedKbps, sentKbps };
  }
  return figuresOf(fleet) ?? {};
}

function configuredReplicas({ fleet, previous }: Scene, configHash: string): number {
  const configured = fleet.active.filter((member) => answerOf(member)?.config.hash === configHash).length;
  const unasked = fleet.active.filter(({ edge }) => edge.state === 'unknown').length;
  const before = previous?.configHash === configHash ? (previous.configuredReplicas ?? 0) : 0;
  return Math.max(configured, Math.min(before, configured + unasked));
}

function ready({ cluster, config, fleet, rollout, objects }: Scene): Finding {
  const wanted = replicasOf(cluster);
  const some = fleet.ready.length;
  const former = config.valid ? '' : ', with the former configuration: see condition ConfigValid';
  if (some >= wanted && some > 0) return finding('Ready', 'AllEdgesReady', `${plural(some, 'edge')} ready${former}`);
  if (some > 0) {
    const missing = waitingFor(fleet);
    return finding(
      'Ready',
      'SomeEdgesReady',
      `${some} of ${plural(wanted, 'edge')} ready${former}${missing && `; ${missing}`}`,
    );
  }
  if (wanted === 0)
    return finding('Ready', 'ScaledToZero', 'spec.replicas is 0: no edge runs; scale it up to serve clients');
  if (rollout === undefined && !config.valid)
    return finding('Ready', 'ConfigInvalid', 'no edge runs: the configuration is not valid; see condition ConfigValid');
  const isHindered = fleet.failing.length > 0 || rollout?.failure !== undefined || objects.length > 0;
  if (isHindered && fleet.starting.length === 0)
    return finding('Ready', 'NoEdgesReady', `none of ${plural(wanted, 'edge')} is ready; see condition Degraded`);
  return finding('Ready', 'WaitingForEdges', `none of ${plural(wanted, 'edge')} is ready yet`);
}

/** Names of pods that are not ready. */
function waitingFor({ starting, failing }: Fleet): string {
  const failures = failing.map(({ pod, failure }) => `${pod.metadata.name} ${failure.reason}`);
  const names = starting.map(({ pod }) => `${pod.metadata.name} starting`);
  return listed([...failures, ...names]);
}

function progressing(scene: Scene): Finding {
  const { cluster, fleet, rollout } = scene;
  const wanted = replicasOf(cluster);
  const active = fleet.active.length;
  const blocked = blockedBy(scene);
  const found = (reason: Reason<'Progressing'>, message: string) => finding('Progressing', reason, message);
  if (rollout === undefined) {
    if (blocked !== undefined) return found('Blocked', blocked);
    return found('ScalingUp', `the Deployment for ${plural(wanted, 'edge')} is being made`);
  }
  const waiting = waitingFor(fleet);
  const more = waiting && `; ${waiting}`;
  if (rollout.state === 'stuck')
    return found(
      'RolloutStuck',
      `${rollout.updated} of ${plural(wanted, 'edge')} have the new pod template; it goes no further${more}`,
    );
  if (active < wanted) return found('ScalingUp', `${active} of ${plural(wanted, 'edge')} are there${more}`);
  if (rollout.state === 'rolling')
    return found(
      'RollingOut',
      `${Math.min(rollout.updated, wanted)} of ${plural(wanted, 'edge')} have the new pod template${more}`,
    );
  if (active > wanted) return found('ScalingDown', `${active} edges are there, ${wanted} are wanted`);
  if (fleet.starting.length > 0) return found('EdgesStarting', waiting);
  const late = fleet.ready.filter((member) => {
    const answer = answerOf(member);
    return answer !== undefined && answer.config.hash !== scene.configHash && answer.config.error === undefined;
  });
  if (late.length > 0 && scene.configHash !== undefined) {
    const names = listed(late.map(({ pod }) => pod.metadata.name));
    return found(
      'ApplyingConfig',
      `with the former configuration: ${late.length} of ${plural(active, 'edge')}, ${names}`,
    );
  }
  if (fleet.ending.length > 0) {
    const limit = `at most ${cluster.spec.pods.drainSeconds} s`;
    return found('Draining', `${plural(fleet.ending.length, 'edge')} draining: clients may finish, for ${limit}`);
  }
  if (blocked !== undefined) return found('Blocked', blocked);
  if (scene.upgrade !== undefined)
    return found(scene.upgrade.kind === 'halted' ? 'UpgradeHalted' : 'UpgradeWaits', scene.upgrade.message);
  return found('Settled', 'what runs is what is wanted');
}

/** Why what is wanted cannot come by itself. */
function blockedBy({ config, objects, fleet }: Scene): string | undefined {
  if (!config.valid) return 'the spec is not applied: its configuration is not valid; see condition ConfigValid';
  const refused = objects.filter(({ reason }) => reason !== 'Contested');
  if (refused.length > 0)
    return `${listed(refused.map(({ object }) => object))} cannot be applied; see condition Degraded`;
  if (fleet.failing.length > 0) return `${waitingFor(fleet)}; see condition Degraded`;
  return undefined;
}

function configValid(config: ConfigVerdict): Finding {
  if (!config.valid) return finding('ConfigValid', config.reason, config.message);
  const warnings = config.warnings.length === 0 ? '' : `, with warnings: ${listed(config.warnings, 5, '; ')}`;
  return finding('ConfigValid', 'Valid', `edge.conf is valid${warnings}`);
}
