/** The streams as the page and the console list them: live ones first unless another order is asked for. */

import { streamKey, streamUrl } from '../../stream/name.ts';
import { pointEveryMs } from '../console/curve.ts';
import type { PastFigures } from '../console/past-figures.ts';
import { ratesNow, type StreamPast } from '../console/past-figures.ts';
import type { Gateway } from '../gateway.ts';
import { contentFigures, flvPath, type StreamEntry, streamEntries } from './figures.ts';
import { byText, selected, type Wanted, type WrongQuery, wantedBy } from './list.ts';
import type { Traffic } from './traffic.ts';

/** Streams in an answer that asks for no other number. */
const countDefault = 200;

const sorts = ['state', 'name', 'players', 'in', 'out', 'switches'] as const;
type Sort = (typeof sorts)[number];

/** `live=on`: those alone that have media now. `history=on`: with their lines of the last ten minutes. */
export interface StreamQuery extends Wanted<Sort> {
  readonly liveOnly: boolean;
  readonly history: boolean;
}

export function streamQuery(query: URLSearchParams): StreamQuery | WrongQuery {
  const wanted = wantedBy(query, sorts, countDefault);
  if ('wrong' in wanted) return wanted;
  return { ...wanted, liveOnly: query.get('live') === 'on', history: query.get('history') === 'on' };
}

/** What a stream is sorted by, read once. */
interface Row {
  readonly entry: StreamEntry;
  readonly url: string;
  readonly state: string;
  readonly by: number | string;
}

/** Best first. */
const states = ['live', 'pushed', 'reconnecting', 'connecting', 'lingering', 'idle'];

export class StreamList {
  readonly #gateway: Gateway;
  readonly #traffic: Traffic;
  readonly #past: PastFigures;

  constructor(gateway: Gateway, traffic: Traffic, past: PastFigures) {
    this.#gateway = gateway;
    this.#traffic = traffic;
    this.#past = past;
  }

  /** @param host the request's host name: the paths in the answer work with it */
  async read(query: StreamQuery, host: string): Promise<{ readonly matching: number; readonly streams: object[] }> {
    const matches = ({ url, entry, state }: Row): boolean =>
      (!query.liveOnly || state === 'live' || state === 'pushed') && isMatch(query.match, url, entry);
    const sign = query.descending ? -1 : 1;
    const compare = (one: Row, other: Row): number =>
      sign * difference(one.by, other.by) ||
      rank(one.state) - rank(other.state) ||
      playersOf(other.entry) - playersOf(one.entry) ||
      byText(one.url, other.url);
    const { items, matching } = await selected(this.#rows(query.sort), query, matches, compare);
    return { matching, streams: items.map((row) => this.#figures(row, query.history, host)) };
  }

  *#rows(sort: Sort): Generator<Row> {
    for (const entry of streamEntries(this.#gateway.hub)) {
      const row = { entry, url: streamUrl(entry.name), state: entry.live?.source?.state ?? 'pushed' };
      yield { ...row, by: this.#sortedBy(sort, row) };
    }
  }

  #sortedBy(sort: Sort, { entry, url, state }: Omit<Row, 'by'>): number | string {
    const key = streamKey(entry.name);
    switch (sort) {
      case 'state':
        return rank(state);
      case 'name':
        return url;
      case 'players':
        return playersOf(entry);
      case 'in':
        return ratesNow(this.#past.ofStream(key), entry.live)?.inKbps ?? 0;
      case 'out':
        return this.#traffic.ofStream(key).kbps.send_30s;
      case 'switches':
        return entry.live?.stats.splices ?? 0;
    }
  }

  #figures({ entry: { name, live, published }, url, state }: Row, history: boolean, host: string): object {
    const key = streamKey(name);
    const past = this.#past.ofStream(key);
    const rates = ratesNow(past, live);
    const gapMs = live?.stats.lastSpliceGapMs;
    return {
      name: url,
      play: flvPath(this.#gateway, name, host) ?? null,
      state,
      origin: live?.source?.origin ?? published?.publication.origin ?? null,
      players: live?.playerCount ?? 0,
      published_here: published !== undefined,
      switches: live?.stats.splices ?? 0,
      last_gap_ms: gapMs === undefined ? null : Math.round(gapMs),
      switched: this.#switches(key),
      ...firstFrames(past),
      ...contentFigures(live ?? published?.publication.content),
      fps: rates === undefined ? null : Math.round(rates.videoFps * 10) / 10,
      in_kbps: rates === undefined ? null : Math.round(rates.inKbps),
      kbps: this.#traffic.ofStream(key).kbps,
      ...(history && { history: lines(past) }),
    };
  }

  /** The last ones, newest first. */
  #switches(key: string): object[] {
    const last = this.#gateway.journal.switchesOf(key).slice(-switchesShown).reverse();
    return last.map(({ atMs: at_ms, happening: { from, to, gapMs: gap_ms } }) => ({ at_ms, from, to, gap_ms }));
  }
}

const switchesShown = 10;

function lines(past: StreamPast | undefined): object {
  return { every_ms: pointEveryMs, in_kbps: past?.inKbps.values() ?? [], out_kbps: past?.outKbps.values() ?? [] };
}

function firstFrames(past: StreamPast | undefined): object {
  const { lastMs, slowestMs } = past?.firstFrames ?? {};
  return {
    first_frame_ms: lastMs === undefined ? null : Math.round(lastMs),
    slowest_first_frame_ms: slowestMs === undefined ? null : Math.round(slowestMs),
  };
}

function isMatch(match: string, url: string, { live, published }: StreamEntry): boolean {
  if (match === '' || url.toLowerCase().includes(match)) return true;
  return (live?.source?.origin ?? published?.publication.origin ?? '').toLowerCase().includes(match);
}

function playersOf({ live }: StreamEntry): number {
  return live?.playerCount ?? 0;
}

function rank(state: string): number {
  const at = states.indexOf(state);
  return at < 0 ? states.length : at;
}

function difference(one: number | string, other: number | string): number {
  return typeof one === 'number' && typeof other === 'number' ? one - other : byText(String(one), String(other));
}
