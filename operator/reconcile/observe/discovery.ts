/**
 * Where an EdgeCluster's origins are: the servers it lists, and the pods behind the Services and parents it names. What cannot be
 * found now keeps the addresses that were found last. Where there are none, its DNS name is the address, so that an
 * edge.conf can always be made. Edges also get the DNS names, to find origins by themselves.
 */

import { DEFAULT_HTTP_PORT, httpPortOf, httpServiceOf } from '../../api/http-port.ts';
import { namespaceOf, ORIGINS_FOR } from '../../api/labels.ts';
import { vhostsUnserved } from '../../api/parents.ts';
import type { EdgeCluster, OriginGroup, OriginService } from '../../api/types.ts';
import { addressesOf, bracketed, unique, usableAddresses } from './endpoints.ts';
import { type Followed, followedBy, type ParentLookup, type Words } from './followed.ts';
import type { EndpointsView, OriginServiceView } from './views.ts';

export interface FoundOrigins {
  /** Group → `host:port` of each origin, at least one, none twice; IPv6 in brackets. */
  readonly origins: ReadonlyMap<string, readonly string[]>;
  readonly problems: readonly OriginProblem[];
}

export interface ResolvedOrigins extends FoundOrigins {
  /** Group → `name:port`s that edges look up when none of its origins works. */
  readonly lookups: ReadonlyMap<string, readonly string[]>;
}

export interface OriginProblem {
  readonly reason:
    | 'RefNotPermitted'
    | 'ServiceNotFound'
    | 'ServicePortNotFound'
    | 'NoEndpoints'
    | 'ParentNotFound'
    | 'ParentVhostMissing';
  readonly group: string;
  /** What is wrong and what to do. */
  readonly message: string;
  /** Whether the addresses are those of now all the same. */
  readonly isFound: boolean;
}

export type ServiceLookup = (namespace: string, name: string) => OriginServiceView | undefined;
/** All slices of a Service. */
export type SliceLookup = (namespace: string, service: string) => Iterable<EndpointsView>;

export interface OriginSources {
  readonly service: ServiceLookup;
  readonly slices: SliceLookup;
  /** Default: no EdgeCluster is seen, and nothing is said of parents. */
  readonly parent?: ParentLookup;
  /** Whether Services of a namespace are seen at all; default: all are. */
  readonly watches?: (namespace: string) => boolean;
  /** Whether a Service of another namespace must consent before its endpoints are read; default: it need not. */
  readonly requireConsent?: boolean;
  /** The port of a Service where it is given by a name that cannot be found; default: that of RTMP or RTMPS. */
  readonly fallbackPort?: number;
  /** `host:port` of each endpoint that was found last for what the group names; default: none is known. */
  readonly last?: (group: OriginGroup) => readonly string[];
  /** What edges were last given to look up for what the group names; default: none is known. */
  readonly lastLookups?: (group: OriginGroup) => readonly string[];
}

/** Same objects in any order → same result. */
export function resolveOrigins(cluster: EdgeCluster, sources: OriginSources): ResolvedOrigins {
  const origins = new Map<string, readonly string[]>();
  const lookups = new Map<string, readonly string[]>();
  const problems: OriginProblem[] = [];
  const { parent = () => ({ kind: 'unseen' }) } = sources;
  for (const group of cluster.spec.origins) {
    const followed = followedBy(group, namespaceOf(cluster), parent);
    if (followed === undefined) {
      origins.set(group.name, unique((group.servers ?? []).map((server) => withPort(server, defaultPort(group)))));
      continue;
    }
    const { addresses, lookups: names, problem } = follow(group, followed, namespaceOf(cluster), sources);
    origins.set(group.name, addresses);
    if (names.length > 0) lookups.set(group.name, names);
    const told = problem ?? parentProblem(cluster, group, parent);
    if (told !== undefined) problems.push(told);
  }
  return { origins, lookups, problems };
}

/** The HTTP servers of all groups, which have their HLS; none where no HLS is asked for. */
export function resolveHttpOrigins(cluster: EdgeCluster, sources: OriginSources): FoundOrigins {
  if (cluster.spec.hls === undefined) return { origins: new Map(), problems: [] };
  const origins = cluster.spec.origins.map(({ edgeCluster: _, service: __, ...group }, index): OriginGroup => {
    const service = httpServiceOf(cluster.spec.origins[index] ?? group);
    if (service !== undefined) return { ...group, service };
    return { ...group, servers: (group.servers ?? []).map((server) => `${hostOf(server)}:${httpPortOf(group)}`) };
  });
  const spec = { ...cluster.spec, origins };
  return resolveOrigins({ ...cluster, spec }, { ...sources, last: () => [], fallbackPort: DEFAULT_HTTP_PORT });
}

interface Found {
  readonly addresses: readonly string[];
  readonly lookups: readonly string[];
  readonly problem?: OriginProblem;
}

