/** What happened lately, in the edge's words. What happened to many streams at once is one line. */

import { make } from './dom.js';
import { count, moment, time } from './words.js';

const togetherMs = 10_000;

const moods = { refusal: 'warn', limit: 'warn', 'reload failed': 'bad', switch: 'warn', 'push switch': 'warn' };

/** @param list an `ol` */
export function showEvents(list, { kept, events }) {
  const groups = grouped(events);
  const key = groups.map(([{ id, times }, ...others]) => `${id} ${times} ${others.length}`).join();
  if (list.dataset.key === `${kept} ${key}`) return;
  list.dataset.key = `${kept} ${key}`;
  const none = kept
    ? 'Nothing has happened yet.'
    : 'Nothing is written down: there is no console (edge { page off; }).';
  if (events.length === 0) return list.replaceChildren(make('li', { className: 'empty' }, none));
  list.replaceChildren(...groups.map(line));
}

function grouped(events) {
  const groups = [];
  for (const event of events) {
    const [first] = groups.at(-1) ?? [];
    if (first !== undefined && isTogether(first, event)) groups.at(-1).push(event);
    else groups.push([event]);
  }
  return groups;
}

function isTogether(one, other) {
  const isSwitch = one.kind === 'switch' || one.kind === 'push switch';
  const same = one.kind === other.kind && one.from === other.from && one.to === other.to;
  return isSwitch && same && one.at_ms - other.at_ms < togetherMs;
}

function line(group) {
  const [{ at_ms, kind, state, text }] = group;
  const at = make('time', { dateTime: new Date(at_ms).toISOString() }, moment(at_ms));
  const mood = kind === 'origin' ? { up: 'good', down: 'bad' }[state] : moods[kind];
  return make('li', { className: mood ?? '' }, at, ' ', make('span', {}, group.length === 1 ? text : together(group)));
}

function together(group) {
  const [{ from, to, kind }] = group;
  const way = from === to ? `go on at ${to}` : `went from ${from} to ${to}`;
  const gaps = group.map(({ gap_ms, gapMs = gap_ms }) => gapMs);
  const gap =
    kind === 'switch' ? `: players had no frame for ${time(Math.min(...gaps))} to ${time(Math.max(...gaps))}` : '';
  return `${count(group.length, 'stream')} ${way}${gap}.`;
}
