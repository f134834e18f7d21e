/**
 * Which stream an HTTP request means: vhost, mount pattern, and the request as the rest of the edge knows it.
 */

import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { EdgeConfig, VhostConfig } from '../../conf/model.ts';
import { findVhost } from '../../conf/vhost.ts';
import { CapsEx } from '../../rtmp/enhanced.ts';
import { RtmpError } from '../../rtmp/errors.ts';
import { hostName, pageUrlMaxLength, paramMaxLength, tooLong, vhostInParameters } from '../../rtmp/names.ts';
import { parseReconnectKey, reconnectKeyHeader } from '../../rtmp/reconnect-data.ts';
import type { StreamRequest } from '../../stream/request.ts';
import { newClientId } from '../clients.ts';
import { clientAddress } from './client-address.ts';
import { type MountMatch, matchMount } from './mount.ts';
import { hostOf } from './reply.ts';

/** Whether a player can be asked to reconnect. An edge below knows by its key who asks. */
export type Reconnects =
  | { readonly kind: 'never' }
  | { readonly kind: 'player' }
  | { readonly kind: 'edge'; readonly key: string };

/** A stream that is asked for by HTTP. */
export interface FlvRequest {
  readonly vhost: VhostConfig;
  readonly request: StreamRequest;
  readonly reconnects: Reconnects;
}

export type FlvTarget =
  | (FlvRequest & { readonly kind: 'stream' })
  /** Nothing is mounted there, and why. */
  | { readonly kind: 'none'; readonly reason: string }
  /** No stream has such a name. */
  | { readonly kind: 'bad-name'; readonly reason: string };

/** @param url of the request, as `targetOf` gives it */
export function flvTarget(config: EdgeConfig, message: IncomingMessage, url: URL, by: 'http' | 'ws'): FlvTarget {
  try {
    return readTarget(config, message, url, by);
  } catch (error) {
    if (error instanceof RtmpError) return { kind: 'bad-name', reason: error.message };
    throw error;
  }
}

/** @throws RtmpError 'bad-name' */
function readTarget(...[config, message, url, by]: Parameters<typeof flvTarget>): FlvTarget {
  const host = vhostInParameters(url.search) || hostName(hostOf(message));
  const found = findMount(config, host, url.pathname);
  if (found.kind === 'none') return found;
  const { vhost, match } = found;
  const { capsEx, param } = withoutCapabilities(url.search);
  if (url.search.length > paramMaxLength) throw tooLong('the parameters', url.search.length, paramMaxLength);
  const request: StreamRequest = {
    clientId: newClientId(),
    protocol: isSecure(message) ? `${by}s-flv` : `${by}-flv`,
    ip: clientAddress(message, config.edge.trustedProxies),
    vhost: vhost.name,
    app: match.app,
    stream: match.stream,
    param,
    // SRS writes an RTMP URL for its HTTP players too: callbacks and the API show one kind of address.
    tcUrl: `rtmp://${vhost.name}/${match.app}`,
    pageUrl: (message.headers.referer ?? '').slice(0, pageUrlMaxLength),
    swfUrl: '',
    connectObject: {},
    connectArgs: [],
  };
  return { kind: 'stream', vhost, request, reconnects: reconnectsOf(message, capsEx) };
}

function reconnectsOf({ headers }: IncomingMessage, capsEx: number): Reconnects {
  const key = parseReconnectKey(headers[reconnectKeyHeader.toLowerCase()]);
  if (key !== undefined) return { kind: 'edge', key };
  return (capsEx & CapsEx.reconnect) !== 0 ? { kind: 'player' } : { kind: 'never' };
}

function isSecure({ socket }: IncomingMessage): boolean {
  return (socket as Partial<TLSSocket>).encrypted === true;
}

/**
 * HTTP players say what they can do in the query, as `capsEx=1`: a browser's WebSocket has no other place for it. It is
 * for this edge alone: callbacks and origins, who may check a signature, see the query as it would be without.
 */
function withoutCapabilities(search: string): { readonly capsEx: number; readonly param: string } {
  const parts = search.slice(1).split('&');
  const [own, others] = [parts.filter(isCapabilities), parts.filter((part) => !isCapabilities(part))];
  if (own.length === 0) return { capsEx: 0, param: search };
  const param = others.length === 0 ? '' : `?${others.join('&')}`;
  return { capsEx: Number(own[0]?.slice('capsEx='.length)), param };
}

function isCapabilities(part: string): boolean {
  return /^capsEx=\d{1,9}$/.test(part);
}

type FoundMount =
  | { readonly kind: 'mount'; readonly vhost: VhostConfig; readonly match: MountMatch }
  | { readonly kind: 'none'; readonly reason: string };

function findMount(config: EdgeConfig, host: string, path: string): FoundMount {
  const asked = findVhost(config, host);
  const own = asked === undefined ? undefined : matchIn(asked, host, path);
  if (asked !== undefined && own !== undefined && (own.vhost === undefined || own.vhost === hostName(asked.name))) {
    return { kind: 'mount', vhost: asked, match: own };
  }
  // The path itself may name the vhost, whatever host was asked.
  for (const vhost of config.vhosts) {
    const match = matchIn(vhost, host, path);
    if (match?.vhost === hostName(vhost.name)) return { kind: 'mount', vhost, match };
  }
  return { kind: 'none', reason: whyNone(asked, host, path) };
}

function matchIn(vhost: VhostConfig, host: string, path: string): MountMatch | undefined {
  if (!vhost.enabled || !vhost.httpRemux.enabled) return undefined;
  return matchMount(vhost.httpRemux.mount, vhost.name === host ? host : vhost.name, path);
}

function whyNone(vhost: VhostConfig | undefined, host: string, path: string): string {
  if (vhost === undefined) return `no vhost serves "${host}"`;
  if (!vhost.enabled) return `vhost ${vhost.name} is disabled`;
  if (!vhost.httpRemux.enabled) return `vhost ${vhost.name} serves no HTTP-FLV (http_remux is off)`;
  return `${path} does not fit the mount pattern ${vhost.httpRemux.mount} of vhost ${vhost.name}`;
}