function follow(
  group: OriginGroup,
  { service: wanted, title, port: likelyPort, absent, notPermitted, noEndpoints, noPort }: Followed,
  ownNamespace: string,
  {
    service: lookUp,
    slices,
    watches = () => true,
    last = () => [],
    lastLookups = () => [],
    requireConsent = false,
    fallbackPort,
  }: OriginSources,
): Found {
  const { name, namespace = ownNamespace, port: wantedPort } = wanted;
  const service = lookUp(namespace, name);
  const port = service?.ports.find((port) => port.port === wantedPort || port.name === wantedPort);
  const number = port?.port ?? (typeof wantedPort === 'number' ? wantedPort : (fallbackPort ?? likelyPort));
  const fallback = (addresses: readonly string[], reason: OriginProblem['reason'], message: string): Found => ({
    addresses,
    lookups: lookupsOf(addresses),
    problem: problemOf(group, reason, message, false),
  });
  const dnsName = dnsNameOf(wanted, ownNamespace);
  const byName = [`${dnsName}:${number}`];
  // The address of a Service has the Service's port. Those of endpoints, which is what DNS has for a headless one, have
  // their own, and DNS does not tell it.
  const lookupsOf = (addresses: readonly string[]): readonly string[] => {
    if (service === undefined) return lastLookups(group).length > 0 ? lastLookups(group) : byName;
    if (service.externalName !== undefined) return [];
    if (!service.headless) return byName;
    return unique(addresses.map((address) => `${dnsName}${address.slice(address.lastIndexOf(':'))}`));
  };
  const lastOr = (other: readonly string[], reason: OriginProblem['reason'], [wrong, remedy]: Words): Found => {
    const known = last(group);
    if (known.length === 0) return fallback(other, reason, `${wrong}; ${remedy}`);
    // Of a pod that is gone the address may be somebody else's by now.
    const listed = new Set(addressesOf([...slices(namespace, name)], port?.name ?? '', number));
    const present = known.filter((address) => listed.has(address));
    const kept = present.length > 0 ? present : known;
    return fallback(kept, reason, `${wrong}, so edges keep the last known addresses, ${shortList(kept)}; ${remedy}`);
  };

  if (!watches(namespace))
    return fallback(
      byName,
      'ServiceNotFound',
      `${title} is in a namespace that the operator does not watch, so its DNS name is used; watch it (--namespaces, or watchNamespaces of the chart), or name servers`,
    );
  // Whether there is such a Service is not for everybody to know either.
  if (requireConsent && namespace !== ownNamespace && !consents(service, ownNamespace))
    return fallback(last(group).length > 0 ? last(group) : byName, 'RefNotPermitted', notPermitted.join('; '));
  if (service === undefined) return lastOr(byName, absent.reason, absent.words);
  const isNumberEnough = service.externalName !== undefined || service.ports.length === 0;
  if (port === undefined && !(isNumberEnough && typeof wantedPort === 'number'))
    return lastOr(
      service.externalName === undefined ? byName : [`${service.externalName}:${number}`],
      'ServicePortNotFound',
      noPort(service),
    );
  if (service.externalName !== undefined)
    return { addresses: [`${bracketed(service.externalName)}:${number}`], lookups: [] };

  const addresses = usableAddresses([...slices(namespace, name)], service.family, port?.name ?? '', number);
  if (addresses.length > 0) return { addresses, lookups: lookupsOf(addresses) };
  return lastOr(byName, 'NoEndpoints', noEndpoints);
}

/** Where the edges of a parent are found: what streams would fail for all the same. */
function parentProblem(cluster: EdgeCluster, group: OriginGroup, parents: ParentLookup): OriginProblem | undefined {
  if (group.edgeCluster === undefined) return undefined;
  const { name, namespace = namespaceOf(cluster) } = group.edgeCluster;
  const title = `EdgeCluster ${namespace}/${name}`;
  const parent = parents(namespace, name);
  if (parent.kind === 'unseen') return undefined;
  if (parent.kind === 'absent') {
    const message = `there is no ${title}, and the edges behind its Service may end at any time; create it, or correct spec.origins[].edgeCluster`;
    return problemOf(group, 'ParentNotFound', message, true);
  }
  const unserved = vhostsUnserved(cluster, group, parent.cluster);
  if (unserved.length === 0) return undefined;
  const asked = unserved.map(({ vhost, asked }) => (vhost === asked ? vhost : `${asked} (for vhost ${vhost})`));
  const message = `${title} does not serve ${shortList(asked)}; add it to its spec.vhosts, or set the transform of the vhost here`;
  return problemOf(group, 'ParentVhostMissing', message, true);
}

function problemOf(
  { name: group }: OriginGroup,
  reason: OriginProblem['reason'],
  message: string,
  isFound: boolean,
): OriginProblem {
  return { reason, group, message: `origin group ${group}: ${message}`, isFound };
}

function consents(service: OriginServiceView | undefined, namespace: string): boolean {
  const allowed = (service?.metadata.annotations?.[ORIGINS_FOR] ?? '').split(',').map((name) => name.trim());
  return allowed.includes(namespace) || allowed.includes('*');
}

/** What stands for a Service whose endpoints were never found. */
export function dnsNameOf({ name, namespace }: OriginService, ownNamespace: string): string {
  return `${name}.${namespace ?? ownNamespace}.svc`;
}

/** The first few of them. */
function shortList(addresses: readonly string[]): string {
  const [shown, more] = [addresses.slice(0, 3).join(', '), addresses.length - 3];
  return more > 0 ? `${shown} and ${more} more` : shown;
}

/** As edges assume it: RTMPS has HTTPS's port. */
function defaultPort(group: OriginGroup): number {
  return group.tls === undefined ? 1935 : 443;
}

/** `host`, `host:port`, `[v6]` or `[v6]:port` → with a port. */
function withPort(server: string, port: number): string {
  return /:\d+$/.test(server.replace(/^\[.*\]/, '')) ? server : `${server}:${port}`;
}

/** Without its port. */
function hostOf(server: string): string {
  return server.replace(/^(\[.*\]|[^:]*)(:\d+)?$/, '$1');
}
