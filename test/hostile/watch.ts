/** Asks `/readyz` again and again and looks at a server's memory, as a kubelet does, from an address of its own. */

import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { MeasuredServer } from './server.ts';

const askIntervalMs = 200;
const lookIntervalMs = 100;
/** One that grows beyond this is killed: it would take the machine with it. */
const killAboveMb = 3_000;
const probeAddress = '127.0.4.1';

export interface Watched {
  /** Longest that an answer took, also one that has not come yet. */
  readonly longestAnswerMs: number;
  /** Answers that were none or not 200. */
  readonly notReady: number;
  readonly killed: boolean;
}

export class Watch {
  readonly #server: MeasuredServer;
  readonly #port: number;
  readonly #timers: readonly NodeJS.Timeout[];
  #askedAtMs: number | undefined;
  /** When the newest question that has an answer was asked. */
  #lastAnsweredMs = 0;
  #longestAnswerMs = 0;
  #notReady = 0;
  #killed = false;

  constructor(server: MeasuredServer, httpPort: number) {
    this.#server = server;
    this.#port = httpPort;
    this.#timers = [setInterval(() => this.#ask(), askIntervalMs), setInterval(() => this.#look(), lookIntervalMs)];
  }

  /** What was seen since the last report. */
  report(): Watched {
    const waitingMs = this.#askedAtMs === undefined ? 0 : performance.now() - this.#askedAtMs;
    const watched = {
      longestAnswerMs: Math.max(this.#longestAnswerMs, waitingMs),
      notReady: this.#notReady,
      killed: this.#killed,
    };
    this.#longestAnswerMs = 0;
    this.#notReady = 0;
    return watched;
  }

  /** Resolves when a question asked from now on is answered: false when that takes longer than `patienceMs`. */
  async answers(patienceMs: number): Promise<boolean> {
    const nowMs = performance.now();
    while (this.#lastAnsweredMs < nowMs) {
      if (performance.now() - nowMs > patienceMs) return false;
      await delay(askIntervalMs);
    }
    return true;
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** One question at a time; the next one when it is answered. */
  #ask(): void {
    if (this.#askedAtMs !== undefined) return;
    const askedAtMs = performance.now();
    this.#askedAtMs = askedAtMs;
    const done = (ok: boolean): void => {
      if (this.#askedAtMs !== askedAtMs) return;
      this.#askedAtMs = undefined;
      this.#lastAnsweredMs = askedAtMs;
      this.#longestAnswerMs = Math.max(this.#longestAnswerMs, performance.now() - askedAtMs);
      if (!ok) this.#notReady++;
    };
    const request = get({
      ...{ host: '127.0.0.1', port: this.#port, path: '/readyz', localAddress: probeAddress, agent: false },
    });
    request.on('error', () => done(false));
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => done(response.statusCode === 200));
      response.on('error', () => done(false));
    });
  }

  #look(): void {
    const memory = this.#server.memory();
    if (memory === undefined || memory.nowMb < killAboveMb || this.#killed) return;
    this.#killed = true;
    this.#server.kill();
  }
}
