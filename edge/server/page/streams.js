/** Streams: sorted, filtered and paged by the edge, with a line of the last ten minutes; more of one when it is opened. */

import { byId, make, setPairs, setText } from './dom.js';
import { Pager, pageSize } from './pager.js';
import { drawSparkline, makeSparkline } from './sparkline.js';
import { Table } from './table.js';
import { watchLink } from './watch.js';
import { audioWords, count, duration, moment, none, rate, time, videoWords } from './words.js';

/** Lines change every ten seconds: they are asked for in one of so many turns. */
const historyEvery = 4;

/** How good a state is, by colour. */
export const moods = {
  live: 'good',
  up: 'good',
  pushed: 'good',
  connecting: 'warn',
  reconnecting: 'warn',
  suspect: 'warn',
  down: 'bad',
};

export class Streams {
  #api;
  #poll;
  #query = { sort: 'state', order: 'asc' };
  #turn = 0;
  #lines = new Map();
  #pager = new Pager(byId('streams-pager'), () => this.#asked());
  #table = new Table({
    name: 'Streams',
    keyOf: ({ name }) => name,
    sorted: (sort, order) => this.#sort(sort, order),
    detail: { show: (cell, stream) => showDetail(cell, stream) },
    columns: [
      {
        label: 'Stream',
        sort: 'name',
        first: 'asc',
        wide: true,
        begin: (cell, stream) => cell.append(watchLink(stream)),
        show: () => {},
      },
      { label: 'State', sort: 'state', first: 'asc', show: showState },
      { label: 'Players', sort: 'players', number: true, text: ({ players }) => String(players) },
      { label: 'In', sort: 'in', number: true, text: ({ in_kbps }) => rate(in_kbps) },
      { label: 'Out', sort: 'out', number: true, text: ({ kbps }) => rate(kbps.send_30s) },
      {
        label: 'Ten minutes',
        begin: (cell) => cell.append(makeSparkline()),
        show: (cell, { name }) =>
          drawSparkline(cell.firstElementChild, this.#lines.get(name) ?? [], rate, 'To players'),
      },
      {
        label: 'Origin in use',
        full: true,
        text: ({ origin, published_here }) => origin ?? (published_here ? 'published here' : none),
      },
      { label: 'Switches', sort: 'switches', number: true, text: switchWords },
      {
        label: 'Details',
        hidden: true,
        begin: (cell, stream) => cell.append(this.#detailButton(stream)),
        show: () => {},
      },
    ],
  });
  #origins = new Table({
    name: 'Origins',
    keyOf: ({ name }) => name,
    columns: [
      { label: 'Origin', text: ({ name }) => name, wide: true },
      { label: 'State', show: showState },
      { label: 'For', number: true, text: ({ for_ms }) => duration(for_ms) },
      { label: 'Connections', number: true, text: ({ connections }) => String(connections) },
      { label: 'Why', full: true, text: ({ reason }) => reason || none },
    ],
  });

  /** @param poll asks anew when something else is wanted */
  constructor(api, poll) {
    this.#api = api;
    this.#poll = poll;
    byId('streams-table').append(this.#table.holder);
    byId('origins-table').append(this.#origins.holder);
    this.#table.markSort('state', 'asc');
    for (const id of ['streams-match', 'streams-live']) byId(id).addEventListener('input', () => this.#again());
    byId('streams-sort').addEventListener('change', ({ target }) => this.#sort(...target.value.split(' ')));
  }

  async poll(isLate) {
    const query = new URLSearchParams({ ...this.#query, start: this.#pager.start, count: pageSize });
    const match = byId('streams-match').value.trim();
    if (match !== '') query.set('match', match);
    if (byId('streams-live').checked) query.set('live', 'on');
    if (this.#turn % historyEvery === 0) query.set('history', 'on');
    const status = await this.#api.status(query);
    if (isLate()) return undefined;
    this.#turn++;
    if (this.#pager.show(status.streams_matching)) return status;
    this.#keepLines(status.streams);
    const { streams_total: total, streams_matching: matching } = status;
    setText(
      byId('streams-count'),
      matching === total ? count(total, 'stream') : `${matching} of ${count(total, 'stream')}`,
    );
    this.#table.show(status.streams, total === 0 ? 'No stream is played or published now.' : 'No stream is like that.');
    // By the edge's clock: that of the browser may be another.
    const origins = status.origins.map((origin) => ({ ...origin, for_ms: status.now_ms - origin.since_ms }));
    this.#origins.show(origins, 'No origins: streams are published on this edge.');
    return status;
  }

  #keepLines(streams) {
    if (streams[0]?.history === undefined) return;
    this.#lines = new Map(streams.map(({ name, history }) => [name, history.out_kbps]));
  }

  #sort(sort, order) {
    this.#query = { sort, order };
    this.#table.markSort(sort, order);
    const select = byId('streams-sort');
    const value = `${sort} ${order}`;
    select.value = [...select.options].some((option) => option.value === value) ? value : '';
    this.#again();
  }

  #again() {
    this.#pager.begin();
    this.#asked();
  }

  #asked() {
    this.#turn = 0;
    this.#poll();
  }

  #detailButton(stream) {
    const button = make('button', { type: 'button', className: 'plain', 'aria-expanded': 'false' }, 'Details');
    button.append(make('span', { className: 'unseen' }, ` of ${stream.name}`));
    button.addEventListener('click', () => {
      button.setAttribute('aria-expanded', String(this.#table.toggle(stream.name)));
    });
    return button;
  }
}

function showState(cell, { state }) {
  const mark = cell.firstElementChild ?? cell.appendChild(make('span'));
  mark.className = `state ${moods[state] ?? 'faint'}`;
  setText(mark, state);
}

function switchWords({ switches, last_gap_ms }) {
  return switches === 0 ? '0' : `${switches} (${time(last_gap_ms)})`;
}

function showDetail(cell, stream) {
  if (cell.firstElementChild === null) {
    cell.append(make('div', {}, make('dl', { className: 'pairs' }), make('ol', { className: 'log' })));
  }
  const [pairs, list] = cell.firstElementChild.children;
  const { video, audio, fps, first_frame_ms, slowest_first_frame_ms, switched } = stream;
  const firstFrame = `${time(first_frame_ms)} (slowest ${time(slowest_first_frame_ms)})`;
  setPairs(pairs, [
    ['Video', videoWords(video) ?? 'none'],
    ['Audio', audioWords(audio) ?? 'none'],
    ['Frame rate', fps === null ? none : `${fps} /s`],
    ['First frame after', first_frame_ms === null ? none : firstFrame],
    ['Switches', switched.length === 0 ? 'none lately' : `the last ${switched.length}`],
  ]);
  const key = switched.map(({ at_ms }) => at_ms).join();
  list.hidden = switched.length === 0;
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...switched.map(switchLine));
}

function switchLine({ at_ms, from, to, gap_ms }) {
  const at = make('time', { dateTime: new Date(at_ms).toISOString() }, moment(at_ms));
  const way = from === to ? `on at ${to}` : `from ${from} to ${to}`;
  return make('li', {}, at, ` ${way}, no frame for ${time(gap_ms)}`);
}
