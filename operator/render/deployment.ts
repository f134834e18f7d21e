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

/**
 * @param config the template is made anew only for what a running process cannot take from a changed file
 * @param image runs where `spec.pods.image` doesn't say
 */
export function deployment(cluster: EdgeCluster, config: RenderedConfig, image: string): Owned<V1Deployment> {
  const { pods, availability } = cluster.spec;
  const { maxSurge, maxUnavailable } = availability.rollout;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadataOf(cluster),
    spec: {
      replicas: replicasOf(cluster),
      selector: { matchLabels: matchLabelsOf(cluster) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
      minReadySeconds,
      template: {
        metadata: {
          labels: { ...pods.labels, ...labelsOf(cluster) },
          annotations: { ...pods.annotations, [RESTART_HASH]: restartHash(config) },
        },
        spec: podSpec(cluster, config, image),
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
