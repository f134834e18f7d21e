/**
 * Takes requests for streams by HTTP and WebSocket: finds the stream, and refuses at once what cannot be played.
 *
 * HEAD looks without playing: 200 if the stream is live on this edge, else 404, though a GET might still bring it
 * from an origin.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { VhostConfig } from '../../conf/model.ts';
import { streamKey } from '../../stream/name.ts';
import { Refusal, type StreamRequest, streamName } from '../../stream/request.ts';
import type { Gateway } from '../gateway.ts';
import { WriteWatch } from '../write-watch.ts';
import type { HttpDeps } from './deps.ts';
import { FlvSession, tooManyClients } from './flv-session.ts';
import { flvTarget } from './flv-target.ts';
import { HttpTransport, refuseUpgrade, streamHeaders, WebSocketTransport } from './flv-transport.ts';
import { readMethods, sendText, targetOf } from './reply.ts';
import { handshakeFault } from './websocket.ts';

export class FlvServer {
  readonly #gateway: Gateway;
  readonly #deps: HttpDeps;
  readonly #watch = new WriteWatch();
  readonly #sockets = new Set<Socket>();
  readonly #begins: (socket: Socket) => void;

  /** @param begins called when a stream takes over a connection */
  constructor(gateway: Gateway, deps: HttpDeps, begins: (socket: Socket) => void) {
    this.#gateway = gateway;
    this.#deps = deps;
    this.#begins = begins;
  }

  /** Serves a request for a stream. Returns why not, with nothing sent, when it is for none. */
  serve(request: IncomingMessage, response: ServerResponse, url: URL): string | undefined {
    const target = flvTarget(this.#gateway.config, request, url, 'http');
    if (target.kind === 'none') return target.reason;
    if (target.kind === 'bad-name') {
      sendText(response, 400, target.reason, { Connection: 'close' });
      return undefined;
    }
    if (request.method === 'HEAD') void this.#look(target.request, target.vhost, response);
    else if (request.method !== 'GET') {
      sendText(response, 405, 'a stream is played with GET', { Allow: readMethods, Connection: 'close' });
    } else {
      const refusal = this.#refusal(target.request);
      if (refusal !== undefined) sendText(response, refusal.status, refusal.reason, { Connection: 'close' });
      else
        this.#begin(
          new FlvSession(target, new HttpTransport(request, response), this.#gateway, this.#watch),
          request.socket,
        );
    }
    return undefined;
  }

  /** Answers a request to upgrade. @param served whether streams are served on this listener */
  upgrade(served: boolean, request: IncomingMessage, socket: Socket, head: Buffer): void {
    const fault = handshakeFault(request);
    const url = targetOf(request);
    if (fault !== undefined) return refuseUpgrade(socket, fault.status, fault.reason, fault.headers);
    if (url === undefined) return refuseUpgrade(socket, 400, 'this is no URL');
    if (!served) return refuseUpgrade(socket, 404, 'no streams are served here');
    const target = flvTarget(this.#gateway.config, request, url, 'ws');
    if (target.kind === 'none') return refuseUpgrade(socket, 404, target.reason);
    if (target.kind === 'bad-name') return refuseUpgrade(socket, 400, target.reason);
    const refusal = this.#refusal(target.request);
    if (refusal !== undefined) return refuseUpgrade(socket, refusal.status, refusal.reason);
    const transport = new WebSocketTransport(request, socket, head);
    this.#begin(new FlvSession(target, transport, this.#gateway, this.#watch), socket);
  }

  /** Ends what is left at once. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #begin(session: FlvSession, socket: Socket): void {
    this.#begins(socket);
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    void session.start();
  }

  /** Why this cannot be played now; the client is counted as refused then. */
  #refusal(request: StreamRequest): { readonly status: number; readonly reason: string } | undefined {
    const refusal = this.#obstacle(request);
    const name = streamName(request);
    if (refusal !== undefined) this.#gateway.clients.refuse({ ip: request.ip, name, reason: refusal.reason });
    return refusal;
  }

  #obstacle(request: StreamRequest): { readonly status: number; readonly reason: string } | undefined {
    const { budget, draining } = this.#gateway;
    if (draining && !this.#deps.accepting()) return { status: 503, reason: 'this edge is about to stop' };
    if (budget.connections.full) return { status: 503, reason: tooManyClients };
    if (this.#gateway.grants.isAbsent(request)) return { status: 404, reason: 'no origin has this stream' };
    return undefined;
  }

  /** Who may not play a stream may not learn whether it is there. */
  async #look(request: StreamRequest, vhost: VhostConfig, response: ServerResponse): Promise<void> {
    try {
      await this.#gateway.entrance.check('play', request, vhost);
    } catch (error) {
      const { httpStatus = 500, message = 'internal error' } = error instanceof Refusal ? error : {};
      return sendText(response, httpStatus, message);
    }
    const stream = this.#gateway.hub.streams.get(streamKey(streamName(request)));
    if (stream?.live !== true) return sendText(response, 404, 'the stream is not live on this edge');
    response.writeHead(200, streamHeaders).end();
  }
}
