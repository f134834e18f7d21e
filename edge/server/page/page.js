/**
 * The page at an edge's HTTP port: plays a stream and shows the figures of `/edge/status.json`.
 */

import { Screen } from './screen.js';

const pollEveryMs = 1000;

const element = (id) => document.getElementById(id);
const pathInput = element('path');

/** How good a state is, by colour. */
const moods = {
  live: 'good',
  up: 'good',
  pushed: 'good',
  connecting: 'warn',
  reconnecting: 'warn',
  suspect: 'warn',
  down: 'bad',
};

function say(text) {
  element('message').textContent = text;
}

const screen = new Screen(element('video'), say);

function play(path) {
  pathInput.value = path;
  history.replaceState(null, '', `#${path}`);
  if (!mpegts.isSupported()) return say('This browser has no Media Source Extensions.');
  const url = new URL(path, location.href);
  if (element('websocket').checked) url.protocol = url.protocol.replace('http', 'ws');
  screen.play(url);
}

function cell(content, className = '') {
  const td = document.createElement('td');
  td.className = className;
  td.append(content);
  return td;
}

function playButton({ name, play: path }) {
  if (path === null) return name;
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = name;
  button.addEventListener('click', () => play(path));
  return button;
}

function fill(id, rows, none) {
  const body = element(id);
  // A click takes a moment: the rows are left alone while nothing in them has changed.
  const key = JSON.stringify(rows.map(({ cells }) => cells.map(([content]) => content)));
  if (body.dataset.key === key && rows.length > 0) return;
  body.dataset.key = key;
  const filled = rows.map(({ head, cells }) => {
    const row = document.createElement('tr');
    row.append(cell(head(), cells[0][1]), ...cells.slice(1).map(([content, className]) => cell(content, className)));
    return row;
  });
  if (filled.length === 0) {
    const row = document.createElement('tr');
    const empty = cell(none, 'empty');
    empty.colSpan = 6;
    row.append(empty);
    filled.push(row);
  }
  body.replaceChildren(...filled);
}

function show(status) {
  element('server').textContent = `${status.server} · ${status.version}${status.draining ? ' · draining' : ''}`;
  element('players').textContent = status.players;
  element('publishers').textContent = status.publishers;
  element('total').textContent = status.streams_total;
  element('rate').textContent = (status.kbps.send_30s / 1000).toFixed(1);
  const streams = status.streams.map((stream) => ({
    head: () => playButton(stream),
    cells: [
      [`${stream.name} ${stream.play}`, 'long'],
      [stream.state, moods[stream.state]],
      [stream.origin ?? (stream.published_here ? 'published here' : '–')],
      [String(stream.players), 'number'],
      [String(stream.switches), 'number'],
      [stream.last_gap_ms === null ? '–' : `${stream.last_gap_ms} ms`, 'number'],
    ],
  }));
  fill('streams', streams, 'No stream is played or published now.');
  const origins = status.origins.map(({ name, state, connections, reason }) => ({
    head: () => name,
    cells: [[name], [state, moods[state]], [String(connections), 'number'], [reason || '–', 'long']],
  }));
  fill('origins', origins, 'No origins: streams are published on this edge.');
}

async function poll() {
  try {
    const response = await fetch('/edge/status.json');
    if (response.ok) show(await response.json());
    else element('server').textContent = response.status === 404 ? 'figures are off (page_figures)' : 'no figures';
  } catch {
    element('server').textContent = 'the edge does not answer';
  }
  setTimeout(poll, pollEveryMs);
}

element('form').addEventListener('submit', (event) => {
  event.preventDefault();
  play(pathInput.value);
});
element('websocket').addEventListener('change', () => {
  if (pathInput.value !== '') play(pathInput.value);
});
// mpegts.js is deferred, as this module is: both are there when the document is.
addEventListener('DOMContentLoaded', () => {
  if (location.hash.length > 1) play(decodeURI(location.hash.slice(1)));
  poll();
});
