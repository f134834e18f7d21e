/** The pods of an EdgeCluster by what they are doing, and what their edges say: the ground that status stands on. */

import type { V1Deployment } from '@kubernetes/client-node';
import { type PodFailure, type PodView, UNSCHEDULABLE } from '../observe/views.ts';
import { type EdgeFigures, type EdgeReport, type EdgeState, lastReport } from './report.ts';

export interface Member {
  readonly pod: PodView;
  readonly edge: EdgeState;
}

export interface Fleet {
  /** Pods that are not ending; each is either ready, starting or failing. */
  readonly active: readonly Member[];
  readonly ready: readonly Member[];
  readonly starting: readonly Member[];
  readonly failing: readonly { readonly pod: PodView; readonly failure: PodFailure }[];
  /** They let their clients finish. */
  readonly ending: readonly Member[];
}

/** A pod may be without a node for so long: autoscalers of nodes need minutes to bring one. */
export const unschedulableGraceMs = 300_000;

/** Until this time of the epoch what keeps the pod from running is no failure. */
function graceEndsAtMs({ failure }: PodView): number {
  if (failure?.reason !== UNSCHEDULABLE || failure.sinceMs === undefined) return Number.NEGATIVE_INFINITY;
  return failure.sinceMs + unschedulableGraceMs;
}

/** Milliseconds until the first pod that waits for a node is taken for failed; undefined: none waits. */
export function graceEndsInMs(pods: readonly PodView[], nowMs: number): number | undefined {
  const ends = pods.map(graceEndsAtMs).filter((endsAtMs) => endsAtMs > nowMs);
  return ends.length === 0 ? undefined : Math.min(...ends) - nowMs;
}

/** Same pods in any order → same result. @param nowMs since the epoch */
export function fleetOf(pods: readonly PodView[], edge: (uid: string) => EdgeState, nowMs: number): Fleet {
  const failureOf = (pod: PodView) => (pod.ready || graceEndsAtMs(pod) > nowMs ? undefined : pod.failure);
  const members = pods
    // Kubernetes keeps pods that have run their course, or were evicted, beside those that replace them.
    .filter(({ phase }) => phase !== 'Succeeded' && phase !== 'Failed')
    .map((pod): Member => ({ pod, edge: edge(pod.metadata.uid) }))
    .sort((a, b) => byCodeUnits(a.pod.metadata.name, b.pod.metadata.name));
  const active = members.filter(({ pod }) => !pod.ending);
  return {
    active,
    ready: active.filter(({ pod }) => pod.ready),
    starting: active.filter(({ pod }) => !pod.ready && failureOf(pod) === undefined),
    failing: active.flatMap(({ pod }) => {
      const failure = failureOf(pod);
      return failure === undefined ? [] : [{ pod, failure }];
    }),
    ending: members.filter(({ pod }) => pod.ending),
  };
}

/** What an edge says now; undefined for one that is silent or not asked yet. */
export function answerOf({ edge }: Member): EdgeReport | undefined {
  return edge.state === 'answering' ? edge.report : undefined;
}

/** The same, or what an edge that is silent now said last. */
export function lastAnswerOf({ edge }: Member): EdgeReport | undefined {
  return lastReport(edge);
}

/** Whether there are edges that nobody has asked yet, as just after the operator started. */
export function hasUnasked({ active, ending }: Fleet): boolean {
  return [...active, ...ending].some(({ pod, edge }) => edge.state === 'unknown' && pod.phase === 'Running');
}

/** Running edges that have not told how they are for two polls, or never. */
export function silentOf({ active, ending }: Fleet): readonly Member[] {
  const running = [...active, ...ending].filter(({ pod }) => pod.phase === 'Running');
  return running.filter(({ edge }) => edge.state === 'silent' && lastReport(edge) === undefined);
}

/**
 * Sums over all edges, those that end included: their clients are still there. An edge that has just fallen silent
 * counts with what it said last. Undefined when there are edges and none has said anything lately.
 */
export function figuresOf({ active, ending }: Fleet): EdgeFigures | undefined {
  const running = [...active, ...ending].filter(({ pod }) => pod.phase === 'Running');
  const reports = running.flatMap(({ edge }) => lastReport(edge) ?? []);
  if (reports.length === 0 && running.length > 0) return undefined;
  const sum = (figure: keyof EdgeFigures) =>
    Math.round(reports.reduce((total, { figures }) => total + figures[figure], 0));
  return {
    players: sum('players'),
    edgePlayers: sum('edgePlayers'),
    publishers: sum('publishers'),
    streams: sum('streams'),
    receivedKbps: sum('receivedKbps'),
    sentKbps: sum('sentKbps'),
    originConnections: sum('originConnections'),
  };
}

/** How far Kubernetes is with bringing the Deployment's template to the pods. */
export interface Rollout {
  readonly state: 'done' | 'rolling' | 'stuck';
  readonly updated: number;
  /** Kubernetes has never looked at it: no pod has a former template. */
  readonly isNew: boolean;
  /** Why Kubernetes cannot make pods at all, such as a quota. */
  readonly failure: string | undefined;
}

export function rolloutOf(deployment: V1Deployment): Rollout {
  const { metadata, status = {} } = deployment;
  const condition = (wanted: string) => status.conditions?.find(({ type }) => type === wanted);
  const progress = condition('Progressing');
  const isSeen = (status.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
  const updated = status.updatedReplicas ?? 0;
  const isStuck = isSeen && progress?.status === 'False' && progress.reason === 'ProgressDeadlineExceeded';
  const isRolling = !isSeen || updated < (status.replicas ?? 0);
  const failure = condition('ReplicaFailure');
  return {
    state: isStuck ? 'stuck' : isRolling ? 'rolling' : 'done',
    updated,
    isNew: status.observedGeneration === undefined,
    failure: failure?.status === 'True' ? (failure.message ?? failure.reason ?? 'pods cannot be made') : undefined,
  };
}

/** By code units: the same on every machine. */
export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
