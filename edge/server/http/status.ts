/**
 * What the page shows, and whoever watches an edge at a glance: streams, players, origins, and the gap at the last
 * switch (`/edge/status.json`).
 */

import { streamKey, streamUrl } from '../../stream/name.ts';
import { version } from '../../version.ts';
import { isEdge } from '../clients.ts';
import type { Gateway } from '../gateway.ts';
import type { HttpDeps } from './deps.ts';
import { contentFigures, flvPath, streamEntries } from './figures.ts';
import type { Traffic } from './traffic.ts';

/** Streams listed at most: a page is no place for more. */
const streamsMax = 200;

/** @param host the request's host name: the paths in the answer work with it */
export function status(gateway: Gateway, deps: HttpDeps, traffic: Traffic, host: string): object {
  traffic.collect();
  const entries = streamEntries(gateway.hub);
  const roles = countRoles(gateway);
  return {
    server: gateway.serverId,
    version,
    draining: gateway.draining,
    players: roles.play,
    publishers: roles.publish,
    kbps: traffic.total.kbps,
    streams_total: entries.length,
    streams: entries.slice(0, streamsMax).map(({ name, live, published }) => ({
      name: streamUrl(name),
      play: flvPath(gateway, name, host) ?? null,
      state: live?.source?.state ?? 'pushed',
      origin: live?.source?.origin ?? published?.publication.origin ?? null,
      players: live?.playerCount ?? 0,
      published_here: published !== undefined,
      switches: live?.stats.splices ?? 0,
      last_gap_ms: live?.stats.lastSpliceGapMs === undefined ? null : Math.round(live.stats.lastSpliceGapMs),
      ...contentFigures(live ?? published?.publication.content),
      kbps: traffic.ofStream(streamKey(name)).kbps,
    })),
    origins: deps.origins().map(({ name, state, reason, connections }) => ({ name, state, reason, connections })),
  };
}

export interface RoleCounts {
  readonly play: number;
  /** Of those who play, edges of a tier below. */
  readonly edges: number;
  readonly publish: number;
}

/** Clients by what they do. */
export function countRoles({ clients }: Gateway): RoleCounts {
  let play = 0;
  let edges = 0;
  let publish = 0;
  for (const client of clients.values()) {
    if (client.role === 'play') play++;
    if (client.role === 'play' && isEdge(client)) edges++;
    if (client.role === 'publish') publish++;
  }
  return { play, edges, publish };
}
