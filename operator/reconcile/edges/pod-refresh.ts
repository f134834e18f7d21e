/**
 * Which pods are to be told that their configuration has changed. The kubelet looks at a ConfigMap's volume about once
 * a minute, and at once when the pod itself changes: an annotation is enough. Where the kubelet had not yet seen the
 * changed ConfigMap then, it takes another one.
 */

import { CONFIG_HASH } from '../../api/labels.ts';
import type { PodView } from '../observe/views.ts';
import type { Told } from './pod-memory.ts';
import type { EdgeState } from './report.ts';

export interface Telling {
  readonly pod: PodView;
  /** Of the annotation CONFIG_HASH: the hash, with a number behind it from the second time on. */
  readonly value: string;
  readonly times: number;
  readonly configHash: string;
}

export interface Refresh {
  readonly tell: readonly Telling[];
  /** Pods that an operator before us has told, and how often. */
  readonly toldBefore: readonly Omit<Telling, 'value'>[];
  /** Milliseconds until a pod may have to be told again. */
  readonly dueInMs: number | undefined;
}

/**
 * Pauses before a pod is told again, unless its edge has the configuration by then. After them the kubelet's own pace.
 * When the API server was away, a kubelet finds it up to a minute after it is back, and pods and ConfigMaps at different
 * times: whoever is told once between these would wait for two minutes.
 */
export const tellAgainMs = [3_000, 7_000, 10_000, 10_000, 10_000, 10_000, 10_000, 20_000, 20_000] as const;

/**
 * Pods that need another annotation so that they get the configuration with the hash that is for them. Not those whose edge has it
 * already, as a pod that started after the change, nor those that nobody has asked yet.
 */
export function podsToRefresh(
  pods: readonly PodView[],
  hashFor: (pod: PodView) => string,
  edge: (uid: string) => EdgeState,
  told: (uid: string) => Told | undefined,
  nowMs: number,
): Refresh {
  const tell: Telling[] = [];
  const toldBefore: Omit<Telling, 'value'>[] = [];
  let dueAtMs = Number.POSITIVE_INFINITY;
  for (const pod of pods) {
    const configHash = hashFor(pod);
    if (pod.ending || pod.phase !== 'Running' || !isBehind(edge(pod.metadata.uid), configHash)) continue;
    const last = told(pod.metadata.uid);
    if (last?.configHash !== configHash) {
      const times = timesTold(pod, configHash);
      if (times === 0) tell.push({ pod, value: configHash, times: 1, configHash });
      else {
        toldBefore.push({ pod, times, configHash });
        dueAtMs = Math.min(dueAtMs, nowMs + (tellAgainMs[times - 1] ?? Number.POSITIVE_INFINITY));
      }
      continue;
    }
    const againMs = tellAgainMs[last.times - 1];
    if (againMs === undefined || isRefused(edge(pod.metadata.uid))) continue;
    if (nowMs < last.atMs + againMs) dueAtMs = Math.min(dueAtMs, last.atMs + againMs);
    else tell.push({ pod, value: `${configHash}-${last.times + 1}`, times: last.times + 1, configHash });
  }
  const soonestMs = tell.length > 0 ? Math.min(dueAtMs, nowMs + tellAgainMs[0]) : dueAtMs;
  return {
    tell,
    toldBefore,
    dueInMs: soonestMs === Number.POSITIVE_INFINITY ? undefined : Math.max(1, soonestMs - nowMs),
  };
}

function isBehind(edge: EdgeState, configHash: string): boolean {
  return edge.state === 'silent' || (edge.state === 'answering' && edge.report.config.hash !== configHash);
}

/** It has seen a text and will not have it. */
function isRefused(edge: EdgeState): boolean {
  return edge.state === 'answering' && edge.report.config.error !== undefined;
}

/** As its annotation has it. */
function timesTold({ metadata }: PodView, configHash: string): number {
  const [hash, times = '1'] = metadata.annotations?.[CONFIG_HASH]?.split('-') ?? [];
  return hash === configHash ? Number(times) || 1 : 0;
}
