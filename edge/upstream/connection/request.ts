/**
 * What an origin is asked for on behalf of a client: vhost transform, parameters, and who asks.
 */

import { networkInterfaces } from 'node:os';
import type { OriginAddress, RemoteCluster } from '../../conf/model.ts';
import type { AmfObject, AmfValue } from '../../rtmp/amf0.ts';
import { capabilityProperties, ourCapabilities } from '../../rtmp/enhanced.ts';
import { defaultVhost, withoutVhost } from '../../rtmp/names.ts';
import { buildTcUrl, parseRtmpUrl } from '../../rtmp/url.ts';
import type { ConnectRequest, StreamRequest } from '../../stream/request.ts';
import { version } from '../../version.ts';
import { UpstreamError } from './errors.ts';

/** What is asked of the origin. */
export interface UpstreamRequest {
  readonly app: string;
  readonly tcUrl: string;
  /** Stream name with parameters. */
  readonly stream: string;
  readonly pageUrl: string;
  readonly swfUrl: string;
  /** Properties that go into the connect object beside the usual ones. */
  readonly extra: AmfObject;
  /** By HTTP-FLV: the path with parameters, encoded. */
  readonly httpPath: string;
  /** Further arguments of connect: SRS's debug information, or what the client sent. */
  readonly args: readonly AmfValue[];
}

/** The request for an origin, or for where one redirects to, as SRS's edge would put it. */
export function upstreamRequest(
  request: StreamRequest,
  cluster: RemoteCluster,
  { address, httpPath }: Redirection,
  serverId: string,
): UpstreamRequest {
  const vhost = cluster.vhost.replaceAll('[vhost]', request.vhost);
  return {
    app: request.app,
    // As in SRS, the vhost travels as the host of tcUrl; the default one as the origin's own name.
    tcUrl: buildTcUrl({ ...address, app: request.app, vhost }),
    // The vhost that the client's parameters name has been found: the origin must not look for it again.
    stream: request.stream + withoutVhost(request.param),
    // Made when it is asked for: most pulls are by RTMP.
    get httpPath() {
      return httpPath ?? httpPathOf(request, vhost);
    },
    pageUrl: request.pageUrl,
    swfUrl: request.swfUrl,
    extra: capabilityProperties(ourCapabilities),
    args: cluster.debugSrsUpnode ? [identity(request, serverId)] : [],
  };
}

/** For `token_traverse`: the client's own connect, so that the origin judges what the client has shown. */
export function traversedRequest(request: ConnectRequest): UpstreamRequest {
  const { app, tcUrl, pageUrl, swfUrl, connectObject, connectArgs } = request;
  return {
    app,
    tcUrl,
    stream: '',
    httpPath: '',
    pageUrl,
    swfUrl,
    extra: { ...connectObject, app, tcUrl },
    args: connectArgs,
  };
}

/**
 * As SRS's edge asks for it. The vhost travels as a parameter: Host is the origin's own name, by which proxies find it.
 */
function httpPathOf({ app, stream, param }: StreamRequest, vhost: string): string {
  const names = encoded(`${app}/${stream}`.replaceAll('%', '%25'));
  const path = names.endsWith('.flv') ? names : `${names}.flv`;
  const given = withoutVhost(param)
    .replaceAll('#', '&')
    .replace(/^[?&]+/, '');
  const parts = [given, vhost === defaultVhost ? '' : `vhost=${encodeURIComponent(vhost)}`].filter(
    (part) => part !== '',
  );
  return parts.length === 0 ? `/${path}` : `/${path}?${encoded(parts.join('&'))}`;
}

/** Percent-encodes what may not stand in a URL as it is. All else is the client's, and may be signed. */
export function encoded(text: string): string {
  return text.toWellFormed().replace(/[^\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]/gu, encodeURIComponent);
}

/** Where a pull goes on that an origin redirects. */
export interface Redirection {
  readonly address: OriginAddress;
  /** What to ask for there; undefined: the same as here. */
  readonly httpPath?: string;
}

/** As `redirectTarget`; by HTTP with another path and other parameters too. */
export function redirectionOf(error: unknown): Redirection | undefined {
  const address = redirectTarget(error);
  if (address !== undefined) return { address };
  const url = error instanceof UpstreamError && error.location !== undefined ? URL.parse(error.location) : null;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return undefined;
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const port = Number(url.port) || (scheme === 'https' ? 443 : 80);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { address: { scheme, host, port }, httpPath: url.pathname + url.search };
}

/** Where a redirection (RTMP 302) leads: server and port, as SRS follows them; the stream stays what it was. */
export function redirectTarget(error: unknown): OriginAddress | undefined {
  if (!(error instanceof UpstreamError) || error.location === undefined) return undefined;
  try {
    const { scheme, host, port } = parseRtmpUrl(error.location);
    return { scheme: scheme === 'rtmps' ? 'rtmps' : 'rtmp', host, port };
  } catch {
    return undefined;
  }
}

/** The fields by which SRS servers find each other's log lines. */
function identity(request: StreamRequest, serverId: string): AmfObject {
  return {
    srs_sig: 'edgecluster',
    srs_server: `edgecluster/${serverId}`,
    srs_version: version,
    srs_pid: process.pid,
    srs_id: request.clientId,
    srs_server_ip: localAddress(),
  };
}

/** A node of Kubernetes has hundreds of interfaces, and hundreds of streams may look for an origin at once. */
const addressKeptMs = 10_000;
let known = { address: '', untilMs: Number.NEGATIVE_INFINITY };

function localAddress(): string {
  const nowMs = performance.now();
  if (nowMs >= known.untilMs) known = { address: findLocalAddress(), untilMs: nowMs + addressKeptMs };
  return known.address;
}

/** The first address that others can reach, as SRS picks it. */
function findLocalAddress(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address, family, internal } of addresses ?? []) if (!internal && family === 'IPv4') return address;
  }
  return '127.0.0.1';
}
