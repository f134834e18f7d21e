/** What an EdgeCluster asks for, and what is in force where that is not valid. */

import type { KubernetesObject, V1ConfigMap } from '@kubernetes/client-node';
import { CONFIG_KEY } from '../../api/labels.ts';
import type { EdgeCluster, OriginGroup } from '../../api/types.ts';
import { RenderError } from '../../render/error.ts';
import type { Manifest } from '../../render/metadata.ts';
import { type RenderSettings, render } from '../../render/render.ts';
import type { ClusterMemory } from '../cluster-memory.ts';
import { type Caches, keyOfObject } from '../observe/caches.ts';
import { type ResolvedOrigins, resolveOrigins } from '../observe/discovery.ts';
import { standingOf } from '../observe/ownership.ts';
import type { ConfigVerdict } from '../status/observation.ts';

export interface Desired {
  readonly config: ConfigVerdict;
  /** In the order to apply them; none where there is no valid configuration. */
  readonly objects: readonly Manifest[];
}

export interface InForce {
  /** With the spec that is in force. */
  readonly cluster: EdgeCluster;
  readonly origins: ResolvedOrigins;
  readonly desired: Desired;
}

/**
 * What is asked for. Where that is not valid, what was valid last, with as many edges as are asked for now: it goes on
 * in every way, follows its origins, and is put back. Without objects where that is not known: there never was any, or
 * it was another operator that saw it.
 */
export function inForce(
  cluster: EdgeCluster,
  memory: ClusterMemory,
  caches: Pick<Caches, 'owned' | 'service' | 'slices' | 'watches'>,
  settings: RenderSettings,
): InForce {
  const { lastOrigins } = memory;
  lastOrigins.recall(cluster, () => confOf(caches.owned(keyOfObject(cluster)), cluster));
  const found = (of: 'asked' | 'former', cluster: EdgeCluster): InForce => {
    const { service, slices, watches } = caches;
    const last = (group: OriginGroup) => lastOrigins.of(cluster, group);
    const origins = resolveOrigins(cluster, { service, slices, watches, last });
    lastOrigins.found(cluster, origins);
    // Of metadata only name, namespace and uid are rendered, which never change. The key holds secrets: no log may.
    const key = JSON.stringify([cluster.metadata.generation, [...origins.origins], settings]);
    return { cluster, origins, desired: memory.desired(of, key, () => desiredOf(cluster, origins, settings)) };
  };
  const asked = found('asked', cluster);
  const { config } = asked.desired;
  if (config.valid) {
    memory.validSpec = cluster.spec;
    lastOrigins.retain(cluster);
    return asked;
  }
  if (memory.validSpec === undefined) return asked;
  const { replicas, autoscaling } = cluster.spec;
  const { autoscaling: _, ...others } = memory.validSpec;
  const former = found('former', { ...cluster, spec: { ...others, replicas, ...(autoscaling && { autoscaling }) } });
  const { config: formerConfig, objects } = former.desired;
  return formerConfig.valid
    ? { ...former, desired: { config: { ...config, hash: formerConfig.hash }, objects } }
    : asked;
}

/** The edge.conf that the edges run; empty while there is none. */
function confOf(owned: readonly KubernetesObject[], cluster: EdgeCluster): string {
  const isConfigMap = (object: KubernetesObject): object is V1ConfigMap => object.kind === 'ConfigMap';
  const configMap = owned.filter(isConfigMap).find((object) => standingOf(object, cluster) === 'ours');
  return configMap?.data?.[CONFIG_KEY] ?? '';
}

function desiredOf(cluster: EdgeCluster, { origins }: ResolvedOrigins, settings: RenderSettings): Desired {
  try {
    const { config, objects } = render({ cluster, origins, settings });
    return { config: { valid: true, hash: config.hash, warnings: config.warnings }, objects };
  } catch (error) {
    if (!(error instanceof RenderError)) throw error;
    return { config: { valid: false, reason: error.reason, message: error.message }, objects: [] };
  }
}
