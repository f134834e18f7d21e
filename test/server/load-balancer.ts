/** Forwards each connection to the edge of the moment, as a Service does. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export class LoadBalancer {
  /** The port that new connections go to. */
  to: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(to: number) {
    this.to = to;
    this.#server = createServer((socket) => this.#forward(socket));
  }

  /** Ends with the test. */
  static async start(context: TestContext, to: number): Promise<LoadBalancer> {
    const balancer = new LoadBalancer(to);
    balancer.#server.listen(0, '127.0.0.1');
    await once(balancer.#server, 'listening');
    context.after(() => {
      balancer.#server.close();
      balancer.cut();
    });
    return balancer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends all connections, as when an edge dies. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #forward(socket: Socket): void {
    const edge = connect(this.to, '127.0.0.1');
    for (const [one, other] of [
      [socket, edge],
      [edge, socket],
    ] as const) {
      this.#sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}
