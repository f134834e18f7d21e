/**
 * What the page shows, and whoever watches an edge at a glance: streams, players, origins, and the gap at the last
 * switch. `/edge/status.json` answers it to everybody where `page_figures` is on, the API (`status`) to those who may read.
 */

import { version } from '../../version.ts';
import type { Gateway } from '../gateway.ts';
import type { HttpDeps } from './deps.ts';
import { streamCount } from './figures.ts';
import type { StreamList, StreamQuery } from './stream-list.ts';
import type { Traffic } from './traffic.ts';

export class Status {
  readonly #gateway: Gateway;
  readonly #deps: HttpDeps;
  readonly #traffic: Traffic;
  readonly #streams: StreamList;

  constructor(gateway: Gateway, deps: HttpDeps, traffic: Traffic, streams: StreamList) {
    this.#gateway = gateway;
    this.#deps = deps;
    this.#traffic = traffic;
    this.#streams = streams;
  }

  /** @param host the request's host name: the paths in the answer work with it */
  async read(query: StreamQuery, host: string): Promise<object> {
    const roles = await this.#traffic.collect();
    const { matching, streams } = await this.#streams.read(query, host);
    const { serverId, draining, hub } = this.#gateway;
    return {
      server: serverId,
      version,
      now_ms: Date.now(),
      draining,
      players: roles.play,
      publishers: roles.publish,
      kbps: this.#traffic.total.kbps,
      streams_total: streamCount(hub),
      streams_matching: matching,
      streams,
      origins: this.#deps.origins().map(({ name, state, reason, connections, sinceMs: since_ms }) => {
        return { name, state, reason, connections, since_ms };
      }),
    };
  }
}
