/**
 * How many edges there are to be, from the clients that there are and were. Pure: history in, wish and history out.
 *
 * More edges come at once. Fewer come when they have been enough for a while, a few at a time, and never on missing
 * data. crds/AUTOSCALING.md tells it with examples. Times are monotonic milliseconds.
 */

import type { Autoscaling } from '../../api/types.ts';
import { scaleIn } from '../../render/replicas.ts';
import { type Clients, type Need, needOf } from './need.ts';

/** What is seen now. */
export interface Sight {
  readonly nowMs: number;
  /** Of all edges; undefined: none has told. */
  readonly clients: Clients | undefined;
  /** Whether every edge has told that could have clients. */
  readonly isComplete: boolean;
  /** Ready edges that have no client. */
  readonly emptyEdges: number;
  /** `spec.replicas` where none but people write it beside us, as by `kubectl scale`; else 0. */
  readonly askedEdges: number;
  /** Edges that the Deployment asks for; 0 where there is none. */
  readonly presentEdges: number;
  /** Whether edges are being replaced or tried, so that none may be taken. */
  readonly isHeld: boolean;
}

/** What is remembered from one decision to the next. Without it a decision takes nothing away for a while. */
export interface History {
  /** That there were to be. */
  readonly edges: number;
  /** As seen last. */
  readonly askedEdges: number;
  /** Numbers of edges that were needed, and until when; the greatest, which are the oldest, first. */
  readonly needs: readonly PastNeed[];
  /** The oldest first. */
  readonly clients: readonly PastClients[];
  /** When edges were taken last. */
  readonly tookAtMs: number;
  /** When edges were missed that had been taken shortly before. */
  readonly missedAtMs: readonly number[];
}

interface PastNeed {
  readonly edges: number;
  readonly untilMs: number;
}

interface PastClients {
  readonly clients: Clients;
  readonly sinceMs: number;
}

export interface Decision {
  readonly history: History;
  /** Of now; undefined: not known. */
  readonly need: Need | undefined;
  /** Whether more were needed lately than there may be. */
  readonly isLimited: boolean;
  /** Whether edges are taken and missed again and again. */
  readonly isFlapping: boolean;
  /** When to decide again, if nothing happens before; undefined: then only. */
  readonly dueInMs: number | undefined;
}

const minuteMs = 60_000;
/** Clients that come back within this, as after a restart of their edge, are none that have come anew. */
const returnWithinMs = 5 * minuteMs;
/** Past clients are remembered at least so far apart. */
const apartMs = 5_000;
/** A rush is over when the last minute brought fewer: that is looked at without an event. */
const rushLookMs = 15_000;
/** Edges that are missed so soon after some were taken: it was too soon, or too many. */
const missedWithinMs = 10 * minuteMs;
/** So many times in so long a time are flapping. */
export const flapping = { times: 3, withinMs: 60 * minuteMs } as const;

/** @param history undefined: nothing is known of what was before */
export function decide(history: History | undefined, sight: Sight, autoscaling: Autoscaling): Decision {
  const { minReplicas, maxReplicas } = autoscaling;
  const windowMs = autoscaling.scaleDownStabilizationSeconds * 1000;
  const within = (edges: number) => Math.min(Math.max(edges, minReplicas), maxReplicas);
  const { nowMs, clients, isComplete } = sight;
  const isAsked = sight.askedEdges !== history?.askedEdges;
  const before = within(Math.max(isAsked ? sight.askedEdges : 0, history?.edges ?? sight.presentEdges));
  const seen = clientsSeen(history?.clients ?? [], isComplete ? clients : undefined, nowMs);
  const need = clients && needOf(clients, isComplete ? aMinuteAgo(seen, nowMs) : undefined, autoscaling);

  // What is not known to be too many is needed: as long as edges do not tell, at the start, and when asked for by hand.
  const needed = Math.max(need?.edges ?? 0, isComplete && need !== undefined ? 0 : before);
  const given = history === undefined || before > history.edges ? [{ edges: before, untilMs: nowMs }] : [];
  const past = [...untilNow(history?.needs ?? [], nowMs), ...given];
  const needs = needsSeen(past, needed, nowMs, windowMs);
  const enough = within(needs[0]?.edges ?? before);

  const mayTake = !sight.isHeld && nowMs - (history?.tookAtMs ?? never) >= scaleIn.periodSeconds * 1000;
  const edges = enough >= before ? within(Math.max(before, needed)) : mayTake ? stepTo(enough, before, sight) : before;

  const tookAtMs = edges < before ? nowMs : (history?.tookAtMs ?? never);
  const missed = history?.missedAtMs ?? [];
  // Once for each time that some were taken, in however many steps they come back.
  const isMissed = edges > before && nowMs - tookAtMs < missedWithinMs && (missed.at(-1) ?? never) < tookAtMs;
  const missedAtMs = [...missed, ...(isMissed ? [nowMs] : [])].filter((atMs) => nowMs - atMs < flapping.withinMs);
  const { askedEdges } = sight;
  const next: History = { edges, askedEdges, needs, clients: seen, tookAtMs, missedAtMs };
  return {
    history: next,
    need,
    isLimited: (needs[0]?.edges ?? 0) > maxReplicas,
    isFlapping: missedAtMs.length >= flapping.times,
    dueInMs: dueInMs(next, need, sight, minReplicas, windowMs),
  };
}

