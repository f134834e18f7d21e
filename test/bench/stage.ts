/**
 * What cases set up: an origin that is published to, an edge in front of it, and players who have joined.
 */
import path from 'node:path';
import type { Settings } from './case.ts';
import { type KeyKind, makeCertificate } from './certificate.ts';
import { type Load, type PlayReport, publish, type Tools } from './load.ts';
import { startRelay, whyNoRelay } from './relay.ts';
import type { Own } from './scope.ts';
import { type Server, type ServerName, startServer } from './servers.ts';

/** Time for a server to settle in its work before it is measured. */
export const WARM_UP_MS = 4000;

export function log(settings: Settings, name: string): string {
  return path.join(settings.folder, `load-${name}.log`);
}

export function startOrigin(kind: ServerName, settings: Settings): Promise<Server> {
  return startServer(kind, { kind: 'origin', minLatency: false }, settings.tools, settings.folder);
}

/** An edge of the origin that serves RTMPS and HTTPS, or nginx that does so in front of ours. */
export async function startSecureEdge(
  name: ServerName,
  origin: Server,
  settings: Settings,
  own: Own,
  key: KeyKind = 'rsa',
): Promise<Server> {
  const { tools, folder } = settings;
  const certificate = await makeCertificate(folder, key);
  const duty = { kind: 'edge', minLatency: false, origins: [origin.rtmpPort], certificate } as const;
  if (name !== 'nginx') return own(await startServer(name, duty, tools, folder));
  const reason = whyNoRelay();
  if (reason) throw new Error(reason);
  return own(await startRelay(own(await startEdge('ours', origin, settings)), certificate, folder));
}

export function startEdge(name: ServerName, origin: Server, settings: Settings, minLatency = false): Promise<Server> {
  const duty = { kind: 'edge', minLatency, origins: [origin.rtmpPort] } as const;
  return startServer(name, duty, settings.tools, settings.folder);
}

export async function publishTo(origin: Server, count: number, settings: Settings) {
  const url = `rtmp://127.0.0.1:${origin.rtmpPort}/live/stream{}`;
  const load = publish(settings.tools, log(settings, 'publish'), { url, count, rate: 100 });
  await load.until((report) => report.sending === count, 10_000 + count * 20);
  return load;
}

/** The payload of `count` streams, bytes a second: what a server has to deliver, containers not counted. */
export function payloadRate(tools: Tools, count: number): number {
  return (count * tools.clip.payloadBytes) / (tools.clip.durationMs / 1000);
}

/** Waits until all players have joined, or long enough: who still has no picture then is counted as not served. */
export async function settled(load: Load<PlayReport>, count: number, rate: number): Promise<void> {
  const deadline = Date.now() + 20_000 + (1000 * count) / rate;
  await load.until((report) => report.playing + report.gone >= count || Date.now() > deadline, 3_600_000);
}
