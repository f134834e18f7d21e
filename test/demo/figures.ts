/** Gathers what edges tell and players saw: for the table while the demo runs, for the verdict at its end. */

import type { Hls, HlsSight } from './hls.ts';
import type { Players } from './players.ts';
import type { Publisher } from './publisher.ts';
import type { Edge, EdgeStatus, Origin } from './servers.ts';
import type { Outcome } from './verdict.ts';
import type { EdgeRow, OriginRow, View } from './view.ts';

/** HLS beside the edges, or why there is none. */
export type HlsPart = { readonly hls: Hls } | { readonly missing: string };

/** All that is running. */
export interface Scene {
  readonly origins: readonly Origin[];
  readonly edges: readonly Edge[];
  readonly publisher: Publisher;
  readonly players: readonly Players[];
  readonly hls: HlsPart;
  /** What the edges run. */
  readonly configFile: string;
}

export class Figures {
  readonly #scene: Scene;
  readonly #startMs = performance.now();
  readonly #statuses = new Map<Edge, EdgeStatus>();
  #kills = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** Asks the edges. */
  async look(signal: AbortSignal): Promise<void> {
    for (const edge of this.#scene.edges) this.#statuses.set(edge, await edge.status(signal));
  }

  /** The origin that the first edge pulls from, as far as both origins have the stream. */
  get originInUse(): Origin | undefined {
    const { origins, edges, publisher } = this.#scene;
    if (!origins.every((origin) => publisher.reaches(origin))) return undefined;
    const used = edges.map((edge) => this.#statuses.get(edge)?.origin)[0];
    return origins.find(({ address }) => address === used);
  }

  killing(): void {
    this.#kills++;
    const nowMs = performance.now();
    for (const { watches } of this.#scene.players) for (const watch of watches) watch.killed(nowMs);
  }

  view(): View {
    const { origins, players } = this.#scene;
    const nowMs = performance.now();
    return {
      elapsedMs: nowMs - this.#startMs,
      kills: this.#kills,
      edges: players.map((each) => this.#edgeRow(each, nowMs)),
      origins: origins.map((origin) => this.#originRow(origin)),
      hls: this.#hlsSight,
    };
  }

  outcome(failure: string | undefined): Outcome {
    const { players } = this.#scene;
    const nowMs = performance.now();
    const watches = players.flatMap((each) => each.watches);
    return {
      elapsedMs: nowMs - this.#startMs,
      players: watches.length,
      cutOff: players.flatMap(({ cutOff }) => cutOff),
      sights: watches.map(({ sight }) => sight),
      longestGapMs: Math.max(...watches.map((watch) => watch.longestGapMs(nowMs))),
      kills: this.#kills,
      hls: this.#hlsSight,
      failure,
    };
  }

  get #hlsSight(): HlsSight | undefined {
    const { hls } = this.#scene;
    return 'hls' in hls ? hls.hls.sight : undefined;
  }

  #edgeRow({ edge, watches, cutOff }: Players, nowMs: number): EdgeRow {
    const { players = 0, origin = null, switches = 0 } = this.#statuses.get(edge) ?? {};
    const switchGapsMs = watches.map((watch) => watch.switchGapMs(nowMs)).filter((gapMs) => gapMs !== undefined);
    return {
      name: edge.name,
      players,
      cutOff: cutOff.length,
      origin,
      switches,
      switchGapMs: switchGapsMs.length === 0 ? undefined : Math.max(...switchGapsMs),
      longestGapMs: Math.max(...watches.map((watch) => watch.longestGapMs(nowMs))),
      missing: watches.reduce((sum, { sight }) => sum + sight.missing, 0),
    };
  }

  #originRow(origin: Origin): OriginRow {
    const { name, address } = origin;
    const hasStream = this.#scene.publisher.reaches(origin);
    const state = !origin.running ? 'killed, comes back soon' : hasStream ? 'has the stream' : 'waits for the stream';
    return { name, address, state };
  }
}
