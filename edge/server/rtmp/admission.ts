/**
 * Who is let in, and to what: the vhost and the application of `connect`, then the stream of `play` or `publish`. Asks
 * the gateway (callbacks, token traverse) and tells it of clients that were let in and have gone meanwhile.
 */

import type { VhostConfig } from '../../conf/model.ts';
import { findVhost } from '../../conf/vhost.ts';
import type { ConnectCommand } from '../../rtmp/command.ts';
import { RtmpError } from '../../rtmp/errors.ts';
import { resolveStreamUrl, type StreamUrl, tcUrlOf } from '../../rtmp/url.ts';
import { streamKey } from '../../stream/name.ts';
import { type ConnectRequest, Refusal, type StreamRequest, streamName } from '../../stream/request.ts';
import type { Client } from '../clients.ts';
import type { Gateway } from '../gateway.ts';

/** A client that was let into an application. */
export interface Connected {
  readonly request: ConnectRequest;
  readonly vhost: VhostConfig;
  /** What the client connected with: the names of its streams are read together with it. */
  readonly sent: { readonly tcUrl: string; readonly app: string };
  /** What the client can do (`CapsEx`). */
  readonly capsEx: number;
}

/** A client that may ask for a stream: vhost and application may be others than those it has connected to. */
export interface Admitted {
  readonly connected: Connected;
  readonly request: StreamRequest;
  readonly vhost: VhostConfig;
}

export class Admission {
  readonly #gateway: Gateway;
  readonly #client: Client;
  readonly #isGone: () => boolean;

  /** @param isGone whether the client has left or is being disconnected: asked after each wait */
  constructor(gateway: Gateway, client: Client, isGone: () => boolean) {
    this.#gateway = gateway;
    this.#client = client;
    this.#isGone = isGone;
  }

  /** Lets a client into an application. Undefined when it has gone meanwhile; throws a Refusal. */
  async connect(command: ConnectCommand): Promise<Connected | undefined> {
    const { tcUrl, app, pageUrl, swfUrl, commandObject, args, capsEx } = command;
    const url = resolve({ tcUrl, app, stream: undefined });
    const vhost = this.#vhostNamed(url.vhost);
    const { id: clientId, protocol, ip } = this.#client;
    const request: ConnectRequest = {
      clientId,
      protocol,
      ip,
      vhost: vhost.name,
      app: url.app,
      param: url.param,
      tcUrl: tcUrlOf(tcUrl, url),
      pageUrl,
      swfUrl,
      connectObject: commandObject,
      connectArgs: args,
    };
    return await this.#enter({ request, vhost, sent: { tcUrl, app }, capsEx });
  }

  /**
   * Resolves the stream that a connected client names. If the name brings another vhost or application, the client
   * leaves the one it has connected to and must be let into the other: callbacks may have refused it there. Undefined
   * when it has gone meanwhile; throws a Refusal.
   */
  async admit(connected: Connected, name: string): Promise<Admitted | undefined> {
    const { tcUrl } = connected.sent;
    const url = resolve({ ...connected.sent, stream: name });
    if (url.stream === '') throw new Refusal('NetStream.Failed', 'the stream has no name', 400);
    const vhost = this.#vhostNamed(url.vhost);
    const place = { vhost: vhost.name, app: url.app };
    const { app, stream, param } = url;
    const request = { ...connected.request, ...place, tcUrl: tcUrlOf(tcUrl, url), stream, param };
    if (vhost.name === connected.vhost.name && app === connected.request.app) return { connected, request, vhost };
    const moved = await this.#enter({ ...connected, request: { ...connected.request, ...place }, vhost });
    if (moved === undefined) return undefined;
    this.#gateway.closed(connected.request, connected.vhost, this.#client);
    return { connected: moved, request, vhost };
  }

  /** Whether a name means to this client the stream that it was admitted to. */
  isSame({ connected, request }: Admitted, name: string): boolean {
    try {
      const { vhost, app, stream } = resolveStreamUrl({ ...connected.sent, stream: name });
      const key = streamKey({ vhost: this.#vhostNamed(vhost).name, app, stream });
      return key === streamKey(streamName(request));
    } catch {
      return false;
    }
  }

  async #enter(connected: Connected): Promise<Connected | undefined> {
    const { request, vhost } = connected;
    await this.#gateway.connect(request, vhost);
    if (!this.#isGone()) return connected;
    this.#gateway.closed(request, vhost, this.#client);
    return undefined;
  }

  #vhostNamed(name: string): VhostConfig {
    const vhost = findVhost(this.#gateway.config, name);
    if (vhost === undefined)
      throw new Refusal('NetConnection.Connect.Rejected', `vhost ${name} is not configured here`, 404);
    if (!vhost.enabled) throw new Refusal('NetConnection.Connect.Rejected', `vhost ${vhost.name} is disabled`, 404);
    return vhost;
  }
}

function resolve(input: Parameters<typeof resolveStreamUrl>[0]): StreamUrl {
  try {
    return resolveStreamUrl(input);
  } catch (error) {
    if (error instanceof RtmpError) throw new Refusal('NetConnection.Connect.Rejected', error.message, 400);
    throw error;
  }
}

/** What a client is told when it is not let in for this error. */
export function toRefusal(error: unknown, code: string): Refusal {
  if (error instanceof Refusal) return error;
  return new Refusal(code, error instanceof Error ? error.message : String(error), 500, { cause: error });
}
