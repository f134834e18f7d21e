/** How many edges clients need, by the targets of the manifest. Pure. */

import { CLIENT_TARGETS, type ClientTarget, headroomPercentOf } from '../../api/autoscaling.ts';
import type { Autoscaling } from '../../api/types.ts';
import type { EdgeFigures } from '../edges/report.ts';

/** What there is of clients, of all edges together. */
export type Clients = Pick<EdgeFigures, 'players' | 'publishers' | 'sentKbps'>;

export interface Need {
  readonly edges: number;
  /** The target that asks for so many. */
  readonly target: ClientTarget;
  /** Whether room is left for as many as the last minute brought, as that is more than `headroomPercent`. */
  readonly isRush: boolean;
}

const figureOf: Readonly<Record<ClientTarget, keyof Clients>> = {
  playersPerPod: 'players',
  publishersPerPod: 'publishers',
  sentKbpsPerPod: 'sentKbps',
};

/**
 * Of several targets the one that asks for the most edges; undefined: clients are no target.
 * @param before the clients of a minute ago; undefined: that is not known
 */
export function needOf(clients: Clients, before: Clients | undefined, autoscaling: Autoscaling): Need | undefined {
  const needs = CLIENT_TARGETS.flatMap((target): Need[] => {
    const perPod = autoscaling.targets[target];
    if (perPod === undefined) return [];
    const now = clients[figureOf[target]];
    const joins = before === undefined ? 0 : now - before[figureOf[target]];
    const percent = headroomPercentOf(autoscaling);
    const isRush = joins * 100 > now * percent;
    // In whole numbers as far as it goes: what fits exactly must not need one more.
    const edges = isRush ? (now + joins) / perPod : (now * (100 + percent)) / (100 * perPod);
    return [{ edges: Math.ceil(edges), target, isRush }];
  });
  return needs.toSorted((a, b) => b.edges - a.edges)[0];
}
