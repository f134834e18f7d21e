/** What an EdgeCluster asks for, and what is in force where that is not valid. */

import type { KubernetesObject, V1ConfigMap, V1ControllerRevision } from '@kubernetes/client-node';
import type { ConfigProblem } from '../../api/conditions.ts';
import { nameOf, newestConfig } from '../../api/labels.ts';
import { loopMessage, parentLoop } from '../../api/parents.ts';
import { pausedBy } from '../../api/pause.ts';
import type { EdgeCluster, EdgeClusterSpec } from '../../api/types.ts';
import type { RenderedConfig } from '../../render/config.ts';
import { controllerRevision, revisionNameOf } from '../../render/controller-revision.ts';
import { RenderError } from '../../render/error.ts';
import type { OwnedObject } from '../../render/metadata.ts';
import { type RenderInput, type RenderSettings, render } from '../../render/render.ts';
import { type Caches, type ClusterKey, keyOfObject } from '../observe/caches.ts';
import { type FoundOrigins, type ResolvedOrigins, resolveHttpOrigins, resolveOrigins } from '../observe/discovery.ts';
import { LastOrigins } from '../observe/last-origins.ts';
import { standingOf } from '../observe/ownership.ts';
import { type RevisedSpec, revisionsOf, specIn } from '../observe/revisions.ts';

export type ConfigVerdict =
  | { readonly valid: true; readonly hash: string; readonly warnings: readonly string[] }
  /** What ran before goes on running; `hash` is that one's, where it is known. */
  | {
      readonly valid: false;
      readonly reason: ConfigProblem;
      readonly message: string;
      readonly hash?: string | undefined;
    };

export interface Desired {
  readonly config: ConfigVerdict;
  /** What edge.conf says; undefined where there is no valid one. */
  readonly edgeConfig?: RenderedConfig['config'];
  /** In the order to apply them; none where there is no valid configuration. */
  readonly objects: readonly OwnedObject[];
}

export interface InForce {
  /** With the spec that is in force. */
  readonly cluster: EdgeCluster;
  readonly origins: ResolvedOrigins;
  /** HTTP servers of the origins, for HLS; none where no HLS is asked for. */
  readonly httpOrigins: FoundOrigins;
  readonly desired: Desired;
}

type Origin = 'asked' | 'former' | 'running';

/** What was made of one EdgeCluster before: most reconciles are about pods and status, and rendering is most of one. */
export class DesiredMemory {
  /** The spec that was valid last. */
  validSpec: RevisedSpec | undefined;
  readonly lastOrigins = new LastOrigins();
  readonly #made = new Map<Origin, { readonly key: string; readonly desired: Desired }>();

  /**
   * What was made for the same key before.
   * @param of the present spec, the one that was valid last, or the one that the edges run
   */
  desired(of: Origin, key: string, make: () => Desired): Desired {
    const known = this.#made.get(of);
    if (known?.key === key) return known.desired;
    const desired = make();
    this.#made.set(of, { key, desired });
    if (of === 'asked') this.#made.delete('former');
    return desired;
  }
}

/**
 * What is asked for. Where that is not valid, what was valid last, with as many edges as are asked for now: it goes on
 * in every way, follows its origins, and is put back. The operator remembers it, and keeps it as a ControllerRevision
 * for the next one. Without objects where there never was any.
 */
