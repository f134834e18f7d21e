/**
 * A changed configuration on its way to the edges: a few of them (canaries) get it first, and are watched; then all
 * others do, or none. What is remembered here may be lost: the next operator watches anew.
 */

import type { V1ConfigMap } from '@kubernetes/client-node';
import { CONFIG_FILE, LANGUAGE } from '../../api/labels.ts';
import type { ConfigRollout, EdgeCluster } from '../../api/types.ts';
import { isTriedFirst, riskyChanges } from '../../render/config-risk.ts';
import type { Desired } from '../apply/desired.ts';
import type { EdgeReport, EdgeState } from '../edges/report.ts';
import type { PodView } from '../observe/views.ts';
import { type Control, complaintOf } from './canary-health.ts';
import type { Halted } from './config-record.ts';

export interface StageInput {
  readonly cluster: EdgeCluster;
  /** What is asked for. */
  readonly asked: Desired;
  /** With the configuration that is in force. */
  readonly stable: Desired;
  /** Name of the changed configuration among the files of the ConfigMap. */
  readonly file: string;
  /** Whether it is among them: the API server may refuse it. */
  readonly isThere: boolean;
  /** What was put back last. */
  readonly halted: Halted | undefined;
  readonly pods: readonly PodView[];
  readonly edge: (uid: string) => EdgeState;
  /** Monotonic. */
  readonly nowMs: number;
}

export type Stage =
  /** All edges are to run what is asked for. */
  | { readonly kind: 'all' }
  | {
      readonly kind: 'watching';
      readonly canaries: ReadonlySet<string>;
      readonly message: string;
      readonly dueInMs: number;
    }
  /** All edges are to run what was in force. */
  | { readonly kind: 'halted'; readonly message: string };

/** Canaries are looked at as often as this, whatever they say. */
const lookMs = 1_000;
/** A kubelet brings a changed file within a minute or two. */
const takenWithinMs = 180_000;

/** What is remembered of one changed configuration. */
export class StageMemory {
  /** As it was seen last. */
  configMap: V1ConfigMap | undefined;
  #file: string | undefined;
  /** Since when there are canaries, and since when all of them run it and are well; monotonic. */
  sinceMs: number | undefined;
  wellSinceMs: number | undefined;
  /** What edges said before, by uid. */
  readonly before = new Map<string, EdgeReport>();

