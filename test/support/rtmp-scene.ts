/** What most scenarios with RTMP begin with; everything started is ended with the test. */

import type { TestContext } from 'node:test';
import { EdgeProcess } from './edge-process.ts';
import { RtmpOrigin } from './rtmp-origin.ts';
import { RtmpPeer } from './rtmp-peer.ts';

export const stream = 'livestream';

/** Any test that lasts longer has failed. */
export const testOptions = { timeout: 90_000 };

/** An edge, or an origin in `mode local`, as a process of its own. */
export async function startEdge(t: TestContext, config: string): Promise<EdgeProcess> {
  const edge = await EdgeProcess.start(config);
  t.after(() => edge.kill());
  return edge;
}

/** A scripted origin. */
export async function startOrigin(t: TestContext, ...args: Parameters<typeof RtmpOrigin.start>): Promise<RtmpOrigin> {
  const origin = await RtmpOrigin.start(...args);
  t.after(() => origin.die());
  return origin;
}

/** A port that nothing listens on, as an origin that can be brought up later. */
export async function deadOrigin(t: TestContext, ...args: Parameters<typeof RtmpOrigin.start>): Promise<RtmpOrigin> {
  const origin = await startOrigin(t, ...args);
  await origin.die();
  return origin;
}

export async function player(t: TestContext, edge: EdgeProcess, name = stream): Promise<RtmpPeer> {
  const peer = await RtmpPeer.player({ port: edge.port() }, name);
  t.after(() => peer.reset());
  return peer;
}

export async function publisher(t: TestContext, edge: EdgeProcess, name = stream): Promise<RtmpPeer> {
  const peer = await RtmpPeer.publisher({ port: edge.port() }, name);
  t.after(() => peer.reset());
  return peer;
}

/** Reloads a configuration; resolves when it is in force. */
export async function reload(edge: EdgeProcess, config: string): Promise<void> {
  const since = edge.log.length;
  edge.configure(config);
  edge.signal('SIGHUP');
  await edge.logged(({ msg }) => msg === 'configuration changed', since);
}
