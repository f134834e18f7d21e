/** The Deployment of the caches. */
import type { V1Deployment } from '@kubernetes/client-node';
import type { EdgeCluster, Hls } from '../../api/types.ts';
import { metadataOf, type Owned } from '../metadata.ts';
import { hlsMatchLabelsOf, hlsNameOf, hlsPodLabelsOf } from './names.ts';
import { hlsPodSpec } from './pod.ts';

export function hlsDeployment(cluster: EdgeCluster, hls: Hls, agentImage: string): Owned<V1Deployment> {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadataOf(cluster, { name: hlsNameOf(cluster) }),
    spec: {
      // With autoscaling the number is the autoscaler's alone.
      ...(hls.autoscaling === undefined && { replicas: hls.replicas }),
      selector: { matchLabels: hlsMatchLabelsOf(cluster) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
      minReadySeconds: 5,
      template: { metadata: { labels: hlsPodLabelsOf(cluster) }, spec: hlsPodSpec(cluster, hls, agentImage) },
    },
  };
}
