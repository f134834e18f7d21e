/**
 * Every connection of every listener passes here before anything else sees it: it gets a place in the budget, which it
 * keeps until it closes, or it is closed at once.
 */

import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { isIn, plainAddress } from '../access/addresses.ts';
import type { Place, Purpose, TurnedAway } from '../budget/connections.ts';
import { Deadline } from '../time/deadline.ts';
import { awaitHello } from './first-hello.ts';
import type { Gateway } from './gateway.ts';
import { takeProxyHeader } from './proxy-protocol.ts';
import { tlsFault } from './tls-fault.ts';

const places = new WeakMap<Socket, Place>();

/** The place of a connection that has passed the gate. */
export function placeOf(socket: Socket): Place {
  const place = places.get(socket);
  if (place === undefined) throw new Error('this socket has passed no gate');
  return place;
}

/** What trusted proxies have said by the PROXY protocol. */
const addresses = new WeakMap<Socket, string>();

/** The address of the client, IPv4 as IPv4: at the other end, or the one that a trusted proxy has told by a PROXY header. */
export function addressOf(socket: Socket): string {
  return addresses.get(socket) ?? plainAddress(socket.remoteAddress ?? '');
}

export class Gate {
  readonly #protocol: string;
  readonly #purpose: Purpose;
  readonly #gateway: Gateway;
  /** TLS handshakes under way, by the two ends of the connection. */
  readonly #handshakes = new Map<
    string,
    { readonly socket: Socket; readonly place: Place; readonly deadline: Deadline }
  >();

  constructor(protocol: string, purpose: Purpose, gateway: Gateway) {
    this.#protocol = protocol;
    this.#purpose = purpose;
    this.#gateway = gateway;
  }

  /** Lets a server have only the connections that there is room for. To be called before it listens. */
  guard(server: Server): void {
    const listeners = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      // The client has reset it already, as health checks of load balancers do: nobody is there to be told apart.
      if (socket.remoteAddress === undefined) return void socket.destroy();
      const place = this.#enter(socket);
      const goOn = (): void => {
        for (const listener of listeners) listener.call(server, socket);
      };
      if (place === undefined) return;
      if (this.#purpose !== 'service' && this.#gateway.config.edge.proxyProtocol) this.#unwrap(socket, place, goOn);
      else goOn();
    });
  }

  /** The same for a server that does TLS: a client has `handshake_timeout` for it, and is answered in its turn. */
  guardTls(server: Server): void {
    const { handshakes } = this.#gateway.budget;
    const listeners = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      this.#awaitHandshake(socket);
      const release = awaitHello(socket, () =>
        handshakes.await(socket, () => {
          release();
          for (const listener of listeners) listener.call(server, socket);
        }),
      );
    });
    server.prependListener('secureConnection', (socket: TLSSocket) => this.#shaken(socket));
    server.on('tlsClientError', (error: Error, socket: TLSSocket) => this.#notShaken(error, socket));
    this.guard(server);
  }

  /** Closes connections whose TLS handshake is under way: nobody else knows of them. */
  close(): void {
    for (const { socket } of this.#handshakes.values()) socket.destroy();
  }

  /** Goes on when a trusted proxy has said whose connection it is. */
  #unwrap(socket: Socket, place: Place, goOn: () => void): void {
    const { log, config } = this.#gateway;
    const proxy = addressOf(socket);
    const refuse = (reason: string): void => {
      log.info({ ip: proxy, protocol: this.#protocol, reason }, 'PROXY header refused');
      place.turnAway('proxy_protocol');
    };
    if (!isIn(config.edge.trustedProxies, proxy)) return refuse('trusted_proxies does not name the sender');
    takeProxyHeader(socket, config.edge.handshakeTimeoutMs, {
      whole: (address = proxy) => {
        addresses.set(socket, address);
        place.progressed();
        place.cameFrom(address);
        goOn();
      },
      bad: refuse,
      late: () => place.turnAway('timeout'),
    });
  }

  #enter(socket: Socket): Place | undefined {
    const address = addressOf(socket);
    const turnedAway = (reason: TurnedAway): void => {
      const { log } = this.#gateway;
      log.warn({ ip: address, protocol: this.#protocol, reason }, 'connection turned away');
      // Whoever reads from the socket has a listener of its own; this one is for those whom nobody reads.
      socket.on('error', () => {});
      socket.destroy();
    };
    const place = this.#gateway.budget.connections.take(this.#purpose, address, turnedAway);
    if (typeof place === 'string') {
      turnedAway(place);
      return undefined;
    }
    places.set(socket, place);
    socket.once('close', () => place.close());
    return place;
  }

  #awaitHandshake(socket: Socket): void {
    const key = endsOf(socket);
    const place = placeOf(socket);
    const deadline = new Deadline(() => place.turnAway('timeout'));
    deadline.start(this.#gateway.config.edge.handshakeTimeoutMs);
    this.#handshakes.set(key, { socket, place, deadline });
    socket.once('close', () => {
      deadline.stop();
      this.#handshakes.delete(key);
    });
  }

  #shaken(socket: TLSSocket): void {
    const key = endsOf(socket);
    const handshake = this.#handshakes.get(key);
    this.#handshakes.delete(key);
    handshake?.deadline.stop();
    if (handshake === undefined) socket.destroy();
    else {
      this.#gateway.budget.handshakes.succeeded(socket.isSessionReused());
      places.set(socket, handshake.place);
      addresses.set(socket, addressOf(handshake.socket));
      handshake.place.progressed();
    }
  }

  /** A handshake that fails is that client's alone. */
  #notShaken(error: Error, socket: TLSSocket): void {
    const reason = tlsFault(error);
    if (reason === undefined) return;
    const handshake = this.#handshakes.get(endsOf(socket));
    const ip = addressOf(handshake?.socket ?? socket);
    this.#gateway.budget.handshakes.failed++;
    this.#gateway.log.info({ ip, protocol: this.#protocol, reason }, 'TLS handshake failed');
  }
}

/** What tells a connection from all others; the TLS layer and the socket below it have the same. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
