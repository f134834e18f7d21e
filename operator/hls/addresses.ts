/**
 * The addresses of origins, for nginx, which looks names up only when it starts. A name that cannot be looked up keeps
 * the addresses that it had. Where none of a group's servers can be reached, the DNS name of its Service is looked up:
 * so caches find origins that have moved while no operator runs.
 */
import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import type { HlsGroup } from '../render/hls/upstreams.ts';

export interface Network {
  /** All addresses of a name. Rejects where it has none. */
  readonly lookUp: (name: string) => Promise<readonly string[]>;
  /** Whether somebody listens. */
  readonly reaches: (host: string, port: number) => Promise<boolean>;
}

const patienceMs = 1_000;

export const network: Network = {
  lookUp: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
  reaches: (host, port) =>
    new Promise((resolve) => {
      const socket = connect({ host, port, timeout: patienceMs });
      const end = (reached: boolean) => {
        socket.destroy();
        resolve(reached);
      };
      socket.once('connect', () => end(true));
      socket.once('error', () => end(false));
      socket.once('timeout', () => end(false));
    }),
};

export class Addresses {
  readonly #network: Network;
  /** By `host:port`, as they were last looked up. */
  readonly #known = new Map<string, readonly string[]>();

  constructor(network: Network) {
    this.#network = network;
  }

  /** `address:port` of each group, in the order of its servers; IPv6 in brackets. */
  async of(groups: readonly HlsGroup[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const found = groups.map(async (group) => [group.name, await this.#ofGroup(group)] as const);
    return new Map(await Promise.all(found));
  }

  async #ofGroup({ servers, lastResort }: HlsGroup): Promise<readonly string[]> {
    const listed = await this.#ofServers(servers);
    if (lastResort === undefined || servers.includes(lastResort)) return listed;
    const reached = await Promise.all(listed.map((server) => this.#network.reaches(...parts(server))));
    if (reached.some(Boolean)) return listed;
    const others = await this.#ofServers([lastResort]);
    return others.length > 0 ? others : listed;
  }

  async #ofServers(servers: readonly string[]): Promise<readonly string[]> {
    const found = await Promise.all(servers.map((server) => this.#ofServer(server)));
    return [...new Set(found.flat())];
  }

  async #ofServer(server: string): Promise<readonly string[]> {
    const [host, port] = parts(server);
    if (isIP(host) !== 0) return [server];
    const addresses = await this.#network.lookUp(host).catch(() => undefined);
    if (addresses !== undefined && addresses.length > 0)
      this.#known.set(
        server,
        // The order is the resolver's, which takes turns.
        addresses.map((address) => `${isIP(address) === 6 ? `[${address}]` : address}:${port}`).toSorted(),
      );
    return this.#known.get(server) ?? [];
  }
}

function parts(server: string): [string, number] {
  const at = server.lastIndexOf(':');
  return [server.slice(0, at).replace(/^\[|\]$/g, ''), Number(server.slice(at + 1))];
}
