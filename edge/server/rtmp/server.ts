/**
 * Listens for RTMP and RTMPS clients. Listeners may go while sessions stay: so a stopping edge lets them finish.
 */

import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { EdgeConfig } from '../../conf/model.ts';
import { awakeNow } from '../../time/awake.ts';
import type { Gateway } from '../gateway.ts';
import { type BoundAddress, Listeners } from '../listeners.ts';
import { followFiles, type TlsListener, tlsOptions } from '../tls.ts';
import { WriteWatch } from '../write-watch.ts';
import { restfulHighWaterMark } from './merged-read.ts';
import { RtmpSession } from './session.ts';

const tickIntervalMs = 1_000;

/** A small mark also lets players be asked after each write whether they took it. */
const socketOptions = { highWaterMark: restfulHighWaterMark };

export class RtmpServer {
  readonly #gateway: Gateway;
  readonly #sessions = new Set<RtmpSession>();
  readonly #watch = new WriteWatch();
  readonly #plain: Listeners;
  readonly #secure: Listeners;
  readonly #timer: NodeJS.Timeout;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
    this.#plain = new Listeners('rtmp', 'rtmp', gateway, () =>
      createServer(socketOptions, (socket) => this.#accept(socket, 'rtmp')),
    );
    this.#secure = new Listeners('rtmps', 'rtmp', gateway, () => this.#createSecure());
    this.#timer = setInterval(() => {
      const nowMs = awakeNow();
      for (const session of this.#sessions) session.tick(nowMs);
    }, tickIntervalMs);
  }

  /** Opens and closes listeners until they are those of the configuration. Throws when one cannot be opened. */
  async listen({ listen, rtmps }: EdgeConfig): Promise<void> {
    await this.#plain.set(listen);
    await this.#secure.set(rtmps.enabled ? rtmps.listen : []);
  }

  /** Where clients can connect: with the ports that the system has chosen for 0. */
  get addresses(): BoundAddress[] {
    return [...this.#plain.addresses, ...this.#secure.addresses];
  }

  /** No new clients; those who are here stay. */
  async stopListening(): Promise<void> {
    await Promise.all([this.#plain.set([]), this.#secure.set([])]);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const session of this.#sessions) session.disconnect('the edge stops');
  }

  #createSecure(): Server {
    const { config, ticketKeys, log } = this.#gateway;
    const listener: TlsListener = { protocol: 'rtmps', listen: config.rtmps, ticketKeys };
    const server = createTlsServer(tlsOptions(listener), (socket) => this.#accept(socket, 'rtmps'));
    followFiles(listener, server, log);
    return server;
  }

  #accept(socket: Socket, protocol: 'rtmp' | 'rtmps'): void {
    const session = new RtmpSession(socket, protocol, this.#gateway, this.#watch, (ended) => {
      this.#sessions.delete(ended);
    });
    this.#sessions.add(session);
  }
}
