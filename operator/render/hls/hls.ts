/** `spec.hls` → the objects of the tier of HTTP caches beside the edges; none without it. Pure. */
import type { EdgeCluster } from '../../api/types.ts';
import type { Origins } from '../edge-config.ts';
import type { OwnedObject } from '../metadata.ts';
import type { RenderSettings } from '../render.ts';
import { hlsAutoscaler, hlsDisruptionBudget } from './availability.ts';
import { hlsConfigMap } from './config-map.ts';
import { hlsDeployment } from './deployment.ts';
import { hlsNetworkPolicy } from './network-policy.ts';
import { hlsPodMonitor } from './pod-monitor.ts';
import { hlsService } from './service.ts';

/** @param httpOrigins `host:port` of the HTTP servers of each group */
export function renderHls(
  cluster: EdgeCluster,
  httpOrigins: Origins,
  { edgeImage, podMonitors }: Pick<RenderSettings, 'edgeImage' | 'podMonitors'>,
): readonly OwnedObject[] {
  const { hls } = cluster.spec;
  if (hls === undefined) return [];
  const objects: readonly (OwnedObject | undefined)[] = [
    hlsConfigMap(cluster, hls, httpOrigins),
    hlsNetworkPolicy(cluster, hls),
    hlsService(cluster, hls),
    hlsDisruptionBudget(cluster),
    hlsDeployment(cluster, hls, edgeImage),
    hlsAutoscaler(cluster, hls),
    podMonitors ? hlsPodMonitor(cluster) : undefined,
  ];
  return objects.filter((object) => object !== undefined);
}