const never = Number.NEGATIVE_INFINITY;

/** Edges without clients may all go at once: nobody notices. */
function stepTo(enough: number, before: number, { emptyEdges }: Sight): number {
  const step = Math.max(scaleIn.edges, Math.floor((before * scaleIn.percent) / 100), emptyEdges);
  return Math.max(enough, before - step);
}

/** The number of the last decision was needed until now. */
function untilNow(needs: readonly PastNeed[], nowMs: number): readonly PastNeed[] {
  return needs.map((one, i) => (i === needs.length - 1 ? { ...one, untilMs: nowMs } : one));
}

/** What is followed by as many or more, and what is too long ago, counts no longer. */
function needsSeen(past: readonly PastNeed[], edges: number, nowMs: number, windowMs: number): readonly PastNeed[] {
  let most = edges;
  const greater = past.toReversed().filter((one) => {
    const counts = one.untilMs > nowMs - windowMs && one.edges > most;
    if (counts) most = one.edges;
    return counts;
  });
  return [...greater.toReversed(), { edges, untilMs: nowMs }];
}

/** @param clients undefined: not known, so that those of before hold */
function clientsSeen(past: readonly PastClients[], clients: Clients | undefined, nowMs: number) {
  const last = past.at(-1);
  const isNews = clients !== undefined && (last === undefined || nowMs - last.sinceMs >= apartMs);
  const all = isNews ? [...past, { clients, sinceMs: nowMs }] : past;
  // One that is followed by another that old says nothing any more.
  return all.filter((_, i) => (all[i + 1]?.sinceMs ?? nowMs) > nowMs - returnWithinMs);
}

/** The most that there were between a minute ago and a few; undefined: nobody knows. */
function aMinuteAgo(seen: readonly PastClients[], nowMs: number): Clients | undefined {
  const past = seen.filter(({ sinceMs }) => sinceMs <= nowMs - minuteMs).map(({ clients }) => clients);
  if (past.length === 0) return undefined;
  const most = (figure: keyof Clients) => Math.max(...past.map((clients) => clients[figure]));
  return { players: most('players'), publishers: most('publishers'), sentKbps: most('sentKbps') };
}

function dueInMs(
  { edges, needs, tookAtMs }: History,
  need: Need | undefined,
  { nowMs, isComplete, isHeld }: Sight,
  minReplicas: number,
  windowMs: number,
): number | undefined {
  const due = need?.isRush === true ? [rushLookMs] : [];
  if (need !== undefined && isComplete && !isHeld && Math.max(need.edges, minReplicas) < edges) {
    const lastEnough = needs.findLast((one) => one.edges >= edges)?.untilMs ?? never;
    const stepAtMs = tookAtMs + scaleIn.periodSeconds * 1000;
    due.push(Math.max(1, lastEnough + windowMs - nowMs, stepAtMs - nowMs));
  }
  return due.length === 0 ? undefined : Math.min(...due);
}
