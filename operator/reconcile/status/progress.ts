/**
 * The conditions about what is on its way: Progressing, and for tools that follow kstatus, Reconciling and Stalled,
 * which say the same in their words.
 */

import { type Finding, finding, type Reason } from '../../api/conditions.ts';
import { nameOf } from '../../api/labels.ts';
import { replicasOf } from '../../render/replicas.ts';
import { answerOf, type Fleet } from '../edges/fleet.ts';
import type { PodView } from '../observe/views.ts';
import type { Pause, Scene } from './observation.ts';
import { listed, plural } from './words.ts';

export function progressing(scene: Scene): Finding {
  const { cluster, fleet, rollout } = scene;
  const wanted = replicasOf(cluster);
  const active = fleet.active.length;
  const blocked = blockedBy(scene);
  const found = (reason: Reason<'Progressing'>, message: string) => finding('Progressing', reason, message);
  if (scene.pause !== undefined) return found('Paused', paused(scene.pause));
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
  if (active < wanted && rollout.failure !== undefined)
    return found(
      'PodsFailing',
      `${active} of ${plural(wanted, 'edge')} are there; pods cannot be made; see condition Degraded`,
    );
  if (active < wanted || rollout.isNew)
    return found('ScalingUp', `${active} of ${plural(wanted, 'edge')} are there${more}`);
  if (rollout.state === 'rolling')
    return found(
      'RollingOut',
      `${Math.min(rollout.updated, wanted)} of ${plural(wanted, 'edge')} have the new pod template${more}`,
    );
  if (active > wanted) return found('ScalingDown', `${active} edges are there, ${wanted} are wanted`);
  if (fleet.starting.length > 0) return found('EdgesStarting', waiting);
  if (scene.stage.kind === 'watching' && !isConfigBlocked(scene)) return found('ConfigCanary', scene.stage.message);
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
  if (fleet.failing.length > 0) return found('PodsFailing', `${waiting}; see condition Degraded`);
  if (scene.upgrade !== undefined)
    return found(scene.upgrade.kind === 'halted' ? 'UpgradeHalted' : 'UpgradeWaits', scene.upgrade.message);
  return found('Settled', 'what runs is what is wanted');
}

export function paused({ by, differing }: Pause): string {
  const after = `when you take it back, these are applied: ${listed(differing)}`;
  return `nothing is applied, as ${by} says; ${differing.length === 0 ? 'what runs is what is wanted' : after}`;
}

/** Why what the spec asks for does not come by itself. A pod that fails may yet come, so it is no reason. */
export function blockedBy({ config, objects, fleet, configHash, stage }: Scene): string | undefined {
  if (!config.valid) return 'the spec is not applied: its configuration is not valid; see condition ConfigValid';
  if (stage.kind === 'halted') return 'the changed configuration was put back; see condition Degraded';
  const refused = objects.filter(({ reason }) => reason !== 'Contested');
  if (refused.length > 0)
    return `${listed(refused.map(({ object }) => object))} cannot be applied; see condition Degraded`;
  const refusing = fleet.active.filter((member) => {
    const answer = answerOf(member);
    return answer?.config.error !== undefined && answer.config.hash !== configHash;
  });
  if (refusing.length > 0)
    return `${plural(refusing.length, 'edge')} will not take the configuration; see condition Degraded`;
  return undefined;
}

/** Whether no edge can have the configuration that is asked for. */
function isConfigBlocked({ cluster, objects }: Scene): boolean {
  const title = `ConfigMap ${nameOf(cluster)}`;
  return objects.some(({ reason, object }) => reason !== 'Contested' && object === title);
}

/** Names of pods that are not ready. */
export function waitingFor({ starting, failing }: Fleet): string {
  const failures = failing.map(({ pod, failure }) => `${pod.metadata.name} ${failure.reason}`);
  const names = starting.map(({ pod }) => `${pod.metadata.name} ${stepOf(pod)}`);
  return listed([...failures, ...names]);
}

/** What a pod that starts is at. The operator need not see the Secrets of listeners to say so. */
function stepOf({ awaitedSecrets, failure }: PodView): string {
  if (failure !== undefined) return 'waits for a node';
  if (awaitedSecrets.length === 0) return 'starting';
  return `waits for its volumes: Secret ${awaitedSecrets.join(', ')}`;
}

/** Nobody who applies a manifest waits for these: clients of former pods that finish, and upgrades of the operator. */
const ofOwnAccord: ReadonlySet<string> = new Set<Reason<'Progressing'>>(['Draining', 'UpgradeWaits']);

export function reconciling({ status, reason, message }: Finding): Finding {
  const isUnderWay = status === 'True' && !ofOwnAccord.has(reason);
  return finding('Reconciling', isUnderWay ? 'Progressing' : 'NotProgressing', message);
}

/** Never together with Reconciling. */
export function stalled({ reason, message }: Finding): Finding {
  if (reason === 'RolloutStuck' || reason === 'Blocked') return finding('Stalled', reason, message);
  return finding('Stalled', 'NotStalled', 'nothing stands in the way of what is wanted');
}
