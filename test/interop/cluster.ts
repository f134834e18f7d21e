/**
 * Origins and edges of ours for interoperability tests: real processes, ended with the test.
 */

import { EdgeProcess } from '../support/edge-process.ts';
import type { Cleaner } from '../support/programs.ts';

export interface ServerOptions {
  /** Directives of the default vhost. */
  readonly vhost?: string;
  /** Directives of the top level, further vhosts among them. */
  readonly top?: string;
}

/** Reading at intervals is for cost; players and publishers of these tests want their frames soon. */
const soon = 'play { mw_latency 50; }';

export async function startOrigin(cleaner: Cleaner, options: ServerOptions = {}): Promise<EdgeProcess> {
  return start(cleaner, 'mode local;', { vhost: soon, ...options });
}

/** @param origins what listens on 127.0.0.1; the first one listed is asked first */
export async function startEdge(
  cleaner: Cleaner,
  origins: readonly (EdgeProcess | { readonly port: number })[],
  options: ServerOptions = {},
): Promise<EdgeProcess> {
  const addresses = origins.map((origin) => `127.0.0.1:${portOf(origin)}`).join(' ');
  return start(cleaner, `mode remote; origin ${addresses};`, { vhost: soon, ...options });
}

async function start(cleaner: Cleaner, cluster: string, { vhost = '', top = '' }: ServerOptions): Promise<EdgeProcess> {
  const edge = await EdgeProcess.start(
    `listen 127.0.0.1:0; inotify_auto_reload off; ${top}
    vhost __defaultVhost__ { cluster { ${cluster} } ${vhost} }`,
  );
  cleaner.after(() => edge.kill());
  return edge;
}

function portOf(server: EdgeProcess | { readonly port: number }): number {
  return server instanceof EdgeProcess ? server.port() : server.port;
}

/** Resolves when a server has been asked by a player (client or edge) for a stream. */
export async function askedToPlay(server: EdgeProcess, stream: string): Promise<void> {
  await server.logged(({ msg, stream: name }) => msg === 'play' && String(name).endsWith(`/${stream}`));
}

/** Resolves when a server has taken a publisher (client or edge) of a stream. */
export async function askedToPublish(server: EdgeProcess, stream: string, since = 0): Promise<void> {
  await server.logged(({ msg, stream: name }) => msg === 'publish' && String(name).endsWith(`/${stream}`), since);
}
