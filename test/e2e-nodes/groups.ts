/** Players who come and leave a group at a time, each group a load program of its own. */

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Load, type PlayReport, play, prepareTools, type Tools } from '../bench/load.ts';
import { stateDirectory } from '../support/nodes/layout.ts';
import type { Cleaner } from '../support/programs.ts';

/** What a group saw while it was there. */
interface GroupSight {
  playing: number;
  cut: number;
  gone: number;
  backwards: number;
  gapMs: number;
  stepMs: number;
}

/** What all saw, those who have left, too. */
export type GroupsSight = Readonly<GroupSight>;

interface Group {
  readonly load: Load<PlayReport>;
  readonly sight: GroupSight;
}

/** Of each group so many are parsed all the time. */
const sample = 10;
const log = join(stateDirectory, 'log/audience.log');

export class Groups {
  readonly #tools: Tools;
  readonly #address: string;
  readonly #streams: number;
  readonly #present: Group[] = [];
  readonly #left: GroupSight[] = [];
  /** Reports are told one after the other. */
  #asking: Promise<unknown> = Promise.resolve();

  private constructor(tools: Tools, address: string, streams: number) {
    this.#tools = tools;
    this.#address = address;
    this.#streams = streams;
  }

  /** @param address of the Service that they come by; @param streams `s0`, `s1` … that they are spread over */
  static async open(cleaner: Cleaner, address: string, streams: number): Promise<Groups> {
    const groups = new Groups(await prepareTools(), address, streams);
    cleaner.after(() => groups.#close());
    return groups;
  }

  get count(): number {
    return this.#present.length;
  }

  /** @param count players, who come within `seconds`. Resolves when all of them play. */
  async come(protocol: 'rtmp' | 'http', count: number, seconds: number): Promise<void> {
    const url =
      protocol === 'rtmp' ? `rtmp://${this.#address}:1935/live/s{}` : `http://${this.#address}:8080/live/s{}.flv`;
    const rate = Math.max(1, Math.ceil(count / seconds));
    const load = play(this.#tools, log, { url, count, streams: this.#streams, sample, rejoin: 1, rate });
    const group: Group = { load, sight: { playing: 0, cut: 0, gone: 0, backwards: 0, gapMs: 0, stepMs: 0 } };
    this.#present.push(group);
    while (group.sight.playing < count) {
      await this.look();
      await delay(500);
    }
  }

  /** The group that came last leaves: its connections close. */
  async leave(): Promise<void> {
    await this.look();
    const group = this.#present.pop();
    if (group === undefined) return;
    this.#left.push({ ...group.sight, playing: 0 });
    await group.load.stop();
  }

  /** Asks all groups. */
  look(): Promise<GroupsSight> {
    const asked = this.#asking.then(() => this.#look());
    this.#asking = asked.catch(() => {});
    return asked;
  }

  async #look(): Promise<GroupsSight> {
    const asking = this.#present.map(async ({ load, sight }) => {
      const { playing, cut, gone, backwards, worstGapMs, worstStepMs } = await load.report();
      Object.assign(sight, { playing, cut, gone });
      sight.backwards += backwards;
      sight.gapMs = Math.max(sight.gapMs, worstGapMs);
      sight.stepMs = Math.max(sight.stepMs, worstStepMs);
    });
    await Promise.all(asking);
    const all = [...this.#left, ...this.#present.map(({ sight }) => sight)];
    const sum = (of: (sight: GroupSight) => number) => all.reduce((total, sight) => total + of(sight), 0);
    return {
      playing: sum(({ playing }) => playing),
      cut: sum(({ cut }) => cut),
      gone: sum(({ gone }) => gone),
      backwards: sum(({ backwards }) => backwards),
      gapMs: Math.max(0, ...all.map(({ gapMs }) => gapMs)),
      stepMs: Math.max(0, ...all.map(({ stepMs }) => stepMs)),
    };
  }

  async #close(): Promise<void> {
    await Promise.all(this.#present.splice(0).map(({ load }) => load.stop()));
  }
}
