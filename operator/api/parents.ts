/**
 * EdgeClusters that are origins of another one: its parents. Where a stream's way up comes back to where it began,
 * edges would ask each other for it for ever.
 */

import { namespaceOf } from './labels.ts';
import type { EdgeCluster, OriginGroup, Vhost } from './types.ts';

/** Of a key `namespace/name`. */
export type ClusterLookup = (key: string) => EdgeCluster | undefined;

/** Keys of EdgeClusters whose Services the origins may be, whether those exist or not. */
export function parentKeys(cluster: EdgeCluster): string[] {
  return [...new Set(cluster.spec.origins.flatMap((group) => parentsOf(group, namespaceOf(cluster))))];
}

/**
 * The way of the first vhost whose streams would come back to it: keys of EdgeClusters, this one first and last.
 * Undefined: there is none. Two EdgeClusters may be each other's parents for different vhosts.
 */
export function parentLoop(cluster: EdgeCluster, lookUp: ClusterLookup): readonly string[] | undefined {
  for (const start of cluster.spec.vhosts) {
    const way = wayBack({ cluster, vhost: start }, start.name, new Set(), start, cluster, lookUp);
    if (way !== undefined) return [keyOf(cluster), ...way];
  }
  return undefined;
}

/** Vhosts that ask a parent for one that it does not serve. `__defaultVhost__`: for any name. */
export function vhostsUnserved(
  { spec }: EdgeCluster,
  { name: group }: OriginGroup,
  parent: EdgeCluster,
): { readonly vhost: string; readonly asked: string }[] {
  return spec.vhosts
    .filter(({ origin = spec.origins[0]?.name }) => origin === group)
    .map((vhost) => ({ vhost: vhost.name, asked: askedBy(vhost, vhost.name) }))
    .filter(({ asked }) => vhostFor(parent, asked) === undefined);
}

/** The vhost that origins are asked for. */
function askedBy({ transform = '[vhost]' }: Vhost, vhost: string): string {
  return transform.replaceAll('[vhost]', vhost);
}

/** What is said of such a way. */
export function loopMessage(way: readonly string[]): string {
  return `spec.origins: EdgeClusters are each other's origins: ${way.join(' → ')}; give one of them other origins`;
}

interface Place {
  readonly cluster: EdgeCluster;
  readonly vhost: Vhost;
}

/**
 * @param asked the vhost that the stream is asked for
 * @param passed vhosts that have been looked at
 */
function wayBack(
  { cluster, vhost }: Place,
  asked: string,
  passed: Set<Vhost>,
  start: Vhost,
  home: EdgeCluster,
  lookUp: ClusterLookup,
): readonly string[] | undefined {
  const { origins } = cluster.spec;
  const group = vhost.origin === undefined ? origins[0] : origins.find(({ name }) => name === vhost.origin);
  if (group === undefined) return undefined;
  const next = askedBy(vhost, asked);
  for (const key of parentsOf(group, namespaceOf(cluster))) {
    const parent = key === keyOf(home) ? home : lookUp(key);
    const up = parent && vhostFor(parent, next);
    if (parent === undefined || up === undefined) continue;
    if (parent === home && up === start) return [key];
    if (passed.has(up)) continue;
    passed.add(up);
    const way = wayBack({ cluster: parent, vhost: up }, next, passed, start, home, lookUp);
    if (way !== undefined) return [key, ...way];
  }
  return undefined;
}

function vhostFor({ spec }: EdgeCluster, asked: string): Vhost | undefined {
  return spec.vhosts.find(({ name }) => name === asked) ?? spec.vhosts.find(({ name }) => name === '__defaultVhost__');
}

/** A Service of ours has the name of its EdgeCluster, or that with `-edges` behind it. */
function parentsOf({ service, edgeCluster, servers = [] }: OriginGroup, ownNamespace: string): string[] {
  if (edgeCluster !== undefined) return [`${edgeCluster.namespace ?? ownNamespace}/${edgeCluster.name}`];
  const named = service === undefined ? [] : [{ name: service.name, namespace: service.namespace ?? ownNamespace }];
  return [...named, ...servers.flatMap((server) => hostOf(server, ownNamespace))].flatMap(({ name, namespace }) => {
    const parent = name.replace(/-edges$/, '');
    return parent === name ? [`${namespace}/${name}`] : [`${namespace}/${name}`, `${namespace}/${parent}`];
  });
}

/** A DNS name of a Service, `name[.namespace[.svc[.cluster.local]]]` with or without a port. */
function hostOf(server: string, ownNamespace: string): { readonly name: string; readonly namespace: string }[] {
  const host = server.replace(/:\d+$/, '').replace(/\.$/, '').toLowerCase();
  const match = /^([a-z0-9-]+)(?:\.([a-z0-9-]+)(?:\.svc(?:\.cluster\.local)?)?)?$/.exec(host);
  return match?.[1] === undefined ? [] : [{ name: match[1], namespace: match[2] ?? ownNamespace }];
}

function keyOf(cluster: EdgeCluster): string {
  return `${namespaceOf(cluster)}/${cluster.metadata.name}`;
}
