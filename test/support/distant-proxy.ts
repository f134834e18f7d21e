/** A server far away: a proxy in front of it that delays what goes each way, never in another order, and stalls. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface Distance {
  /** Each way. */
  readonly delayMs: number;
  /** Up to so much more, by chance. */
  readonly jitterMs: number;
}

export class DistantProxy {
  readonly #distance: Distance;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Nothing arrives before this, on the clock of `performance.now`. */
  #stalledUntilMs = 0;

  private constructor(targetPort: number, distance: Distance) {
    this.#distance = distance;
    this.#server = createServer({ noDelay: true }, (near) => {
      const far = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
      this.#carry(near, far);
      this.#carry(far, near);
    });
  }

  static async start(targetPort: number, distance: Distance): Promise<DistantProxy> {
    const proxy = new DistantProxy(targetPort, distance);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** What is under way and what comes stands still for so long, as while a lost packet is sent again and again. */
  stall(ms: number): void {
    this.#stalledUntilMs = performance.now() + ms;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #carry(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    // One timer for the first that waits: timers of different lengths may fire in another order than they are due.
    const underWay: { readonly dueMs: number; readonly action: () => void }[] = [];
    const arrive = (): void => {
      for (let first = underWay[0]; first !== undefined; first = underWay[0]) {
        const leftMs = Math.max(first.dueMs, this.#stalledUntilMs) - performance.now();
        if (leftMs > 0) return void setTimeout(arrive, leftMs);
        underWay.shift();
        first.action();
      }
    };
    const after = (action: () => void): void => {
      const { delayMs, jitterMs } = this.#distance;
      const earliestMs = performance.now() + delayMs + Math.random() * jitterMs;
      const dueMs = Math.max(underWay.at(-1)?.dueMs ?? 0, earliestMs);
      underWay.push({ dueMs, action });
      if (underWay.length === 1) arrive();
    };
    from.on('data', (bytes) => after(() => void (to.destroyed || to.write(bytes))));
    from.on('error', () => {});
    from.on('close', () => {
      this.#sockets.delete(from);
      after(() => to.destroy());
    });
  }
}
