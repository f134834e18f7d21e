/** What a change of an EdgeCluster costs the clients that are connected, and how it is said. */

/** The least first. Each includes what stands before it. */
export const COSTS = ['nothing', 'reload', 'listeners', 'roll', 'cut'] as const;
export type Cost = (typeof COSTS)[number];

/** For people. */
export const costWords: Readonly<Record<Cost, string>> = {
  nothing: 'nothing',
  reload: 'reload',
  listeners: 'listeners reopened',
  roll: 'pods roll',
  cut: 'clients cut',
};

/** One thing that changes. */
export interface Finding {
  readonly cost: Cost;
  /** `ConfigMap live` */
  readonly object: string;
  /** `vhost a.com: play.gop_cache: on → off` */
  readonly change: string;
  /** What follows for edges and clients; empty where the change says it all. */
  readonly effect: string;
}

/** The cost of all of them together. */
export function greatestCost(findings: readonly Finding[]): Cost {
  return COSTS[Math.max(0, ...findings.map(({ cost }) => COSTS.indexOf(cost)))] ?? 'nothing';
}

export function costliestFirst(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => COSTS.indexOf(b.cost) - COSTS.indexOf(a.cost));
}

export function costsMore(cost: Cost, allowed: Cost): boolean {
  return COSTS.indexOf(cost) > COSTS.indexOf(allowed);
}
