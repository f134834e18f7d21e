/** Annotations on pods: which configuration they are to run, how much is lost with them, and whether their node is kept. */

import type { V1Pod } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { CONFIG_FILE, CONFIG_HASH } from '../../api/labels.ts';
import { ApiError, isAnothers, type KubeApi } from '../../kube/api.ts';
import { RESOURCES } from '../../kube/resources.ts';
import type { PodView } from '../observe/views.ts';
import { costChanges, deletionCostAnnotation } from './deletion-cost.ts';
import { inParallel } from './in-parallel.ts';
import { markChanges } from './node-keeping.ts';
import type { PodMemory } from './pod-memory.ts';
import { podsToRefresh } from './pod-refresh.ts';
import type { EdgeState } from './report.ts';

export interface PodDeps {
  readonly api: Pick<KubeApi, 'mergePatch'>;
  readonly log: Logger;
  readonly edge: (uid: string) => EdgeState;
  readonly signal: AbortSignal;
}

/** Of one EdgeCluster. Requests to the API server share 16 connections: half of them are left to all others. */
const writesAtOnce = 8;
/** Which configuration each pod is to run. */
export interface ConfigTarget {
  /** Of edge.conf. */
  readonly hash: string;
  /** Pods that run another file, by uid. */
  readonly canaries?: { readonly file: string; readonly hash: string; readonly uids: ReadonlySet<string> } | undefined;
}

/**
 * Makes the kubelet bring the new configuration to the pods at once. The ConfigMap must have been written before.
 * @returns milliseconds until it may have to be done again
 */
export async function refreshPods(
  deps: PodDeps,
  pods: readonly PodView[],
  { hash, canaries }: ConfigTarget,
  memory: PodMemory,
  nowMs: number,
): Promise<number | undefined> {
  const isCanary = ({ metadata }: PodView): boolean => canaries?.uids.has(metadata.uid) === true;
  const hashFor = (pod: PodView): string => (canaries !== undefined && isCanary(pod) ? canaries.hash : hash);
  const fileOf = (pod: PodView): string | undefined => (isCanary(pod) ? canaries?.file : undefined);
  const others = pods.filter((pod) => !pod.ending && pod.metadata.annotations?.[CONFIG_FILE] !== fileOf(pod));
  await inParallel(writesAtOnce, others, async (pod) => {
    const file = fileOf(pod);
    const configHash = hashFor(pod);
    await annotate(deps, pod, { [CONFIG_FILE]: file ?? null, [CONFIG_HASH]: configHash }, memory);
    memory.tell(pod.metadata.uid, { configHash, times: 1, atMs: nowMs });
    deps.log.info({ pod: pod.metadata.name, file: file ?? 'edge.conf', configHash }, 'a pod is told which file to run');
  });
  const { tell, toldBefore, dueInMs } = podsToRefresh(pods, hashFor, deps.edge, (uid) => memory.told(uid), nowMs);
  for (const { pod, times, configHash } of toldBefore)
    memory.tell(pod.metadata.uid, { configHash, times, atMs: nowMs });
  await inParallel(writesAtOnce, tell, async ({ pod, value, times, configHash }) => {
    await annotate(deps, pod, { [CONFIG_HASH]: value }, memory);
    memory.tell(pod.metadata.uid, { configHash, times, atMs: nowMs });
  });
  if (tell.length > 0) deps.log.info({ pods: tell.length, configHash: hash }, 'pods are told of a new configuration');
  return dueInMs;
}

/** @param exact before pods are taken: small differences count, too */
export async function updateCosts(
  deps: PodDeps,
  pods: readonly PodView[],
  exact: boolean,
  memory: PodMemory,
): Promise<void> {
  await inParallel(writesAtOnce, costChanges(pods, deps.edge, { exact }), ({ pod, cost }) =>
    annotate(deps, pod, { [deletionCostAnnotation]: String(cost) }, memory),
  );
}

/** @param keep whether nodes whose edge has clients are to be kept */
export async function updateMarks(
  deps: PodDeps,
  pods: readonly PodView[],
  keep: boolean,
  memory: PodMemory,
): Promise<void> {
  await inParallel(writesAtOnce, markChanges(pods, deps.edge, keep), ({ pod, annotations }) =>
    annotate(deps, pod, annotations, memory),
  );
}

async function annotate(
  { api, signal }: PodDeps,
  pod: PodView,
  annotations: Readonly<Record<string, string | null>>,
  memory: PodMemory,
): Promise<void> {
  const { namespace, name, uid } = pod.metadata;
  try {
    const patch = { metadata: { uid, annotations } };
    memory.written(await api.mergePatch<V1Pod>(RESOURCES.Pod, namespace, name, patch, { signal }));
  } catch (error) {
    // The pod is gone, or another has its name; its end is an event.
    if (!(error instanceof ApiError && isAnothers(error))) throw error;
  }
}
