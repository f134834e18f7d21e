/** Players who come one after the other through a Service while something happens; each must get pictures. */

import { RtmpPeer } from '../support/rtmp-peer.ts';

export class Newcomers {
  served = 0;
  /** Why one was not served, for each. */
  readonly failed: string[] = [];
  #stopped = false;
  readonly #coming: Promise<void>;

  constructor(address: string) {
    this.#coming = this.#come(address);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#coming;
  }

  async #come(host: string): Promise<void> {
    while (!this.#stopped) {
      try {
        const player = await RtmpPeer.player({ host, port: 1935 }, 's0');
        await player.frames(10);
        player.end();
        await player.untilClosed();
        this.served++;
      } catch (error) {
        this.failed.push((error as Error).message);
      }
    }
  }
}
