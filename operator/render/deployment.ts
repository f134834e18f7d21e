/** The Deployment of the edges. */
import { createHash } from 'node:crypto';
import type { V1Deployment } from '@kubernetes/client-node';
import { restartSettings } from '../../edge/conf/diff.ts';
import { labelsOf, matchLabelsOf, RESTART_HASH } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import type { RenderedConfig } from './config.ts';
import { metadataOf, type Owned } from './metadata.ts';
import { podSpec } from './pod.ts';
import { replicasOf } from './replicas.ts';

/** Ready for this long counts as available: long enough for Services to know of the pod before the next one goes. */
const minReadySeconds = 5;

/** How long a roll-out may go without progress, beside the time in which the pod that makes room for the next one drains. */
const progressSeconds = 600;

/**
 * @param config the template is made anew only for what a running process cannot take from a changed file
 * @param image runs where `spec.pods.image` doesn't say
 */
export function deployment(cluster: EdgeCluster, config: RenderedConfig, image: string): Owned<V1Deployment> {
  const { pods, availability } = cluster.spec;
  const { maxSurge, maxUnavailable } = availability.rollout;
  const pod = podSpec(cluster, config, image);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadataOf(cluster),
    spec: {
      replicas: replicasOf(cluster),
      selector: { matchLabels: matchLabelsOf(cluster) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
      minReadySeconds,
      progressDeadlineSeconds: progressSeconds + (pod.terminationGracePeriodSeconds ?? 0),
      template: {
        metadata: {
          labels: { ...pods.labels, ...labelsOf(cluster) },
          annotations: { ...pods.annotations, [RESTART_HASH]: restartHash(config) },
        },
        spec: pod,
      },
    },
  };
}

function restartHash({ config }: RenderedConfig): string {
  return createHash('sha256')
    .update(JSON.stringify(restartSettings(config)))
    .digest('hex')
    .slice(0, 16);
}
