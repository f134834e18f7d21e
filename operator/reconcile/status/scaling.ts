/** The condition Scaling: whether the number of edges follows what they have to do. */

import { scalesByUtilization } from '../../api/autoscaling.ts';
import { type Finding, finding, type Reason } from '../../api/conditions.ts';
import { autoscalerProblem } from '../scaling/autoscaler-problem.ts';
import { flapping } from '../scaling/decide.ts';
import type { Need } from '../scaling/need.ts';
import { silentIn } from '../scaling/sight.ts';
import type { Scene } from './observation.ts';
import { paused } from './progress.ts';
import { listed, plural } from './words.ts';

/** Undefined: without `spec.autoscaling` there is no such condition. */
export function scalingOf(scene: Scene, now: Date): Finding | undefined {
  const { cluster, scaling, pause, autoscaler, fleet } = scene;
  if (scaling === undefined) return undefined;
  const { autoscaling, decision, hold, refusal } = scaling;
  const { maxReplicas } = autoscaling;
  const found = (reason: Reason<'Scaling'>, message: string) => finding('Scaling', reason, message);
  if (pause !== undefined) return found('Paused', paused(pause));
  if (cluster.spec.replicas === 0)
    return found('ScaledToZero', 'spec.replicas is 0: autoscaling stands still until somebody raises it');
  const problem = scalesByUtilization(cluster.spec) ? autoscalerProblem(autoscaler, now.getTime()) : undefined;
  if (problem?.reason === 'MetricMissing')
    return found('MetricMissing', `the HorizontalPodAutoscaler lacks a metric, and takes no edge: ${problem.message}`);
  if (decision?.isLimited)
    return found(
      'LimitReached',
      `more edges were needed lately than maxReplicas, which is ${maxReplicas}${neededNow(decision.need)}`,
    );
  if (problem !== undefined) return found('LimitReached', `the HorizontalPodAutoscaler says: ${problem.message}`);
  const silent = silentIn(fleet);
  if (decision !== undefined && silent.length > 0)
    return found(
      'ClientsUnknown',
      `${plural(silent.length, 'edge')} will not tell how many clients there are: ${listed(silent.map(({ pod }) => pod.metadata.name))}; there may be more edges meanwhile, and not fewer`,
    );
  if (decision?.isFlapping)
    return found(
      'Flapping',
      `edges were taken and missed soon after, ${flapping.times} times or more in the last hour`,
    );
  if (refusal !== undefined) return found('ScaleRefused', `spec.replicas cannot be written: ${refusal}`);
  if (decision === undefined)
    return found('Following', `the HorizontalPodAutoscaler chooses, up to ${plural(maxReplicas, 'edge')}`);
  const edges = decision.history.edges;
  const more = scalesByUtilization(cluster.spec) ? '; the HorizontalPodAutoscaler may ask for more' : '';
  if (decision.need === undefined)
    return found('Following', `no edge has told yet how many clients it has; ${plural(edges, 'edge')} stay${more}`);
  const { need } = decision;
  const needed = `by ${need.target} the clients need ${plural(need.edges, 'edge')}`;
  const fewest = Math.max(need.edges, autoscaling.minReplicas);
  if (fewest >= edges) {
    const least = need.edges < edges ? `; minReplicas is ${autoscaling.minReplicas}` : '';
    return found('Following', `${needed}${least}${more}`);
  }
  const seconds = autoscaling.scaleDownStabilizationSeconds;
  const why = hold ?? `fewer must have been enough for ${seconds} s, and go a few at a time`;
  return found('Following', `${needed}; ${edges} stay for now: ${why}${more}`);
}

/** What a person must see to, besides what Degraded tells by itself. */
export const hindrances: ReadonlySet<string> = new Set<Reason<'Scaling'>>([
  'MetricMissing',
  'LimitReached',
  'Flapping',
  'ScaleRefused',
]);

function neededNow(need: Need | undefined): string {
  return need === undefined ? '' : `; now ${need.target} asks for ${need.edges}`;
}
