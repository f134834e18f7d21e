/**
 * Origins and edges of ours for interoperability tests: real processes, ended with the test.
 */

import { EdgeProcess } from '../support/edge-process.ts';
import type { Cleaner } from '../support/programs.ts';

export interface ServerOptions {
  /** Directives of the default vhost. */
  readonly vhost?: string;
  /** Further vhosts with the same cluster, and their directives. */
  readonly vhosts?: Readonly<Record<string, string>>;
  /** Directives of the top level. */
  readonly top?: string;
}

export async function startOrigin(cleaner: Cleaner, options: ServerOptions = {}): Promise<EdgeProcess> {
  return start(cleaner, 'mode local;', options);
}

/** An origin on 127.0.0.1, or its address as the configuration has it. */
export type OriginServer = EdgeProcess | { readonly port: number } | string;

/** @param origins the first one listed is asked first */
export async function startEdge(
  cleaner: Cleaner,
  origins: readonly OriginServer[],
  options: ServerOptions = {},
): Promise<EdgeProcess> {
  const addresses = origins.map(addressOf).join(' ');
  return start(cleaner, `mode remote; origin ${addresses};`, options);
}

export interface Chain {
  readonly origin: EdgeProcess;
  /** Has the origin for its origin. */
  readonly upper: EdgeProcess;
  /** Has the upper edge for its origin. */
  readonly lower: EdgeProcess;
}

/** An origin and two edges in a row. Their vhost `quick.test` has `min_latency on`; the default one merges writes. */
export async function startChain(cleaner: Cleaner): Promise<Chain> {
  const options = { vhosts: { 'quick.test': 'min_latency on; tcp_nodelay on;' } };
  const origin = await startOrigin(cleaner, options);
  const upper = await startEdge(cleaner, [origin], options);
  const lower = await startEdge(cleaner, [upper], options);
  return { origin, upper, lower };
}

/** What has to be the same however frames are written: the query of a stream that has it so, and a title for tests. */
export const writings = [
  { title: 'merged writes', query: '' },
  { title: 'min_latency on', query: '?vhost=quick.test' },
] as const;

async function start(cleaner: Cleaner, clusterMode: string, options: ServerOptions): Promise<EdgeProcess> {
  const { vhost = '', vhosts = {}, top = '' } = options;
  const blocks = Object.entries({ __defaultVhost__: vhost, ...vhosts }).map(
    ([name, directives]) => `vhost ${name} { cluster { ${clusterMode} } ${directives} }`,
  );
  const edge = await EdgeProcess.start(`listen 127.0.0.1:0; inotify_auto_reload off; ${top} ${blocks.join(' ')}`);
  // Many tests wait for its log at the same time.
  edge.child.setMaxListeners(0);
  cleaner.after(() => edge.kill());
  return edge;
}

function addressOf(server: OriginServer): string {
  if (typeof server === 'string') return server;
  return `127.0.0.1:${server instanceof EdgeProcess ? server.port() : server.port}`;
}

/**
 * Resolves when a server has been asked by a player (client or edge) for a stream.
 * @param query that of the stream's URL: tells streams of one name in two vhosts apart
 */
export async function askedToPlay(server: EdgeProcess, stream: string, query = ''): Promise<void> {
  await server.logged((line) => line.msg === 'play' && line.stream === fullName(stream, query));
}

/** Resolves when a server has taken a publisher (client or edge) of a stream. */
export async function askedToPublish(server: EdgeProcess, stream: string, since = 0): Promise<void> {
  await server.logged((line) => line.msg === 'publish' && line.stream === fullName(stream, ''), since);
}

function fullName(stream: string, query: string): string {
  const vhost = query === '' ? '__defaultVhost__' : query.slice('?vhost='.length);
  return `${vhost}/live/${stream}`;
}
