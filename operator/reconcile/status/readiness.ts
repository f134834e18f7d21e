/** The conditions about edges that serve: Available, whether any does, and Ready, whether all do as the spec asks. */

import { conditionOf, type Finding, finding } from '../../api/conditions.ts';
import { replicasOf } from '../../render/replicas.ts';
import { lastAnswerOf, type Member } from '../edges/fleet.ts';
import type { Scene } from './observation.ts';
import { blockedBy, paused, waitingFor } from './progress.ts';
import { listed, plural } from './words.ts';

export function available({ cluster, config, fleet, rollout, objects }: Scene): Finding {
  const wanted = replicasOf(cluster);
  const some = fleet.ready.length;
  const former = config.valid ? '' : ', with the former configuration: see condition ConfigValid';
  if (some >= wanted && some > 0)
    return finding('Available', 'AllEdgesReady', `${plural(some, 'edge')} ready${former}`);
  if (some > 0) {
    const missing = waitingFor(fleet);
    const message = `${some} of ${plural(wanted, 'edge')} ready${former}${missing && `; ${missing}`}`;
    return finding('Available', 'SomeEdgesReady', message);
  }
  if (wanted === 0)
    return finding('Available', 'ScaledToZero', 'spec.replicas is 0: no edge runs; scale it up to serve clients');
  if (rollout === undefined && !config.valid)
    return finding(
      'Available',
      'ConfigInvalid',
      'no edge runs: the configuration is not valid; see condition ConfigValid',
    );
  const isHindered = fleet.failing.length > 0 || rollout?.failure !== undefined || objects.length > 0;
  if (isHindered && fleet.starting.length === 0)
    return finding('Available', 'NoEdgesReady', `none of ${plural(wanted, 'edge')} is ready; see condition Degraded`);
  return finding('Available', 'WaitingForEdges', `none of ${plural(wanted, 'edge')} is ready yet`);
}

/** As many edges as are wanted are ready, with the newest pod template and the newest edge.conf. */
export function ready(scene: Scene): Finding {
  const { cluster, previous, config, fleet, rollout, configHash, pause, stage } = scene;
  const wanted = replicasOf(cluster);
  const blocked = blockedBy(scene);
  if (blocked !== undefined) return finding('Ready', config.valid ? 'Blocked' : 'ConfigInvalid', blocked);
  if (pause !== undefined && pause.differing.length > 0) return finding('Ready', 'Paused', paused(pause));
  const missing = waitingFor(fleet);
  const more = missing && `; ${missing}`;
  if (fleet.ready.length < wanted || rollout === undefined)
    return finding('Ready', 'EdgesNotReady', `${fleet.ready.length} of ${plural(wanted, 'edge')} ready${more}`);
  if (rollout.state !== 'done') {
    const updated = Math.min(rollout.updated, wanted);
    return finding('Ready', 'RollingOut', `${updated} of ${plural(wanted, 'edge')} have the new pod template${more}`);
  }
  if (wanted === 0) return finding('Ready', 'ScaledToZero', 'spec.replicas is 0: no edge is wanted, and none runs');
  if (stage.kind === 'watching') return finding('Ready', 'ApplyingConfig', stage.message);
  const configured = fleet.ready.filter((member) => runs(member, configHash)).length;
  // A new operator has not asked all of them yet: what was so is taken to be so.
  const wasReady = conditionOf(previous?.conditions, 'Ready')?.status === 'True' && previous?.configHash === configHash;
  const unasked = fleet.ready.filter(({ edge }) => edge.state === 'unknown').length;
  if (configured + (wasReady ? unasked : 0) >= wanted)
    return finding(
      'Ready',
      'AllEdgesReady',
      `${plural(fleet.ready.length, 'edge')} ready, with configuration ${configHash}`,
    );
  const speechless = fleet.ready.filter((member) => lastAnswerOf(member) === undefined);
  const names = (members: readonly Member[]) => listed(members.map(({ pod }) => pod.metadata.name));
  if (configured + speechless.length >= wanted && speechless.every(({ edge }) => edge.state === 'silent'))
    return finding('Ready', 'EdgesSilent', `which configuration they run is not known of ${names(speechless)}`);
  const late = fleet.ready.filter((member) => !runs(member, configHash));
  const message = `${configured} of ${plural(wanted, 'edge')} run the newest configuration; not yet ${names(late)}`;
  return finding('Ready', 'ApplyingConfig', message);
}

/** How many edges run the newest edge.conf. Those that a new operator has not asked yet count as they did before. */
export function configuredReplicas({ fleet, previous }: Scene, configHash: string): number {
  const configured = fleet.active.filter((member) => runs(member, configHash)).length;
  const unasked = fleet.active.filter(({ edge }) => edge.state === 'unknown').length;
  const before = previous?.configHash === configHash ? (previous.configuredReplicas ?? 0) : 0;
  return Math.max(configured, Math.min(before, configured + unasked));
}

/** As far as is known: an edge that is silent cannot have gone back to another one. */
function runs(member: Member, configHash: string | undefined): boolean {
  return configHash !== undefined && lastAnswerOf(member)?.config.hash === configHash;
}
