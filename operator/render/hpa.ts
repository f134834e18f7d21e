/**
 * The HorizontalPodAutoscaler, for CPU and memory. It drives the EdgeCluster's own `scale`, and the operator follows:
 * were it to drive the Deployment, the two would fight over its replicas. Where clients are a target, too, `minReplicas`
 * is the number that the operator has chosen by them.
 */
import type { V2HorizontalPodAutoscaler, V2MetricSpec } from '@kubernetes/client-node';
import { scalesByUtilization } from '../api/autoscaling.ts';
import { API_VERSION, KIND, nameOf } from '../api/labels.ts';
import type { AutoscalingTargets, EdgeCluster } from '../api/types.ts';
import { metadataOf, type Owned } from './metadata.ts';
import { scaleIn } from './replicas.ts';

export function horizontalPodAutoscaler(cluster: EdgeCluster): Owned<V2HorizontalPodAutoscaler> | undefined {
  const { autoscaling } = cluster.spec;
  if (autoscaling === undefined || !scalesByUtilization(cluster.spec)) return undefined;
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: metadataOf(cluster),
    spec: {
      scaleTargetRef: { apiVersion: API_VERSION, kind: KIND, name: nameOf(cluster) },
      minReplicas: autoscaling.minReplicas,
      maxReplicas: autoscaling.maxReplicas,
      metrics: metricsOf(autoscaling.targets),
      behavior: {
        scaleDown: {
          stabilizationWindowSeconds: autoscaling.scaleDownStabilizationSeconds,
          selectPolicy: 'Max',
          policies: [
            { type: 'Pods', value: scaleIn.edges, periodSeconds: scaleIn.periodSeconds },
            { type: 'Percent', value: scaleIn.percent, periodSeconds: scaleIn.periodSeconds },
          ],
        },
      },
    },
  };
}

function metricsOf(targets: AutoscalingTargets): V2MetricSpec[] {
  const { cpuUtilizationPercent, memoryUtilizationPercent } = targets;
  return [...utilization('cpu', cpuUtilizationPercent), ...utilization('memory', memoryUtilizationPercent)];
}

function utilization(name: string, percent: number | undefined): V2MetricSpec[] {
  if (percent === undefined) return [];
  return [{ type: 'Resource', resource: { name, target: { type: 'Utilization', averageUtilization: percent } } }];
}
