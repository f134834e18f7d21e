/** A server of the operator's own, which an edge asks about its clients (`http_hooks`). */

import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface HookBody {
  readonly action: string;
  readonly client_id: string;
  readonly vhost: string;
  readonly app: string;
  readonly stream?: string;
  readonly param?: string;
  readonly tcUrl?: string;
}

/** A server of callbacks. It refuses clients whose parameters say `token=bad`, or whom a test tells it to refuse. */
export class HookServer {
  readonly calls: HookBody[] = [];
  refuses = (body: HookBody): boolean => body.param?.includes('token=bad') === true;
  /** Answers to this action wait until `release`. */
  held: string | undefined;
  readonly #held: (() => void)[] = [];
  readonly #events = new EventEmitter();
  url = '';

  static async start(t: TestContext): Promise<HookServer> {
    const hooks = new HookServer();
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = JSON.parse(Buffer.concat(chunks).toString()) as HookBody;
      hooks.calls.push(body);
      hooks.#events.emit('call');
      if (body.action === hooks.held) await new Promise<void>((resolve) => hooks.#held.push(resolve));
      response.end(hooks.refuses(body) ? '{"code": 7}' : '0');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    hooks.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    return hooks;
  }

  /** Gives the answers that wait. */
  release(): void {
    for (const answer of this.#held.splice(0)) answer();
  }

  /** All six callbacks, here. */
  get block(): string {
    const names = ['on_connect', 'on_close', 'on_publish', 'on_unpublish', 'on_play', 'on_stop'];
    return `http_hooks { enabled on; ${names.map((name) => `${name} ${this.url};`).join(' ')} }`;
  }

  /** Resolves with the next call. */
  async next(): Promise<void> {
    await once(this.#events, 'call');
  }

  /** What was called for the client that `action` was last called for, when that has happened. */
  async until(action: string): Promise<string[]> {
    for (;;) {
      const call = this.calls.findLast((each) => each.action === action);
      if (call !== undefined) {
        return this.calls.filter((each) => each.client_id === call.client_id).map((each) => each.action);
      }
      await once(this.#events, 'call');
    }
  }
}
