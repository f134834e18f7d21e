/**
 * Streams, vhosts and clients as SRS's API shows them (`/api/v1/…`), and as our page does.
 */

import { createHash } from 'node:crypto';
import type { VhostConfig } from '../../conf/model.ts';
import { findVhost } from '../../conf/vhost.ts';
import type { StreamContent } from '../../stream/headers.ts';
import type { Hub, PublishedStream } from '../../stream/hub.ts';
import type { LiveStream } from '../../stream/live-stream.ts';
import { type StreamName, streamId, streamKey, streamUrl } from '../../stream/name.ts';
import { type Client, streamOf } from '../clients.ts';
import type { Gateway } from '../gateway.ts';
import { audioInfo, videoInfo } from './codec-info.ts';
import { inTurns } from './in-turns.ts';
import type { Meter } from './meter.ts';
import { mountPath } from './mount.ts';
import { perTurn, type Traffic } from './traffic.ts';

/** A stream that is played here, published here, or both. */
export interface StreamEntry {
  readonly name: StreamName;
  readonly live: LiveStream | undefined;
  readonly published: PublishedStream | undefined;
}

export function* streamEntries({ streams, published }: Hub): Generator<StreamEntry> {
  for (const [key, live] of streams) yield { name: live.name, live, published: published.get(key) };
  for (const [key, entry] of published) {
    if (!streams.has(key)) yield { name: entry.publication.name, live: undefined, published: entry };
  }
}

/** How many streams are played or published here. */
export function streamCount({ streams, published }: Hub): number {
  let count = streams.size;
  for (const key of published.keys()) if (!streams.has(key)) count++;
  return count;
}

/** How many streams each vhost has. */
export async function streamsByVhost(hub: Hub): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  await inTurns(streamEntries(hub), perTurn, ({ name }) => counts.set(name.vhost, (counts.get(name.vhost) ?? 0) + 1));
  return counts;
}

export function vhostId(name: string): string {
  return `vid-${createHash('sha256').update(name).digest('hex').slice(0, 7)}`;
}

export function vhostFigures(vhost: VhostConfig, streams: number, traffic: Traffic): object {
  const meter = traffic.ofVhost(vhost.name);
  return {
    id: vhostId(vhost.name),
    name: vhost.name,
    enabled: vhost.enabled,
    clients: meter.clients,
    streams,
    ...bytes(meter),
    hls: { enabled: false },
  };
}

/** Publishers are clients of their stream, as SRS counts them. */
export function streamFigures({ name, live, published }: StreamEntry, traffic: Traffic): object {
  const meter = traffic.ofStream(streamKey(name));
  const cid = published?.request.clientId;
  return {
    id: streamId(name),
    name: name.stream,
    vhost: vhostId(name.vhost),
    app: name.app,
    tcUrl: published?.request.tcUrl ?? `rtmp://${name.vhost}/${name.app}`,
    url: streamUrl(name),
    live_ms: Date.now(),
    clients: meter.clients,
    frames: (live?.stats.videoFrames ?? 0) + (live?.stats.audioFrames ?? 0),
    video_frames: live?.stats.videoFrames ?? 0,
    audio_frames: live?.stats.audioFrames ?? 0,
    ...bytes(meter),
    publish: { active: isActive(live, published), ...(cid === undefined ? {} : { cid }) },
    ...contentFigures(live ?? published?.publication.content),
  };
}

/** SRS's `video` and `audio` of a stream: null while it has shown none. */
export function contentFigures(content: StreamContent | undefined): object {
  return {
    video: content === undefined ? null : videoInfo(content),
    audio: content === undefined ? null : audioInfo(content),
  };
}

function isActive(live: LiveStream | undefined, published: PublishedStream | undefined): boolean {
  return published !== undefined || live?.live === true;
}

export function clientFigures(client: Client, traffic: Traffic): object {
  const publish = client.role === 'publish';
  const { kbps } = traffic.ofClient(client);
  const name = streamOf(client);
  return {
    id: client.id,
    vhost: vhostId(name.vhost),
    stream: streamId(name),
    ip: client.ip,
    pageUrl: client.request?.pageUrl ?? '',
    swfUrl: client.request?.swfUrl ?? '',
    tcUrl: client.request?.tcUrl ?? '',
    url: streamUrl(name),
    name: name.stream,
    type: clientType(client),
    role: client.role,
    protocol: client.protocol,
    publish,
    alive: (performance.now() - client.connectedAtMs) / 1000,
    send_bytes: client.bytesSent,
    recv_bytes: client.bytesReceived,
    dropped_gops: client.droppedGops,
    kbps,
  };
}

/** SRS's names of what clients are. */
function clientType({ role, protocol }: Client): string {
  if (role === 'connecting') return 'Unknown';
  if (role === 'publish') return 'fmle-publish';
  return protocol === 'rtmp' || protocol === 'rtmps' ? 'rtmp-play' : 'flv-play';
}

function bytes({ sent, received, kbps }: Meter): object {
  return { send_bytes: sent, recv_bytes: received, kbps };
}

/**
 * The path at which clients that ask `host` play a stream by HTTP; undefined where its vhost does not serve that.
 */
export function flvPath({ config }: Gateway, name: StreamName, host: string): string | undefined {
  const vhost = findVhost(config, name.vhost);
  if (vhost?.enabled !== true || !vhost.httpRemux.enabled) return undefined;
  const path = mountPath(vhost.httpRemux.mount, name);
  return findVhost(config, host) === vhost ? path : `${path}?vhost=${encodeURIComponent(name.vhost)}`;
}
