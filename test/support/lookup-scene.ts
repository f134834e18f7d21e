/**
 * Origins as pods are: each at an address of its own, all at the same port, and a DNS server that has a name for those
 * that a test says. The same encoder publishes to all of them.
 */

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { DnsServer } from './dns-server.ts';
import { audioHeader, videoHeader } from './media.ts';
import { Broadcast } from './rtmp-broadcast.ts';
import type { OriginConnection, RtmpOrigin } from './rtmp-origin.ts';
import type { RtmpPeer } from './rtmp-peer.ts';
import { startOrigin } from './rtmp-scene.ts';

/** Addresses of origins, and one where nobody ever is. */
export const [a, b, c, nobody] = ['127.0.3.1', '127.0.3.2', '127.0.3.3', '127.0.3.9'] as const;

export class LookupScene {
  readonly dns: DnsServer;
  readonly live: Broadcast;
  /** Of all origins. */
  port = 0;
  readonly #context: TestContext;
  readonly #origins = new Map<string, RtmpOrigin>();
  readonly #viewers: OriginConnection[] = [];

  private constructor(t: TestContext, dns: DnsServer) {
    this.#context = t;
    this.dns = dns;
    this.live = new Broadcast(this.#viewers);
    t.after(() => {
      this.live.stop();
      dns.close();
    });
  }

  /** With an origin at each of these addresses. Ends with the test. */
  static async start(t: TestContext, ...hosts: readonly string[]): Promise<LookupScene> {
    const scene = new LookupScene(t, await DnsServer.start());
    for (const host of hosts) await scene.origin(host);
    return scene;
  }

  /** One more origin; without `has` it lacks every stream. */
  async origin(host: string, { has = true } = {}): Promise<RtmpOrigin> {
    const play = (_: string, connection: OriginConnection): void => {
      const timestamp = this.live.timeMs;
      connection.send(videoHeader(timestamp), audioHeader(timestamp));
      this.#viewers.push(connection);
    };
    const origin = await startOrigin(this.#context, has ? { play } : { play: () => {} }, this.port, host);
    this.port = origin.port;
    this.#origins.set(host, origin);
    return origin;
  }

  at(host: string): RtmpOrigin {
    const origin = this.#origins.get(host);
    assert.ok(origin);
    return origin;
  }

  /** Resolves when the player has a frame that is newer than all that were sent so far. */
  async goesOn(peer: RtmpPeer): Promise<void> {
    const atMs = this.live.timeMs;
    await peer.next(({ timestamp }) => timestamp > atMs);
    assert.ok(!peer.closed);
  }
}
