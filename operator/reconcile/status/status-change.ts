/** What has changed from one status to the next: whether it is worth a write, and what a person would want to know. */

import { isDeepStrictEqual } from 'node:util';
import { conditionOf } from '../../api/conditions.ts';
import type { Condition, EdgeClusterStatus, OriginStatus } from '../../api/types.ts';
import { isSignificant } from '../edges/quarter-rule.ts';
import { describeOrigin } from './origin-status.ts';
import { plural } from './words.ts';

/**
 * `facts`: write at once. `figures`: players, bandwidth and wording only, which can wait. `slight`: the same, and no
 * figure has changed by much.
 */
export type StatusDifference = 'no' | 'slight' | 'figures' | 'facts';

/** The counts of clients and streams, and the rates. */
const counts = ['players', 'edgePlayers', 'publishers', 'streams', 'originConnections'] as const;
const rates = ['sentKbps', 'receivedKbps'] as const;

const factFields = [
  'observedGeneration',
  'replicas',
  'readyReplicas',
  'updatedReplicas',
  'drainingReplicas',
  'silentReplicas',
  'selector',
  'originsReachable',
  'configHash',
  'configuredReplicas',
] as const satisfies readonly (keyof EdgeClusterStatus)[];

/** @param before as last written */
export function statusDiffers(before: EdgeClusterStatus | undefined, after: EdgeClusterStatus): StatusDifference {
  if (before === undefined) return 'facts';
  if (factFields.some((field) => before[field] !== after[field])) return 'facts';
  if (!isDeepStrictEqual(before.hls, after.hls)) return 'facts';
  if (!sameList(before.origins, after.origins, sameOrigin)) return 'facts';
  if (!sameList(before.conditions, after.conditions, sameCondition)) return 'facts';
  const wording = (status: EdgeClusterStatus) => [
    ...(status.conditions ?? []).map(({ message }) => message),
    ...(status.origins ?? []).map(({ reason = '' }) => reason),
  ];
  if (!sameList(wording(before), wording(after), Object.is)) return 'figures';
  if (before.neededReplicas !== after.neededReplicas) return 'figures';
  if ([...counts, ...rates].some((field) => isNews(before[field], after[field]))) return 'figures';
  if (counts.some((field) => before[field] !== after[field])) return 'slight';
  return rates.some((field) => isOtherRate(before[field], after[field])) ? 'slight' : 'no';
}

function isNews(before: number | undefined, after: number | undefined): boolean {
  return before === undefined || after === undefined ? before !== after : isSignificant(before, after);
}

/** Bandwidth is never twice the same; a tenth is worth a write some time. */
function isOtherRate(before: number | undefined, after: number | undefined): boolean {
  if (before === undefined || after === undefined) return before !== after;
  if (before === 0 || after === 0) return before !== after;
  return Math.abs(after - before) > before / 10;
}

function sameList<T>(a: readonly T[] = [], b: readonly T[] = [], same: (a: T, b: T) => boolean): boolean {
  return a.length === b.length && a.every((item, index) => same(item, b[index] as T));
}

function sameOrigin(a: OriginStatus, b: OriginStatus): boolean {
  return a.group === b.group && a.server === b.server && a.state === b.state && a.downOn === b.downOn;
}

function sameCondition(a: Condition, b: Condition): boolean {
  return (
    a.type === b.type &&
    a.status === b.status &&
    a.reason === b.reason &&
    a.observedGeneration === b.observedGeneration &&
    a.lastTransitionTime === b.lastTransitionTime
  );
}

