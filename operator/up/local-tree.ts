/**
 * EdgeClusters of one manifest on this machine. Those that name others as their origins pull from the edges of these,
 * wherever they listen at the moment.
 */

import { join } from 'node:path';
import { nameOf, namespaceOf } from '../api/labels.ts';
import { loopMessage, parentKeys, parentLoop } from '../api/parents.ts';
import type { EdgeCluster, OriginGroup } from '../api/types.ts';
import { LocalCluster, type LocalOptions } from './local-cluster.ts';

/** Edges of two EdgeClusters are numbered so far from each other: the numbers say which ports are tried first. */
const numbersOfCluster = 10;

export class LocalTree {
  readonly #options: Omit<LocalOptions, 'above' | 'firstNumber'>;
  /** By `namespace/name`, those above first. */
  readonly #clusters = new Map<string, LocalCluster>();
  /** Where the edges were that those below were told of last. */
  #told = '';

  private constructor(options: Omit<LocalOptions, 'above' | 'firstNumber'>) {
    this.#options = options;
  }

  /** @param clusters as `treeOf` gives them. Throws when one cannot be rendered here, or an edge does not start. */
  static async start(
    clusters: readonly EdgeCluster[],
    options: Omit<LocalOptions, 'above' | 'firstNumber'>,
  ): Promise<LocalTree> {
    checkOrigins(clusters, options.origins);
    const tree = new LocalTree(options);
    try {
      for (const [i, cluster] of clusters.entries()) {
        const { directory } = options;
        const own = {
          ...options,
          // One alone has the directory for itself.
          directory: clusters.length === 1 ? directory : join(directory, nameOf(cluster)),
          above: (group: OriginGroup) => tree.#addressesOf(group, namespaceOf(cluster)),
          firstNumber: i * numbersOfCluster,
        };
        tree.#clusters.set(keyOf(cluster), await LocalCluster.start(cluster, own));
      }
    } catch (error) {
      await tree.stop();
      throw error;
    }
    tree.#told = tree.#places();
    return tree;
  }

  /** Those above first. */
  get clusters(): readonly LocalCluster[] {
    return [...this.#clusters.values()];
  }

  /**
   * Runs what changed EdgeClusters ask for; resolves with what was done, in words. Throws when one cannot be rendered
   * here, or when there are others than before.
   */
  async apply(clusters: readonly EdgeCluster[]): Promise<string> {
    checkOrigins(clusters, this.#options.origins);
    if (clusters.map(keyOf).toSorted().join() !== [...this.#clusters.keys()].toSorted().join())
      throw new Error('the manifest has other EdgeClusters than before; end this and start again');
    const done: string[] = [];
    for (const cluster of clusters) {
      const what = await this.#clusters.get(keyOf(cluster))?.apply(cluster);
      done.push(clusters.length === 1 ? `${what}` : `${nameOf(cluster)}: ${what}`);
    }
    this.#told = this.#places();
    return done.join('\n');
  }

  /** Tells those below where the edges above are now. */
  async follow(): Promise<void> {
    const places = this.#places();
    if (places === this.#told) return;
    this.#told = places;
    for (const local of this.#clusters.values()) await local.apply(local.cluster);
  }

  /** Ends all edges at once. */
  async stop(): Promise<void> {
    await Promise.all(this.clusters.map((local) => local.stop()));
  }

  #places(): string {
    return JSON.stringify(this.clusters.map(({ edges }) => edges.map(({ addresses }) => addresses)));
  }

  /** Undefined: the group names no EdgeCluster of the manifest. */
  #addressesOf({ name: group, edgeCluster, tls }: OriginGroup, ownNamespace: string): readonly string[] | undefined {
    if (edgeCluster === undefined) return undefined;
    const { name, namespace = ownNamespace } = edgeCluster;
    const above = this.#clusters.get(`${namespace}/${name}`);
    return above?.edges.map(({ addresses: { rtmp, rtmps } }) => {
      if (tls === undefined) return rtmp;
      if (rtmps !== undefined) return rtmps;
      throw new Error(`origin group ${group} has tls, and EdgeCluster ${name} has no spec.listeners.rtmps`);
    });
  }
}

/**
 * The EdgeClusters to run, those above first: the one called `name` and those above it, or else all, where each has to
 * do with another. Undefined: it is open which. Throws for a circle.
 */
export function treeOf(all: readonly EdgeCluster[], name: string | undefined): readonly EdgeCluster[] | undefined {
  const found = new Map(all.map((cluster) => [keyOf(cluster), cluster]));
  const ordered = new Set<EdgeCluster>();
  const add = (cluster: EdgeCluster): void => {
    const loop = parentLoop(cluster, (key) => found.get(key));
    if (loop !== undefined) throw new Error(`${nameOf(cluster)}: ${loopMessage(loop)}`);
    for (const key of namedIn(cluster)) {
      const above = found.get(key);
      if (above !== undefined && !ordered.has(above) && above !== cluster) add(above);
    }
    ordered.add(cluster);
  };
  const asked = name === undefined ? all : all.filter((cluster) => nameOf(cluster) === name);
  for (const cluster of asked) add(cluster);
  if (name !== undefined || all.length === 1) return [...ordered];
  const named = new Set(all.flatMap(namedIn));
  const belongs = (cluster: EdgeCluster) => named.has(keyOf(cluster)) || namedIn(cluster).some((key) => found.has(key));
  return all.every(belongs) ? [...ordered] : undefined;
}

/** EdgeClusters that it names as the tier above. */
function namedIn(cluster: EdgeCluster): readonly string[] {
  const origins = cluster.spec.origins.filter(({ edgeCluster }) => edgeCluster !== undefined);
  return parentKeys({ ...cluster, spec: { ...cluster.spec, origins } });
}

function keyOf(cluster: EdgeCluster): string {
  return `${namespaceOf(cluster)}/${nameOf(cluster)}`;
}

/** Throws for a group that is given origins and that no EdgeCluster has. */
function checkOrigins(clusters: readonly EdgeCluster[], origins: ReadonlyMap<string, readonly string[]>): void {
  const known = new Set(clusters.flatMap(({ spec }) => spec.origins.map(({ name }) => name)));
  for (const group of origins.keys())
    if (!known.has(group)) throw new Error(`--origin ${group}: spec.origins has ${[...known].join(', ')}`);
}
