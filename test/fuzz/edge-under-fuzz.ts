/**
 * Fuzz targets that are connections to a running edge: what a client sends may end that client. The edge goes on, an
 * honest player gets every frame of an honest publisher, and nobody is left behind.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { EdgeProcess } from '../support/edge-process.ts';
import { clip, interFrame, keyframe } from '../support/media.ts';
import fc from '../support/property.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { requests } from './http-grammar.ts';
import type { Target } from './readers.ts';
import { conversation } from './rtmp-grammar.ts';

const config = `
  listen 127.0.0.1:0;
  inotify_auto_reload off;
  max_connections 2000;
  http_api { enabled on; listen 127.0.0.1:0; }
  http_server { enabled on; listen 127.0.0.1:0; }
  edge { client_timeout 2000; }
  vhost __defaultVhost__ {
    min_latency on;
    http_remux { enabled on; }
    edge { http_first_frame_timeout 500; }
  }`;

/** How long a client that still could send is waited for: the edge may rightly go on listening to it. */
const patienceMs = 20;

const edgeTargets = {
  conversation: { protocol: 'rtmp', input: conversation },
  http: { protocol: 'http', input: requests },
  api: { protocol: 'http-api', input: requests },
} as const;

export type EdgeTargetName = keyof typeof edgeTargets;
export const edgeTargetNames = Object.keys(edgeTargets) as EdgeTargetName[];

export class EdgeUnderFuzz {
  readonly #edge: EdgeProcess;
  readonly #publisher: RtmpPeer;
  readonly #player: RtmpPeer;
  #frame = 0;
  #logged = 0;

  private constructor(edge: EdgeProcess, publisher: RtmpPeer, player: RtmpPeer) {
    this.#edge = edge;
    this.#publisher = publisher;
    this.#player = player;
  }

  static async start(): Promise<EdgeUnderFuzz> {
    const edge = await EdgeProcess.start(config);
    const publisher = await RtmpPeer.publisher({ port: edge.port() }, 'honest');
    publisher.send(...clip());
    const player = await RtmpPeer.player({ port: edge.port() }, 'honest');
    await player.frames(13);
    return new EdgeUnderFuzz(edge, publisher, player);
  }

  async stop(): Promise<void> {
    await this.#edge.kill();
  }

  /** Sends what the target's grammar makes, one connection for each input. */
  target(name: EdgeTargetName): Target {
    const { protocol, input } = edgeTargets[name];
    return { name, property: fc.asyncProperty(input, async (sent) => await this.#attack(protocol, sent)) };
  }

  async #attack(protocol: string, sent: Buffer): Promise<void> {
    const socket = connect(this.#edge.port(protocol), '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    const closed = once(socket, 'close');
    socket.write(sent);
    const patience = setTimeout(() => socket.destroy(), patienceMs);
    await closed;
    clearTimeout(patience);
    await this.#check();
  }

  /** The next honest picture arrives, and nothing else did. */
  async #check(): Promise<void> {
    const frame = this.#frame++;
    const timeMs = 1_000 + 40 * frame;
    const picture = frame % 25 === 0 ? keyframe(timeMs, 10_000 + frame) : interFrame(timeMs, 10_000 + frame);
    this.#publisher.send(picture);
    await this.#player.next(({ payload }) => payload.equals(picture.payload));
    assert.equal(this.#player.closed || this.#publisher.closed, false);
    assert.equal(this.#edge.child.exitCode, null);
    const fault = this.#edge.log.slice(this.#logged).find(({ level }) => level >= 50);
    this.#logged = this.#edge.log.length;
    assert.equal(fault, undefined, `the edge logged a fault of its own: ${JSON.stringify(fault)}`);
  }
}
