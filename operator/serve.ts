/**
 * HTTP of the operator: `/healthz`, `/readyz`, `/metrics`.
 *
 * Ready is who could do its work: a leader with filled caches, or a standby that has seen the lease. An API server that
 * goes away later changes nothing: no other operator could reach it either, and a restart would only lose the caches.
 */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Pages {
  readonly ready: () => boolean;
  readonly metrics: () => Promise<string>;
  readonly metricsType: string;
}

export interface ListenAddress {
  /** Undefined: all. */
  readonly host: string | undefined;
  readonly port: number;
}

/** Rejects when the address cannot be had. */
export async function serve({ host, port }: ListenAddress, pages: Pages): Promise<Server> {
  const server = createServer((request, response) => {
    const answer = (status: number, text: string, type = 'text/plain'): void => {
      response.writeHead(status, { 'Content-Type': type }).end(text);
    };
    const path = request.url?.replace(/\?.*$/, '');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      answer(405, 'GET only\n');
    } else if (path === '/healthz') answer(200, 'ok\n');
    else if (path === '/readyz')
      answer(pages.ready() ? 200 : 503, pages.ready() ? 'ok\n' : 'caches are not filled yet\n');
    else if (path === '/metrics')
      pages.metrics().then(
        (text) => answer(200, text, pages.metricsType),
        (error: unknown) => answer(500, `${error}\n`),
      );
    else answer(404, 'there are /healthz, /readyz and /metrics\n');
  });
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
