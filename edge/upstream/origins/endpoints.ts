/**
 * Where origins are connected to, and by what: a stream is pushed by RTMP and may be pulled by HTTP-FLV, and an origin
 * has another port for each.
 */

import type { OriginAddress, UpstreamProtocol, VhostConfig } from '../../conf/model.ts';
import { defaultPort } from '../../rtmp/url.ts';
import type { ClientProtocol } from '../../stream/request.ts';
import type { Errand } from './locator.ts';

/** What an origin of the stream is connected to by. */
export function protocolOf(vhost: VhostConfig, { purpose, by }: Errand): UpstreamProtocol {
  return purpose === 'play' ? pullProtocol(vhost, by) : pushProtocol(vhost);
}

/** All that origins of the vhost may be connected to by; what streams are usually pulled by comes first. */
export function protocolsOf(vhost: VhostConfig): readonly UpstreamProtocol[] {
  const { cluster } = vhost;
  if (cluster.mode === 'local') return [];
  const followed = cluster.followClient ? (['flv', 'flvs'] as const) : [];
  return [...new Set([cluster.protocol, ...followed, pushProtocol(vhost)])];
}

function pullProtocol({ cluster }: VhostConfig, protocol: ClientProtocol): UpstreamProtocol {
  if (cluster.mode === 'local') return 'rtmp';
  if (!cluster.followClient || protocol === 'rtmp' || protocol === 'rtmps') return cluster.protocol;
  return protocol === 'http-flv' || protocol === 'ws-flv' ? 'flv' : 'flvs';
}

function pushProtocol({ cluster }: VhostConfig): 'rtmp' | 'rtmps' {
  return cluster.mode === 'remote' && cluster.protocol === 'rtmps' ? 'rtmps' : 'rtmp';
}

/** Where an origin of the vhost's configuration is connected to by a protocol. */
export function endpointOf(origin: OriginAddress, protocol: UpstreamProtocol, vhost: VhostConfig): OriginAddress {
  switch (protocol) {
    case 'rtmp':
      return writtenFor(vhost) === 'rtmp' || origin.usualPort ? origin : at(origin, origin.scheme, undefined);
    case 'rtmps':
      return at(origin, 'rtmps', origin.usualPort ? undefined : origin.port);
    case 'flv':
      return at(origin, 'http', vhost.edge.originHttpPort ?? portWrittenFor('flv', origin, vhost));
    case 'flvs':
      return at(origin, 'https', vhost.edge.originHttpsPort ?? portWrittenFor('flvs', origin, vhost));
  }
}

function portWrittenFor(protocol: 'flv' | 'flvs', origin: OriginAddress, vhost: VhostConfig): number | undefined {
  return writtenFor(vhost) === protocol && !origin.usualPort ? origin.port : undefined;
}

/** Whose port stands in `origin`: as in SRS that of what is pulled by, unless that has a directive of its own. */
function writtenFor({ cluster, edge }: VhostConfig): 'rtmp' | 'flv' | 'flvs' {
  if (cluster.mode === 'local') return 'rtmp';
  if (cluster.protocol === 'flv' && edge.originHttpPort === undefined) return 'flv';
  if (cluster.protocol === 'flvs' && edge.originHttpsPort === undefined) return 'flvs';
  return 'rtmp';
}

function at(origin: OriginAddress, scheme: OriginAddress['scheme'], port: number | undefined): OriginAddress {
  return { ...origin, scheme, port: port ?? defaultPort(scheme) };
}
