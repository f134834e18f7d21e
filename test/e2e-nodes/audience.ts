/**
 * Players and publishers of a tier, who come through its Service as everybody does, and what they see of an event:
 * whether a connection closed, whether times ran on, and how long they waited.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Load, type PlayReport, type PublishReport, play, prepareTools, publish } from '../bench/load.ts';
import { stateDirectory } from '../support/nodes/layout.ts';
import type { Cleaner } from '../support/programs.ts';
import { addRow } from './table.ts';

export interface Crowd {
  readonly rtmpPlayers: number;
  readonly httpPlayers: number;
  /** Each publishes a stream of its own; players are spread over these. */
  readonly publishers: number;
}

export const usualCrowd: Crowd = { rtmpPlayers: 50, httpPlayers: 10, publishers: 2 };

/** What was seen from the beginning of an event until everybody had been served for a while. */
export interface Seen {
  readonly gapMs: number;
  readonly stepMs: number;
  /** Messages whose time lies before that of the one before. */
  readonly backwards: number;
  readonly playersCut: number;
  readonly publishersCut: number;
  /** How long those who were cut were away at most, from the loss to the next frame; 0 where nobody was. */
  readonly awayMs: number;
}

const pollMs = 500;
/** Polls in a row without a long wait that tell that an event is over. */
const calmPolls = 4;
/** A player that is served waits no longer than this: edges merge writes over 0.35 s, and so do origins. */
const servedGapMs = 1500;

export class Audience {
  readonly #players: readonly Load<PlayReport>[];
  readonly #publishers: Load<PublishReport>;
  readonly #crowd: Crowd;
  #cut = { players: 0, publishers: 0 };

  private constructor(crowd: Crowd, players: readonly Load<PlayReport>[], publishers: Load<PublishReport>) {
    this.#crowd = crowd;
    this.#players = players;
    this.#publishers = publishers;
  }

  /** @param address of a Service with the usual ports. Resolves when everybody plays. */
  static async gather(cleaner: Cleaner, address: string, crowd: Crowd = usualCrowd): Promise<Audience> {
    const tools = await prepareTools();
    const log = join(stateDirectory, 'log/audience.log');
    const publishers = publish(tools, log, {
      url: `rtmp://${address}:1935/live/s{}`,
      count: crowd.publishers,
      rejoin: 1,
    });
    cleaner.after(() => publishers.stop());
    await publishers.until((report) => report.sending === crowd.publishers, 30_000);
    const options = (count: number) =>
      ({ count, streams: crowd.publishers, sample: count, rejoin: 1, rate: 50 }) as const;
    const urls = [
      [`rtmp://${address}:1935/live/s{}`, crowd.rtmpPlayers],
      [`http://${address}:8080/live/s{}.flv`, crowd.httpPlayers],
    ] as const;
    const players = urls
      .filter(([, count]) => count > 0)
      .map(([url, count]) => play(tools, log, { url, ...options(count) }));
    for (const each of players) cleaner.after(() => each.stop());
    for (const each of players) await each.until((report) => report.playing === report.count, 60_000);
    return new Audience(crowd, players, publishers);
  }

  /**
   * Does something to the tier, and watches until everybody is served again.
   * @param patienceMs after `act` is done
   * @param note is printed beside the figures; made when all is over
   */
  async watch(event: string, act: () => Promise<unknown>, options: WatchOptions = {}): Promise<Seen> {
    const { patienceMs = 60_000, note } = options;
    await this.#poll();
    const sight: Sight = { gapMs: 0, stepMs: 0, backwards: 0, awayMs: 0 };
    const before = { ...this.#cut };
    let done = false;
    const acting = act().finally(() => {
      done = true;
    });
    // What it throws is thrown below; until then it is nobody's fault.
    acting.catch(() => {});
    let calm = 0;
    for (let deadline = Number.POSITIVE_INFINITY; calm < calmPolls; ) {
      await delay(pollMs);
      calm = (await this.#poll(sight)) && done ? calm + 1 : 0;
      if (done && deadline === Number.POSITIVE_INFINITY) deadline = Date.now() + patienceMs;
      if (Date.now() > deadline) throw new Error(`${event}: not everybody is served after ${patienceMs} ms`);
    }
    await acting;
    const seen: Seen = {
      ...sight,
      playersCut: this.#cut.players - before.players,
      publishersCut: this.#cut.publishers - before.publishers,
    };
    addRow({ atMs: Date.now(), event, ...seen, note: note?.() ?? '' });
    return seen;
  }

  /** Takes a look; tells whether everybody was served since the last one. */
  async #poll(sight?: Sight): Promise<boolean> {
    const [published, ...played] = await Promise.all([
      this.#publishers.report(),
      ...this.#players.map((each) => each.report()),
    ]);
    this.#cut = { players: sum(played.map(({ cut }) => cut)), publishers: published.cut };
    if (sight !== undefined) {
      for (const { worstGapMs, worstStepMs, backwards } of played) {
        sight.gapMs = Math.max(sight.gapMs, worstGapMs);
        sight.stepMs = Math.max(sight.stepMs, worstStepMs);
        sight.backwards += backwards;
      }
      for (const { back } of [published, ...played]) sight.awayMs = Math.max(sight.awayMs, back?.max ?? 0);
    }
    const isServed = ({ playing, count, worstGapMs }: PlayReport) => playing === count && worstGapMs < servedGapMs;
    return published.sending === this.#crowd.publishers && played.every(isServed);
  }
}

export interface WatchOptions {
  readonly patienceMs?: number;
  readonly note?: () => string;
}

interface Sight {
  gapMs: number;
  stepMs: number;
  backwards: number;
  awayMs: number;
}

/** No connection closed, and no player's time ran back. */
export function assertNobodyCut(seen: Seen): void {
  assertTimesRanOn(seen);
  const { playersCut, publishersCut } = seen;
  assert.deepEqual({ playersCut, publishersCut }, { playersCut: 0, publishersCut: 0 });
}

export function assertTimesRanOn({ backwards }: Seen): void {
  assert.equal(backwards, 0, 'times ran back');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
