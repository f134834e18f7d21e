/** A server that knows where streams are (`locate_url`). */

import { EventEmitter, once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface LocateQuestion {
  readonly action: string;
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
  readonly purpose: 'play' | 'publish';
}

export class LocateServer {
  readonly questions: LocateQuestion[] = [];
  answer: (question: LocateQuestion, response: ServerResponse) => void = (_, response) => response.end(locatedAt());
  readonly #events = new EventEmitter();
  url = '';

  static async start(t: TestContext): Promise<LocateServer> {
    const locator = new LocateServer();
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const question = JSON.parse(Buffer.concat(chunks).toString()) as LocateQuestion;
      locator.questions.push(question);
      locator.#events.emit('question');
      locator.answer(question, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    locator.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/where?key=secret`;
    return locator;
  }

  /** The directive that names it. */
  get directive(): string {
    return `locate_url ${this.url};`;
  }

  /** Resolves when so many questions have come. */
  async asked(count: number): Promise<void> {
    while (this.questions.length < count) await once(this.#events, 'question');
  }
}

/** An answer with origins on this machine. */
export function locatedAt(...ports: readonly number[]): string {
  return JSON.stringify({ code: 0, data: { origins: ports.map((port) => `127.0.0.1:${port}`) } });
}
