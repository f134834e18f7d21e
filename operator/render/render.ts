/** EdgeCluster → everything that Kubernetes needs to run it. Pure: a file for each kind, put together here. */
import type { EdgeCluster } from '../api/types.ts';
import { apiSecret } from './api-secret.ts';
import { type RenderedConfig, renderConfig } from './config.ts';
import { configMap } from './config-map.ts';
import type { MasterKeys } from './credential.ts';
import { deployment } from './deployment.ts';
import type { OriginLookups, Origins } from './edge-config.ts';
import { headlessService } from './headless-service.ts';
import { renderHls } from './hls/hls.ts';
import { horizontalPodAutoscaler } from './hpa.ts';
import type { OwnedObject } from './metadata.ts';
import { networkPolicy } from './network-policy.ts';
import { podDisruptionBudget } from './pdb.ts';
import { podMonitor } from './pod-monitor.ts';
import { service } from './service.ts';
import { serviceAccount } from './service-account.ts';

export interface RenderSettings {
  /** Runs where `spec.pods.image` doesn't say. */
  readonly edgeImage: string;
  /** Whether the CRD of PodMonitor exists. */
  readonly podMonitors: boolean;
  /** What credentials derive from. Undefined: the Secret with them is not rendered. */
  readonly masterKeys: MasterKeys | undefined;
}

export interface RenderInput {
  readonly cluster: EdgeCluster;
  readonly origins: Origins;
  /** Where edges look when no origin of a group works. Default: nowhere. */
  readonly lookups?: OriginLookups;
  /** `host:port` of the HTTP servers of each group, for HLS. Read with `spec.hls` alone; default: none is known. */
  readonly httpOrigins?: Origins;
  readonly settings: RenderSettings;
  /** Languages of configuration that running edges read, besides our own. Default: none. */
  readonly languages?: readonly number[];
}

export interface Rendered {
  readonly config: RenderedConfig;
  /** In the order to apply them: what pods need comes before them. */
  readonly objects: readonly OwnedObject[];
}

/** Renders all objects. Throws RenderError when the edge would refuse its configuration. */
export function render({
  cluster,
  origins,
  lookups,
  httpOrigins = new Map(),
  settings,
  languages = [],
}: RenderInput): Rendered {
  const config = renderConfig(cluster, origins, languages, lookups);
  const objects: readonly (OwnedObject | undefined)[] = [
    serviceAccount(cluster),
    configMap(cluster, config, languages),
    apiSecret(cluster, settings.masterKeys),
    networkPolicy(cluster),
    service(cluster),
    headlessService(cluster),
    podDisruptionBudget(cluster),
    deployment(cluster, config, settings.edgeImage),
    horizontalPodAutoscaler(cluster),
    settings.podMonitors ? podMonitor(cluster) : undefined,
    ...renderHls(cluster, httpOrigins, settings),
  ];
  return { config, objects: objects.filter((object) => object !== undefined) };
}