  /** Forgets all that is about another configuration. */
  about(file: string | undefined): void {
    if (file === this.#file) return;
    this.#file = file;
    this.sinceMs = undefined;
    this.wellSinceMs = undefined;
    this.before.clear();
  }
}

export function stageOf(input: StageInput, memory: StageMemory): Stage {
  const { cluster, asked, stable, file, halted } = input;
  const { hash } = asked.config;
  if (hash === undefined || !isToBeTried(cluster, asked, stable)) {
    memory.about(undefined);
    return { kind: 'all' };
  }
  if (halted?.file === file) return { kind: 'halted', message: halted.message };
  memory.about(file);
  const ready = input.pods.filter(({ ready, ending, phase }) => ready && !ending && phase === 'Running');
  const canaries = choose(input, ready);
  // Nobody is served: nobody can be harmed.
  if (canaries.length === 0) return { kind: 'all' };
  return watch(input, hash, canaries, ready.length, memory);
}

/** A CRD before 0.2.0 does not have the field. */
function settingsOf({ spec }: EdgeCluster): ConfigRollout {
  const { configRollout }: { readonly configRollout?: ConfigRollout } = spec;
  return configRollout ?? { strategy: 'Auto', canaries: '10%', watchSeconds: 60 };
}

function isToBeTried(cluster: EdgeCluster, asked: Desired, stable: Desired): boolean {
  if (asked.edgeConfig === undefined || stable.edgeConfig === undefined) return false;
  if (asked.config.hash === stable.config.hash) return false;
  // It comes with other pods, which are brought a few at a time anyway.
  if (templateOf(asked) !== templateOf(stable)) return false;
  return isTriedFirst(settingsOf(cluster), stable.edgeConfig, asked.edgeConfig);
}

function templateOf({ objects }: Desired): string {
  const deployment = objects.find(({ kind }) => kind === 'Deployment') as { readonly spec?: { template?: unknown } };
  return JSON.stringify(deployment?.spec?.template);
}

/** Those that are canaries already, also where they are no longer ready; then others, in the order of their names. */
function choose({ cluster, pods, edge, file }: StageInput, ready: readonly PodView[]): readonly PodView[] {
  const isCanary = (pod: PodView): boolean => pod.metadata.annotations?.[CONFIG_FILE] === file;
  const count = countOf(settingsOf(cluster).canaries, ready.length);
  const present = pods.filter((pod) => isCanary(pod) && !pod.ending && pod.phase === 'Running').sort(byName);
  const answers = (pod: PodView): number => Number(edge(pod.metadata.uid).state === 'answering');
  const others = ready
    .filter((pod) => !isCanary(pod) && canRead(pod))
    .sort((a, b) => answers(b) - answers(a) || byName(a, b));
  return [...present, ...others].slice(0, count);
}

/** The file is in our own language; edges of a former version get theirs with all others. */
function canRead({ language }: PodView): boolean {
  return language === undefined || language === LANGUAGE;
}

/** At least one, where there is one. */
export function countOf(canaries: number | string, ready: number): number {
  const wanted = typeof canaries === 'number' ? canaries : Math.ceil((Number.parseInt(canaries, 10) * ready) / 100);
  return Math.max(1, Math.min(wanted, Math.max(1, ready)));
}

function watch(
  { cluster, stable, asked, file, isThere, pods, edge, nowMs }: StageInput,
  hash: string,
  canaries: readonly PodView[],
  ready: number,
  memory: StageMemory,
): Stage {
  // Its time begins when edges can have it.
  if (isThere) memory.sinceMs ??= nowMs;
  const { sinceMs } = memory;
  const chosen = new Set(canaries.map(({ metadata }) => metadata.uid));
  const controls = pods.filter(({ ready, metadata }) => ready && !chosen.has(metadata.uid));
  for (const { metadata } of canaries) rememberUntilTaken(memory, metadata.uid, edge(metadata.uid), hash);
  for (const { metadata } of controls) remember(memory, metadata.uid, edge(metadata.uid));
  const others = controls.map(
    ({ metadata }): Control => ({ edge: edge(metadata.uid), before: memory.before.get(metadata.uid) }),
  );
  let isWell = true;
  for (const pod of canaries) {
    const { uid, name } = pod.metadata;
    const complaint = complaintOf({ pod, edge: edge(uid), before: memory.before.get(uid) }, others, hash);
    if (complaint !== undefined && sinceMs !== undefined) return halted(file, `pod ${name}: ${complaint}`);
    if (isTakenBy(edge(uid), hash)) continue;
    isWell = false;
    if (sinceMs !== undefined && nowMs - sinceMs > takenWithinMs)
      return halted(file, `pod ${name}: ${whyNotTaken(edge(uid))}`);
  }
  if (isWell) memory.wellSinceMs ??= nowMs;
  else memory.wellSinceMs = undefined;
  const { watchSeconds } = settingsOf(cluster);
  const leftMs = memory.wellSinceMs === undefined ? lookMs : memory.wellSinceMs + watchSeconds * 1000 - nowMs;
  if (leftMs <= 0) return { kind: 'all' };
  const names = canaries.map(({ metadata }) => metadata.name).join(', ');
  const what = changesOf(stable, asked);
  const message = `a changed configuration is tried on ${canaries.length} of ${ready} edges, ${names}, and the others follow when these have been well for ${watchSeconds} s; it changes ${what}`;
  return { kind: 'watching', canaries: chosen, message, dueInMs: Math.min(lookMs, leftMs) };
}

/** The first time that an edge is seen while the configuration is tried. */
function remember({ before }: StageMemory, uid: string, edge: EdgeState): void {
  if (edge.state === 'answering' && !before.has(uid)) before.set(uid, edge.report);
}

/**
 * The last time that a canary is seen without the file. It takes clients as before until the kubelet brings it, which may be
 * minutes: they must not make those who are refused afterwards look few.
 */
function rememberUntilTaken(memory: StageMemory, uid: string, edge: EdgeState, hash: string): void {
  if (edge.state === 'answering' && !isTakenBy(edge, hash)) memory.before.set(uid, edge.report);
  else remember(memory, uid, edge);
}

function isTakenBy(edge: EdgeState, hash: string): boolean {
  return edge.state === 'answering' && edge.report.config.hash === hash;
}

function whyNotTaken(edge: EdgeState): string {
  if (edge.state === 'silent') return `the operator has no answer from it: ${edge.why}`;
  return `it has not taken the file within ${takenWithinMs / 1000} s; edges before 0.2.0 cannot: is spec.pods.image older than the operator?`;
}

function changesOf(stable: Desired, asked: Desired): string {
  if (stable.edgeConfig === undefined || asked.edgeConfig === undefined) return '';
  const changes = riskyChanges(stable.edgeConfig, asked.edgeConfig);
  if (changes.length === 0) return 'what cannot refuse clients';
  return changes.length > 3 ? `${changes.slice(0, 3).join(', ')} and ${changes.length - 3} more` : changes.join(', ');
}

function halted(file: string, what: string): Stage & { readonly kind: 'halted' } {
  return { kind: 'halted', message: `${what} (${file})` };
}

function byName(a: PodView, b: PodView): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
