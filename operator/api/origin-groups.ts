/** Groups of origins: servers that are listed, a Service, or the edges of another EdgeCluster, its parent. */
import { headlessNameFor } from './labels.ts';
import type { OriginGroup, OriginService } from './types.ts';

/**
 * The Service whose endpoints are the origins: the one that the group names, or the headless one of its parent.
 * Undefined: the group lists servers.
 */
export function followedService({ service, edgeCluster, tls }: OriginGroup): OriginService | undefined {
  if (edgeCluster === undefined) return service;
  const { name, ...rest } = edgeCluster;
  return { name: headlessNameFor(name), ...rest, port: tls === undefined ? 'rtmp' : 'rtmps' };
}

/** How an origin is chosen for a stream: edges of a parent by hash, so that a whole tier meets at the same one. */
export function balanceOf({ edgeCluster, balance }: OriginGroup): NonNullable<OriginGroup['balance']> {
  return balance ?? (edgeCluster === undefined ? 'RoundRobin' : 'StreamHash');
}
