/**
 * The HorizontalPodAutoscaler. It drives the EdgeCluster's own `scale`, and the operator follows: were it to drive the
 * Deployment, the two would fight over its replicas.
 */
import type { V2HorizontalPodAutoscaler, V2MetricSpec } from '@kubernetes/client-node';
import { API_VERSION, KIND, nameOf } from '../api/labels.ts';
import type { AutoscalingTargets, EdgeCluster } from '../api/types.ts';
import { metadataOf, type Owned } from './metadata.ts';

/**
 * Metrics of each edge by the names that a custom metrics API has for them: the exporter's `edge_players`, and
 * `srs_send_bytes_total` as the rate that prometheus-adapter makes of a counter unless told otherwise.
 */
const playersMetric = 'edge_players';
const sentBytesMetric = 'srs_send_bytes_per_second';

/** Kilobits to bytes. */
const bytesPerKilobit = 125;

/** An edge that goes lets its clients finish first: few at a time, so that the rest are not flooded by them. */
const scaleDownPeriodSeconds = 60;
const scaleDownPercent = 10;

export function horizontalPodAutoscaler(cluster: EdgeCluster): Owned<V2HorizontalPodAutoscaler> | undefined {
  const { autoscaling } = cluster.spec;
  if (autoscaling === undefined) return undefined;
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
            { type: 'Pods', value: 1, periodSeconds: scaleDownPeriodSeconds },
            { type: 'Percent', value: scaleDownPercent, periodSeconds: scaleDownPeriodSeconds },
          ],
        },
      },
    },
  };
}

function metricsOf(targets: AutoscalingTargets): V2MetricSpec[] {
  const { cpuUtilizationPercent, memoryUtilizationPercent, playersPerPod, sentKbpsPerPod } = targets;
  return [
    ...utilization('cpu', cpuUtilizationPercent),
    ...utilization('memory', memoryUtilizationPercent),
    ...average(playersMetric, playersPerPod),
    ...average(sentBytesMetric, sentKbpsPerPod === undefined ? undefined : sentKbpsPerPod * bytesPerKilobit),
  ];
}

function utilization(name: string, percent: number | undefined): V2MetricSpec[] {
  if (percent === undefined) return [];
  return [{ type: 'Resource', resource: { name, target: { type: 'Utilization', averageUtilization: percent } } }];
}

function average(name: string, value: number | undefined): V2MetricSpec[] {
  if (value === undefined) return [];
  return [{ type: 'Pods', pods: { metric: { name }, target: { type: 'AverageValue', averageValue: String(value) } } }];
}
