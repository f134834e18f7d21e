/**
 * Where the origins behind the Services of one EdgeCluster were found last: what its edges go on with while a Service
 * shows no endpoint. It outlives the operator: the edge.conf in force names the addresses.
 */

import { type Directive, parseTree } from '../../../edge/conf/grammar.ts';
import { namespaceOf } from '../../api/labels.ts';
import { followedService } from '../../api/origin-groups.ts';
import type { EdgeCluster, OriginGroup } from '../../api/types.ts';
import { dnsNameOf, type OriginSources, type ResolvedOrigins } from './discovery.ts';

export class LastOrigins {
  /** By what a group names, so that another Service does not get the addresses of the former one. */
  readonly #addresses = new Map<string, readonly string[]>();
  readonly #lookups = new Map<string, readonly string[]>();
  #isRecalled = false;

  /** Groups of which something is known, to see that nothing is kept. */
  get size(): number {
    return this.#addresses.size;
  }

  /** What is known of an EdgeCluster's groups, for `resolveOrigins`. */
  sourcesFor(cluster: EdgeCluster): Required<Pick<OriginSources, 'last' | 'lastLookups'>> {
    return {
      last: (group) => this.#addresses.get(keyOf(cluster, group)) ?? [],
      lastLookups: (group) => this.#lookups.get(keyOf(cluster, group)) ?? [],
    };
  }

  /**
   * Takes what another operator had found. Only the first call does anything: later ones could meet a spec that is not
   * the one that the edge.conf was made from.
   * @param conf the edge.conf in force; empty: there is none
   */
  recall(cluster: EdgeCluster, conf: () => string): void {
    if (this.#isRecalled) return;
    this.#isRecalled = true;
    if (cluster.spec.origins.every((group) => followedService(group) === undefined)) return;
    for (const { group, addresses, lookups } of originsIn(conf(), cluster)) {
      if (addresses.length > 0) this.#addresses.set(keyOf(cluster, group), addresses);
      if (lookups.length > 0) this.#lookups.set(keyOf(cluster, group), lookups);
    }
  }

  /** Takes what was found just now; of what was not found the former addresses stay. */
  found(cluster: EdgeCluster, { origins, lookups, problems }: ResolvedOrigins): void {
    for (const group of cluster.spec.origins) {
      const addresses = origins.get(group.name);
      if (followedService(group) === undefined || addresses === undefined) continue;
      if (problems.some((problem) => problem.group === group.name && !problem.isFound)) continue;
      this.#addresses.set(keyOf(cluster, group), addresses);
      this.#lookups.set(keyOf(cluster, group), lookups.get(group.name) ?? []);
    }
  }

  /** Forgets what the EdgeCluster names no more. */
  retain(cluster: EdgeCluster): void {
    const named = new Set(cluster.spec.origins.map((group) => keyOf(cluster, group)));
    for (const known of [this.#addresses, this.#lookups]) {
      for (const key of known.keys()) if (!named.has(key)) known.delete(key);
    }
  }
}

function keyOf(cluster: EdgeCluster, group: OriginGroup): string {
  const { namespace = namespaceOf(cluster), name, port } = followedService(group) ?? {};
  return `${namespace}/${name}:${port}`;
}

interface OriginsOfGroup {
  readonly group: OriginGroup;
  readonly addresses: readonly string[];
  readonly lookups: readonly string[];
}

/** What an edge.conf names for the groups that follow a Service and that a vhost uses. */
function originsIn(conf: string, cluster: EdgeCluster): OriginsOfGroup[] {
  const { directives } = parseTree(conf, 'edge.conf');
  const vhosts = new Map(directives.filter(({ name }) => name === 'vhost').map((vhost) => [wordsOf(vhost)[0], vhost]));
  return cluster.spec.vhosts.flatMap(({ name, origin }): OriginsOfGroup[] => {
    const { origins } = cluster.spec;
    const group = origin === undefined ? origins[0] : origins.find((one) => one.name === origin);
    const service = group && followedService(group);
    if (group === undefined || service === undefined) return [];
    const standIn = `${dnsNameOf(service, namespaceOf(cluster))}:`;
    const vhost = vhosts.get(name);
    const addresses = serversIn(vhost, 'cluster', 'origin').filter((address) => !address.startsWith(standIn));
    return [{ group, addresses, lookups: serversIn(vhost, 'edge', 'origin_lookup') }];
  });
}

/** The `host:port`s of a directive in a block of a vhost, without the scheme. */
function serversIn(vhost: Directive | undefined, block: string, directive: string): string[] {
  return children(children([vhost], block), directive)
    .flatMap(wordsOf)
    .map((address) => address.replace(/^rtmps:\/\//, ''));
}

function children(parents: readonly (Directive | undefined)[], wanted: string): Directive[] {
  return parents.flatMap((parent) => parent?.children ?? []).filter(({ name }) => name === wanted);
}

function wordsOf({ args }: Directive): string[] {
  return args.map(({ text }) => text);
}
