/**
 * A set of listening sockets that follows the configuration by difference: an address that stays keeps its socket.
 */

import { once } from 'node:events';
import type { Server } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { Purpose } from '../budget/connections.ts';
import type { ListenAddress } from '../conf/model.ts';
import { Gate } from './gate.ts';
import type { Gateway } from './gateway.ts';

/**
 * Clients that the system lets in before the edge has seen them. All clients of an edge that died may come at once,
 * or while this one is starved; beyond the queue some of them are reset. The system may lower it (`net.core.somaxconn`);
 * those who wait here cost the edge nothing.
 */
const listenBacklog = 4096;

export interface BoundAddress {
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
}

export class Listeners {
  readonly #protocol: string;
  readonly #gate: Gate;
  readonly #create: () => Server;
  readonly #servers = new Map<string, Server>();

  /** @param purpose which reserve of the budget connections may draw on */
  constructor(protocol: string, purpose: Purpose, gateway: Gateway, create: () => Server) {
    this.#protocol = protocol;
    this.#gate = new Gate(protocol, purpose, gateway);
    this.#create = create;
  }

  get addresses(): BoundAddress[] {
    return [...this.#servers.values()].flatMap((server) => {
      const address = server.address();
      if (address === null || typeof address === 'string') return [];
      return [{ protocol: this.#protocol, host: address.address, port: address.port }];
    });
  }

  /** Closes what is not wanted any more, opens what is missing. Throws the system's error when that fails. */
  async set(wanted: readonly ListenAddress[]): Promise<void> {
    const keys = new Set(wanted.map(key));
    for (const [at, server] of this.#servers) {
      if (keys.has(at)) continue;
      this.#servers.delete(at);
      // Connections that are open keep a server from closing; nobody waits for them here.
      server.close();
    }
    if (wanted.length === 0) this.#gate.close();
    for (const address of wanted) {
      if (this.#servers.has(key(address))) continue;
      const server = this.#create();
      if (server instanceof TlsServer) this.#gate.guardTls(server);
      else this.#gate.guard(server);
      await open(server, address);
      this.#servers.set(key(address), server);
    }
  }
}

/** Opens a listener; without a host on all IPv6 and IPv4 addresses, or on IPv4 alone where there is no IPv6. */
async function open(server: Server, { host, port }: ListenAddress): Promise<void> {
  const ipv6Only = host?.includes(':') === true;
  server.listen({ port, backlog: listenBacklog, ...(host === undefined ? {} : { host, ipv6Only }) });
  await once(server, 'listening');
}

function key({ host, port }: ListenAddress): string {
  return `${host ?? '*'} ${port}`;
}