export function inForce(
  cluster: EdgeCluster,
  memory: DesiredMemory,
  caches: Pick<Caches, 'cluster' | 'owned' | 'parent' | 'service' | 'slices' | 'watches'>,
  settings: RenderSettings,
  languages: readonly number[],
  requireConsent: boolean,
): InForce {
  const { lastOrigins } = memory;
  const owned = caches.owned(keyOfObject(cluster));
  lastOrigins.recall(cluster, () => confOf(owned, cluster));
  const revisions = revisionsOf(cluster, owned);
  const found = (of: 'asked' | 'former', cluster: EdgeCluster): InForce => {
    const { parent, service, slices, watches } = caches;
    const sources = { parent, service, slices, watches, ...lastOrigins.sourcesFor(cluster), requireConsent };
    const origins = resolveOrigins(cluster, sources);
    const httpOrigins = resolveHttpOrigins(cluster, sources);
    lastOrigins.found(cluster, origins);
    // Of metadata only name, namespace and uid are rendered, which never change. The key holds secrets: no log may.
    const kept = revisions.map(({ metadata, revision }) => [metadata?.name, revision]);
    // The number of edges is chosen beside the spec.
    const { replicas, autoscaling } = cluster.spec;
    const asked = [cluster.metadata.generation, replicas, autoscaling?.minReplicas];
    const addresses = [...renderedOf(origins), [...httpOrigins.origins]];
    const key = JSON.stringify([asked, addresses, settings, languages, kept]);
    // What was valid before goes on, whatever others have become.
    const loop = of === 'asked' ? refusedLoop(cluster, caches) : undefined;
    if (loop !== undefined) return { cluster, origins, httpOrigins, desired: { config: loop, objects: [] } };
    const input = {
      cluster,
      origins: origins.origins,
      lookups: origins.lookups,
      httpOrigins: httpOrigins.origins,
      settings,
      languages,
    };
    return { cluster, origins, httpOrigins, desired: memory.desired(of, key, () => desiredOf(input, revisions)) };
  };
  const asked = found('asked', cluster);
  const { config } = asked.desired;
  if (config.valid) {
    // While it is paused nothing of it is applied.
    if (pausedBy(cluster) === undefined) memory.validSpec = cluster.spec;
    lastOrigins.retain(cluster);
    return asked;
  }
  memory.validSpec ??= revisions.map(specIn).find((spec) => spec !== undefined);
  if (memory.validSpec === undefined) return asked;
  const { replicas, autoscaling, paused } = cluster.spec;
  const { autoscaling: _, ...others }: Partial<EdgeClusterSpec> & RevisedSpec = memory.validSpec;
  const spec = { ...others, replicas, paused, ...(autoscaling && { autoscaling }) };
  const former = found('former', { ...cluster, spec });
  const { config: formerConfig } = former.desired;
  return formerConfig.valid
    ? { ...former, desired: { ...former.desired, config: { ...config, hash: formerConfig.hash } } }
    : asked;
}

/**
 * What another configuration would make of the EdgeCluster: the one that edges run, while they do not yet run what is
 * asked for.
 */
export function running(
  cluster: EdgeCluster,
  memory: DesiredMemory,
  { parent, service, slices, watches }: Pick<Caches, 'parent' | 'service' | 'slices' | 'watches'>,
  settings: RenderSettings,
  languages: readonly number[],
  requireConsent: boolean,
): Desired {
  const known = memory.lastOrigins.sourcesFor(cluster);
  const origins = resolveOrigins(cluster, { parent, service, slices, watches, ...known, requireConsent });
  const key = JSON.stringify([cluster.spec, ...renderedOf(origins), settings, languages]);
  const input = { cluster, origins: origins.origins, lookups: origins.lookups, settings, languages };
  // Of its objects the ControllerRevision is not applied.
  return memory.desired('running', key, () => desiredOf(input, []));
}

/** What of them is rendered. */
function renderedOf({ origins, lookups }: ResolvedOrigins): readonly unknown[] {
  return [[...origins], [...lookups]];
}

/** The edge.conf that the edges run, in any language: each has all origins. Empty while there is none. */
function confOf(owned: readonly KubernetesObject[], cluster: EdgeCluster): string {
  const isConfigMap = (object: KubernetesObject): object is V1ConfigMap =>
    object.kind === 'ConfigMap' && object.metadata?.name === nameOf(cluster);
  const configMap = owned.filter(isConfigMap).find((object) => standingOf(object, cluster) === 'ours');
  return newestConfig(configMap?.data ?? {})?.text ?? '';
}

/** Undefined: the EdgeCluster is no origin of its own origins. */
function refusedLoop(cluster: EdgeCluster, caches: Pick<Caches, 'cluster'>): ConfigVerdict | undefined {
  const loop = parentLoop(cluster, (key) => caches.cluster(key as ClusterKey));
  if (loop === undefined) return undefined;
  return { valid: false, reason: 'ParentLoop', message: loopMessage(loop) };
}

function desiredOf(input: RenderInput, revisions: readonly V1ControllerRevision[]): Desired {
  try {
    const { config, objects } = render(input);
    const revision = controllerRevision(input.cluster, numberOf(input.cluster, revisions));
    return {
      config: { valid: true, hash: config.hash, warnings: config.warnings },
      edgeConfig: config.config,
      objects: [revision, ...objects],
    };
  } catch (error) {
    if (!(error instanceof RenderError)) throw error;
    return { config: { valid: false, reason: error.reason, message: error.message }, objects: [] };
  }
}

/** Greater than those of all other revisions, and no other one than it has where that is so. */
function numberOf(cluster: EdgeCluster, revisions: readonly V1ControllerRevision[]): number {
  const name = revisionNameOf(cluster);
  const kept = revisions.find(({ metadata }) => metadata?.name === name)?.revision ?? 0;
  const others = revisions.filter(({ metadata }) => metadata?.name !== name).map(({ revision }) => revision);
  const greatest = Math.max(0, ...others);
  return kept > greatest ? kept : Math.max(kept, greatest) + 1;
}
