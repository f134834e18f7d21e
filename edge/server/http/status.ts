/**
 * What the page shows, and whoever watches an edge at a glance: streams, players, origins, and the gap at the last
 * switch (`/edge/status.json`).
 */

import { streamKey, streamUrl } from '../../stream/name.ts';
import { version } from '../../version.ts';
import type { Gateway } from '../gateway.ts';
import type { HttpDeps } from './deps.ts';
import { contentFigures, flvPath, streamCount, streamEntries } from './figures.ts';
import { inTurns, part } from './in-turns.ts';
import type { Traffic } from './traffic.ts';

/** Streams listed at most: a page is no place for more. */
const streamsMax = 200;

/** Streams that are described in one turn of the event loop: about a millisecond's work. */
const perTurn = 25;

/** @param host the request's host name: the paths in the answer work with it */
export async function status(gateway: Gateway, deps: HttpDeps, traffic: Traffic, host: string): Promise<object> {
  const roles = await traffic.collect();
  const { hub } = gateway;
  const streams: object[] = [];
  await inTurns(part(streamEntries(hub), 0, streamsMax), perTurn, ({ name, live, published }) => {
    streams.push({
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
    });
  });
  return {
    server: gateway.serverId,
    version,
    draining: gateway.draining,
    players: roles.play,
    publishers: roles.publish,
    kbps: traffic.total.kbps,
    streams_total: streamCount(hub),
    streams,
    origins: deps.origins().map(({ name, state, reason, connections }) => ({ name, state, reason, connections })),
  };
}
