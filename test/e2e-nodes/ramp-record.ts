/** What a ramp of players does to a tier, looked at again and again, and the plot of it. */

import { setTimeout as delay } from 'node:timers/promises';
import { type Point, plotSvg } from '../plot/plot.ts';
import type { Groups, GroupsSight } from './groups.ts';
import { clientsOf, type Scene } from './scene.ts';

export interface Moment {
  readonly seconds: number;
  readonly players: number;
  readonly cut: number;
  /** Edges that are wanted, that are ready, and that drain. */
  readonly wanted: number;
  readonly ready: number;
  readonly draining: number;
  /** Clients of the edge that has most, and on average, of those that do not drain. */
  readonly mostClients: number;
  readonly meanClients: number;
}

const lookEveryMs = 2_000;

export class RampRecord {
  readonly moments: Moment[] = [];
  sight: GroupsSight | undefined;
  readonly #scene: Scene;
  readonly #groups: Groups;
  readonly #beganMs = performance.now();
  #stopped = false;
  readonly #looking: Promise<void>;

  constructor(scene: Scene, groups: Groups) {
    this.#scene = scene;
    this.#groups = groups;
    this.#looking = this.#look();
    // Whoever stops it is told.
    this.#looking.catch(() => {});
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#looking;
  }

  async #look(): Promise<void> {
    while (!this.#stopped) {
      const [sight, tier, edges] = await Promise.all([this.#groups.look(), this.#scene.tier(), this.#scene.edges()]);
      const clients = edges.flatMap((edge) => {
        try {
          return clientsOf(this.#scene.processOf(edge));
        } catch {
          return []; // It is starting or ending.
        }
      });
      const { readyReplicas = 0, drainingReplicas = 0 } = tier.status ?? {};
      this.sight = sight;
      this.moments.push({
        seconds: (performance.now() - this.#beganMs) / 1_000,
        players: sight.playing,
        cut: sight.cut + sight.gone,
        wanted: tier.spec.replicas,
        ready: readyReplicas,
        draining: drainingReplicas,
        mostClients: Math.max(0, ...clients),
        meanClients: clients.reduce((total, each) => total + each, 0) / Math.max(1, clients.length),
      });
      await delay(lookEveryMs);
    }
  }
}

/** @param target clients that an edge may have, as the manifest says */
export function rampPlot(moments: readonly Moment[], target: number): string {
  const points = (of: (moment: Moment) => number): Point[] => moments.map((moment) => [moment.seconds, of(moment)]);
  const most = (of: (moment: Moment) => number): number => Math.max(0, ...moments.map(of));
  const isStepped = true;
  return plotSvg({
    title: 'A ramp of players on real nodes',
    description: `${most(({ players }) => players)} players at most came and left; there were up to ${most(({ ready }) => ready)} edges; ${most(({ cut }) => cut)} players were cut.`,
    panels: [
      {
        title: 'Players',
        series: [
          { name: 'playing', colour: 'blue', points: points(({ players }) => players) },
          { name: 'cut', colour: 'orange', points: points(({ cut }) => cut), isStepped },
        ],
      },
      {
        title: 'Edges',
        series: [
          { name: 'wanted', colour: 'grey', points: points(({ wanted }) => wanted), isStepped, isDashed: true },
          { name: 'ready', colour: 'green', points: points(({ ready }) => ready), isStepped },
        ],
      },
      {
        title: 'Players of an edge',
        series: [
          { name: `target, ${target}`, colour: 'grey', points: points(() => target), isDashed: true },
          { name: 'of the fullest', colour: 'orange', points: points(({ mostClients }) => mostClients) },
          { name: 'on average', colour: 'blue', points: points(({ meanClients }) => meanClients) },
        ],
      },
      {
        title: 'Edges that drain',
        series: [{ name: 'draining', colour: 'orange', points: points(({ draining }) => draining), isStepped }],
      },
    ],
  });
}