/** For an Event of Kubernetes. */
export interface Notice {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** The events of a change; the same status twice has none, so that nothing is told twice. */
export function eventsOf(before: EdgeClusterStatus | undefined, after: EdgeClusterStatus): Notice[] {
  return [
    ...configEvents(before, after),
    ...availableEvents(before, after),
    ...changeEvents(before, after),
    ...progressEvents(before, after),
    ...originEvents(before?.origins ?? [], after.origins ?? []),
    ...degradedEvents(before, after),
  ];
}

function changed(
  before: EdgeClusterStatus | undefined,
  after: EdgeClusterStatus,
  type: Condition['type'],
): { readonly was: Condition | undefined; readonly is: Condition } | undefined {
  const was = conditionOf(before?.conditions, type);
  const is = conditionOf(after.conditions, type);
  return is === undefined || (was?.status === is.status && was.reason === is.reason) ? undefined : { was, is };
}

function configEvents(before: EdgeClusterStatus | undefined, after: EdgeClusterStatus): Notice[] {
  const was = conditionOf(before?.conditions, 'ConfigValid');
  const is = conditionOf(after.conditions, 'ConfigValid');
  if (is?.status === 'False')
    return was?.message === is.message ? [] : [{ type: 'Warning', reason: is.reason, message: is.message }];
  return was?.status === 'False'
    ? [{ type: 'Normal', reason: 'ConfigValid', message: 'the configuration is valid again' }]
    : [];
}

function availableEvents(before: EdgeClusterStatus | undefined, after: EdgeClusterStatus): Notice[] {
  const change = changed(before, after, 'Available');
  if (change === undefined) return [];
  const { was, is } = change;
  if (is.status === 'True')
    return was?.status === 'True' ? [] : [{ type: 'Normal', reason: 'Available', message: is.message }];
  if (is.reason === 'ScaledToZero') return [{ type: 'Normal', reason: is.reason, message: is.message }];
  return was?.status === 'True' ? [{ type: 'Warning', reason: is.reason, message: is.message }] : [];
}

/** A configuration that somebody asked for; one that follows origins is no news. */
function changeEvents(before: EdgeClusterStatus | undefined, after: EdgeClusterStatus): Notice[] {
  if (before?.configHash === undefined || before.configHash === after.configHash) return [];
  const wasTried = conditionOf(before.conditions, 'Progressing')?.reason === 'ConfigCanary';
  if (before.observedGeneration === after.observedGeneration && !wasTried) return [];
  const message = `configuration ${after.configHash} is on its way to the edges`;
  return [{ type: 'Normal', reason: 'ConfigChanged', message }];
}

/** Pods that are being made, taken or replaced, and that all have been replaced. */
function progressEvents(before: EdgeClusterStatus | undefined, after: EdgeClusterStatus): Notice[] {
  const change = changed(before, after, 'Progressing');
  if (before === undefined || change === undefined) return [];
  const { was, is } = change;
  const isScaling = is.reason === 'ScalingUp' || is.reason === 'ScalingDown';
  if (isScaling || is.reason === 'ConfigCanary' || (is.reason === 'RollingOut' && isMixed(after)))
    return [{ type: 'Normal', reason: is.reason, message: is.message }];
  const { readyReplicas = 0 } = after;
  const isOver = was?.reason === 'RollingOut' && isMixed(before) && !isMixed(after) && is.reason !== 'RolloutStuck';
  if (!isOver) return [];
  const message = `all edges have the new pod template, ${plural(readyReplicas, 'edge')} ready`;
  return [{ type: 'Normal', reason: 'RolledOut', message }];
}

/** Whether some pods have a former template. */
function isMixed({ updatedReplicas = 0, replicas = 0 }: EdgeClusterStatus): boolean {
  return updatedReplicas < replicas;
}

function originEvents(before: readonly OriginStatus[], after: readonly OriginStatus[]): Notice[] {
  const key = ({ group, server }: OriginStatus) => `${group}/${server}`;
  const former = new Map(before.map((origin) => [key(origin), origin]));
  return after.flatMap((origin): Notice[] => {
    const was = former.get(key(origin))?.state;
    if (origin.state === 'Down' && was !== 'Down')
      return [{ type: 'Warning', reason: 'OriginDown', message: `${describeOrigin(origin)} cannot be reached` }];
    if (origin.state === 'Up' && was === 'Down')
      return [{ type: 'Normal', reason: 'OriginUp', message: `${key(origin)} can be reached again` }];
    return [];
  });
}

/** Origins that go down and what is wrong with the configuration have events of their own. */
const toldElsewhere: ReadonlySet<string> = new Set(['OriginDown', 'ConfigInvalid', 'AsExpected']);

function degradedEvents(before: EdgeClusterStatus | undefined, after: EdgeClusterStatus): Notice[] {
  const change = changed(before, after, 'Degraded');
  if (change === undefined) return [];
  const { was, is } = change;
  if (!toldElsewhere.has(is.reason)) return [{ type: 'Warning', reason: is.reason, message: is.message }];
  // Origins that no edge has tried yet may be down.
  const isKnown = conditionOf(after.conditions, 'OriginsReachable')?.status === 'True';
  const isOver = is.reason === 'AsExpected' && was?.status === 'True' && !toldElsewhere.has(was.reason) && isKnown;
  return isOver ? [{ type: 'Normal', reason: 'Recovered', message: 'all is as it should be again' }] : [];
}
