/** The condition Degraded: all that needs a person, the worst first. */

import { type Finding, finding, type Reason } from '../../api/conditions.ts';
import { apiSecretNameOf } from '../../api/labels.ts';
import type { OriginStatus } from '../../api/types.ts';
import { answerOf } from '../edges/fleet.ts';
import type { SilenceCause } from '../edges/report.ts';
import type { Scene } from './observation.ts';
import { describeOrigin } from './origin-status.ts';
import { hindrances } from './scaling.ts';
import { listed, plural } from './words.ts';

type Cause = readonly [Exclude<Reason<'Degraded'>, 'AsExpected'>, string];

/** @param scaling the condition Scaling, where there is one */
export function degraded(scene: Scene, origins: readonly OriginStatus[], scaling: Finding | undefined): Finding {
  const causes = causesOf(scene, origins, scaling);
  const [worst] = causes;
  if (worst === undefined) return finding('Degraded', 'AsExpected', 'all is as it should be');
  return finding('Degraded', worst[0], causes.map(([, message]) => message).join('; '));
}

/** In the order of REASONS. */
function causesOf(scene: Scene, origins: readonly OriginStatus[], scaling: Finding | undefined): Cause[] {
  const { config, objects, secrets, masterKeyProblem, definition, fleet, rollout } = scene;
  const causes: Cause[] = [];
  const objectCauses = (wanted: 'NameTaken' | 'ApplyRefused' | 'Contested') => {
    for (const { reason, object, message } of objects)
      if (reason === wanted) causes.push([reason, `${object}: ${message}`]);
  };
  if (!config.valid) {
    const runs = rollout === undefined ? 'so that no edge is made' : 'the former one stays';
    causes.push(['ConfigInvalid', `the configuration is not valid, ${runs}; see condition ConfigValid`]);
  }
  if (scene.stage.kind === 'halted')
    causes.push([
      'ConfigHalted',
      `the changed configuration was tried and put back, edges run the former one: ${scene.stage.message}; correct the spec, or set spec.configRollout.strategy to Immediate to have it all the same`,
    ]);
  objectCauses('NameTaken');
  objectCauses('ApplyRefused');
  if (masterKeyProblem !== undefined)
    causes.push([
      'CredentialMissing',
      `${masterKeyProblem}; until there is one the operator cannot ask edges, and figures are missing`,
    ]);
  for (const { message } of secrets) causes.push(['SecretNotFound', message]);
  if (rollout?.failure !== undefined) causes.push(['PodsFailing', `pods cannot be made: ${rollout.failure}`]);
  if (fleet.failing.length > 0) {
    const failures = fleet.failing.map(
      ({ pod, failure }) => `pod ${pod.metadata.name}: ${failure.reason}${failure.message && ` (${failure.message})`}`,
    );
    causes.push(['PodsFailing', listed(failures)]);
  }
  if (rollout?.state === 'stuck')
    causes.push(['RolloutStuck', 'the rollout has made no progress for long; the former pods go on serving']);
  causes.push(...edgeRefusals(scene));
  if (scene.origins.problems.length > 0)
    causes.push([
      'OriginsNotFound',
      listed(
        scene.origins.problems.map(({ message }) => message),
        3,
        '; ',
      ),
    ]);
  causes.push(...originsDown(origins, fleet.ready.length));
  if (scaling !== undefined && hindrances.has(scaling.reason))
    causes.push(['ScalingHindered', `${scaling.message}; see condition Scaling, ${scaling.reason}`]);
  causes.push(...edgesSilent(scene));
  objectCauses('Contested');
  for (const { reason, message } of definition) causes.push([reason, message]);
  return causes;
}

function edgeRefusals({ fleet, configHash }: Scene): Cause[] {
  const refusals = fleet.active.flatMap((member) => {
    const config = answerOf(member)?.config;
    if (config?.error === undefined || configHash === undefined || config.hash === configHash) return [];
    return [`pod ${member.pod.metadata.name} keeps its former configuration: ${config.error}`];
  });
  return refusals.length === 0 ? [] : [['EdgeConfigRefused', listed(refusals, 3, '; ')]];
}

function edgesSilent({ cluster, fleet }: Scene): Cause[] {
  const silent = (wanted: SilenceCause) =>
    fleet.ready.flatMap(({ pod, edge }) =>
      edge.state === 'silent' && edge.cause === wanted ? [`${pod.metadata.name}: ${edge.why}`] : [],
    );
  const refusing = silent('refused');
  const speechless = silent('noAnswer');
  const causes: Cause[] = [];
  if (refusing.length > 0)
    causes.push([
      'CredentialRefused',
      `the operator may not ask ${plural(refusing.length, 'edge')}, figures are old or missing: ${listed(refusing)}; a change of Secret ${apiSecretNameOf(cluster)} reaches a pod within two minutes`,
    ]);
  if (speechless.length > 0)
    causes.push([
      'EdgesSilent',
      `the operator has no answer from ${plural(speechless.length, 'edge')}, figures are old or missing: ${listed(speechless)}`,
    ]);
  return causes;
}

function originsDown(origins: readonly OriginStatus[], readyEdges: number): Cause[] {
  const down = origins.filter(({ downOn }) => downOn > 0);
  if (down.length === 0) return [];
  const lines = down.map(
    (origin) => `${describeOrigin(origin)} from ${origin.downOn} of ${plural(readyEdges, 'edge')}`,
  );
  return [['OriginDown', `cannot be reached: ${listed(lines)}`]];
}
