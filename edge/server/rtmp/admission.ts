/**
 * Who is let in, and to what: the application of `connect`, then the vhost and the stream of `play` or `publish`.
 */

import { defaultVhost } from '../../conf/defaults.ts';
import type { VhostConfig } from '../../conf/model.ts';
import { findVhost } from '../../conf/vhost.ts';
import type { ConnectCommand } from '../../rtmp/command.ts';
import { RtmpError } from '../../rtmp/errors.ts';
import { resolveStreamUrl, type StreamUrl, tcUrlOf } from '../../rtmp/url.ts';
import { streamKey } from '../../stream/name.ts';
import { type ConnectRequest, Refusal, type StreamRequest, streamName } from '../../stream/request.ts';
import type { Client } from '../clients.ts';
import type { Gateway } from '../gateway.ts';
import { Visit } from '../visit.ts';

/** A client that has said which application it wants. */
export interface Connected {
  readonly request: ConnectRequest;
  /** What its connection goes by until it names a stream, which may bring another vhost. */
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
  readonly #visit: Visit;

  /** @param isGone whether the client has left or is being disconnected: asked after each wait */
  constructor(gateway: Gateway, client: Client, isGone: () => boolean) {
    this.#gateway = gateway;
    this.#client = client;
    this.#isGone = isGone;
    this.#visit = new Visit(gateway, client);
  }

  /** The client is gone. */
  end(): void {
    this.#visit.end();
  }

  /**
   * Takes a client's connect. Which vhost serves it is certain when it names a stream; it is asked about before only
   * where the vhost says so (`on_connect_at connect`). Undefined when it has gone meanwhile; throws a Refusal.
   */
  async connect(command: ConnectCommand): Promise<Connected | undefined> {
    const { tcUrl, app, pageUrl, swfUrl, commandObject, args, capsEx } = command;
    const url = resolve({ tcUrl, app, stream: undefined });
    const { config } = this.#gateway;
    const found = findVhost(config, url.vhost);
    const vhost = found ?? defaultVhost({ name: url.vhost, chunkSize: config.chunkSize });
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
    if (found?.enabled === true && found.edge.onConnectAt === 'connect') await this.#visit.enter(request, found);
    return this.#isGone() ? undefined : { request, vhost, sent: { tcUrl, app }, capsEx };
  }

  /**
   * Resolves the stream that a connected client names, and asks whether the client may come to its vhost and
   * application. Undefined when it has gone meanwhile; throws a Refusal.
   */
  async admit(connected: Connected, name: string): Promise<Admitted | undefined> {
    const { tcUrl } = connected.sent;
    const url = resolve({ ...connected.sent, stream: name });
    if (url.stream === '') throw new Refusal('NetStream.Failed', 'the stream has no name', 400);
    const vhost = this.#vhostNamed(url.vhost);
    const place = { vhost: vhost.name, app: url.app };
    const { stream, param } = url;
    const request = { ...connected.request, ...place, tcUrl: tcUrlOf(tcUrl, url), stream, param };
    const isEarly = vhost.edge.onConnectAt === 'connect';
    await this.#visit.enter(isEarly ? { ...connected.request, ...place } : request, vhost);
    return this.#isGone() ? undefined : { connected, request, vhost };
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
