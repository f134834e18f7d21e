/** EdgeClusters as a tree: each below the one that its edges pull from. */

/** `namespace/name` of EdgeClusters → those that they name as origins. */
export type Above = ReadonlyMap<string, readonly string[]>;

export interface Placed {
  /** `namespace/name` */
  readonly cluster: string;
  /** 0: none of those in the list is above it. */
  readonly depth: number;
}

/**
 * Those below directly behind the one above, otherwise in the order given. Who has several above is behind the first.
 */
export function treeOrder(clusters: readonly string[], above: Above): Placed[] {
  const listed = new Set(clusters);
  const parentOf = (cluster: string) => above.get(cluster)?.find((one) => listed.has(one) && one !== cluster);
  const below = Map.groupBy(clusters, parentOf);
  const placed = new Map<string, number>();
  const place = (cluster: string, depth: number): void => {
    if (placed.has(cluster)) return;
    placed.set(cluster, depth);
    for (const one of below.get(cluster) ?? []) place(one, depth + 1);
  };
  for (const root of below.get(undefined) ?? []) place(root, 0);
  // A circle, which the operator refuses, has no root.
  for (const cluster of clusters) place(cluster, 0);
  return [...placed].map(([cluster, depth]) => ({ cluster, depth }));
}
