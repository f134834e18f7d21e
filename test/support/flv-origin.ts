/**
 * An HTTP server that does what a test tells it when a stream is asked for. For origins that are killed or stopped, run
 * the real thing (edge-process.ts, `mode local`).
 */

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { flvHeader, tagSize, writeTag } from '../../edge/flv/tag.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';

/** What a stream is answered with. */
export type FlvScript = (response: ServerResponse, request: IncomingMessage) => void;

export interface FlvAsked {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export class FlvOrigin {
  readonly port: number;
  /** Requests for streams. */
  readonly asked: FlvAsked[] = [];
  /** Of the present streams; one that has been closed is none. */
  readonly streams = new Set<ServerResponse>();
  readonly #waiting = new Set<() => void>();

  private constructor(port: number) {
    this.port = port;
  }

  /** @param isWell whether it answers who asks for anything else */
  static async start(t: TestContext, script: FlvScript, isWell = true): Promise<FlvOrigin> {
    const server = createServer((request, response) => {
      const { url = '', headers } = request;
      if (!url.split('?')[0]?.endsWith('.flv')) {
        if (isWell) response.writeHead(404).end();
        return;
      }
      origin.asked.push({ url, headers });
      origin.streams.add(response);
      response.on('close', () => {
        origin.streams.delete(response);
        origin.#changed();
      });
      script(response, request);
      origin.#changed();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const origin = new FlvOrigin((server.address() as AddressInfo).port);
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    return origin;
  }

  /** Waits until `find` gives something. */
  async until<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #changed(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const each of waiting) each();
  }
}

export function flvTags(messages: readonly RtmpMessage[]): Buffer {
  return Buffer.concat(
    messages.map(({ type, timestamp, payload }) => {
      const bytes = Buffer.alloc(tagSize(payload.length));
      writeTag(bytes, 0, type, timestamp, payload);
      return bytes;
    }),
  );
}

/** The beginning of a stream, and these messages. */
export function flvOf(messages: readonly RtmpMessage[]): Buffer {
  return Buffer.concat([flvHeader({ audio: true, video: true }), flvTags(messages)]);
}
