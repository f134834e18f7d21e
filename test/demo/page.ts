/** The page of the demo: HTTP-FLV of an edge and HLS of the cache beside each other, and which origin is killed when. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findAddress } from '../../operator/up/address.ts';
import type { View } from './view.ts';

const preferredPort = 8000;
const folder = join(import.meta.dirname, 'page');

/** `[type, file]` of each path. */
const files: Readonly<Record<string, readonly [type: string, file: string]>> = {
  '/': ['text/html; charset=utf-8', join(folder, 'index.html')],
  '/page.css': ['text/css; charset=utf-8', join(folder, 'page.css')],
  '/page.js': ['text/javascript; charset=utf-8', join(folder, 'page.js')],
  '/mpegts.js': ['text/javascript; charset=utf-8', fileURLToPath(import.meta.resolve('mpegts.js'))],
};

export interface PageOptions {
  readonly flvUrl: string;
  readonly hlsUrl: string;
  readonly view: () => View;
}

export class DemoPage {
  readonly url: string;
  readonly #server: Server;

  private constructor(url: string, server: Server) {
    this.url = url;
    this.#server = server;
  }

  static async start({ flvUrl, hlsUrl, view }: PageOptions): Promise<DemoPage> {
    const address = await findAddress('127.0.0.1', preferredPort);
    const server = createServer(({ url = '' }, response) => {
      const [type, file] = files[url] ?? [];
      if (url === '/demo.json') {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ flvUrl, hlsUrl, ...view() }));
      } else if (type === undefined || file === undefined) {
        response.writeHead(404).end();
      } else {
        response.writeHead(200, { 'content-type': type }).end(readFileSync(file));
      }
    });
    server.listen(Number(address.split(':')[1]), '127.0.0.1');
    await once(server, 'listening');
    return new DemoPage(`http://${address}/`, server);
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
