/** Watch: plays a stream, says how it plays here and how it is at the edge, and lists others that are live. */

import { byId, make, setName, setPairs, setText } from './dom.js';
import { Screen } from './screen.js';
import { drawSparkline, makeSparkline } from './sparkline.js';
import { Table } from './table.js';
import { rememberVolume } from './volume.js';
import { audioWords, count, none, rate, time, videoWords } from './words.js';

const figuresEveryMs = 1_000;
const listed = 8;

export class Watch {
  #api;
  #screen;
  #path = '';
  #last;
  #fps;
  #spark = makeSparkline();
  #live = new Table({
    name: 'Live streams',
    keyOf: ({ name }) => name,
    columns: [
      { label: 'Stream', begin: (cell, row) => cell.append(watchLink(row)), show: () => {}, wide: true },
      { label: 'Players', number: true, text: ({ players }) => String(players) },
      { label: 'In', number: true, text: ({ in_kbps }) => rate(in_kbps) },
    ],
  });

  constructor(api) {
    this.#api = api;
    const video = byId('video');
    rememberVolume(byId('screen'), video);
    this.#screen = new Screen(video, (text) => setText(byId('message'), text));
    byId('live').append(this.#live.holder);
    byId('watched-line').append(this.#spark);
    byId('form').addEventListener('submit', (event) => {
      event.preventDefault();
      const path = byId('path').value.trim();
      const hash = `#${path.startsWith('/') ? '' : '/'}${path}`;
      // The same path once more: tried at once.
      if (location.hash === hash) this.play(hash.slice(1));
      else location.hash = hash;
    });
    byId('websocket').addEventListener('change', () => this.#path !== '' && this.play(this.#path));
    setInterval(() => this.#showFigures(), figuresEveryMs);
  }

  get path() {
    return this.#path;
  }

  play(path) {
    this.#path = path;
    byId('path').value = path;
    document.title = `${path} · edgecluster`;
    setName(byId('watched'), path);
    const say = (text) => setText(byId('message'), text);
    this.#screen.stop();
    if (!mpegts.isSupported()) return say('This browser has no Media Source Extensions.');
    const base = this.#base();
    if (typeof base === 'string') return say(base);
    const url = URL.parse(path, base);
    if (url === null || url.origin !== base.origin) return say('This is no path of a stream.');
    if (byId('websocket').checked) url.protocol = url.protocol.replace('http', 'ws');
    this.#last = undefined;
    this.#screen.play(url);
  }

  /** Asks for the streams that are live, and for the one that plays. */
  async poll(isLate) {
    const watched = this.#path.split('?')[0].replace(/\.flv$/, '');
    const [status, own] = await Promise.all([
      this.#api.status(`live=on&count=${listed}`),
      watched === '' ? undefined : this.#api.status(`history=on&count=20&match=${encodeURIComponent(nameOf(watched))}`),
    ]);
    if (isLate()) return undefined;
    this.#live.show(status.streams, 'No stream is live now.');
    this.#showStream(own?.streams.find(({ play }) => play?.split('?')[0] === this.#path.split('?')[0]));
    return status;
  }

  /** Where streams are: here, or at another port of this host; or why there are none. */
  #base() {
    const { streams } = this.#api.offers;
    if (streams === null) return new URL(location.href);
    const { protocol, hostname } = location;
    const port = protocol === 'https:' ? streams.https : streams.http;
    if (port === null)
      return `This edge serves no streams by ${protocol === 'https:' ? 'HTTPS' : 'HTTP'} (http_server).`;
    if (!streams.crossdomain) {
      return `http_server { crossdomain off; } keeps this page from playing: open it at port ${port}.`;
    }
    return new URL(`${protocol}//${hostname}:${port}/`);
  }

  /** How it plays here. */
  #showFigures() {
    const isPlaying = this.#screen.isPlaying;
    byId('screen').classList.toggle('idle', !isPlaying);
    if (!isPlaying)
      return setPairs(byId('playback'), [['Playback', this.#path === '' ? 'nothing is played' : 'not playing']]);
    const now = { ...this.#screen.figures, atMs: performance.now() };
    const last = this.#last;
    if (last !== undefined && now.frames >= last.frames) {
      this.#fps = ((now.frames - last.frames) * 1000) / (now.atMs - last.atMs);
    }
    this.#last = now;
    const { behindMs, stalls, stalledMs, speed, dropped, width, height } = now;
    setPairs(byId('playback'), [
      ['Behind live', time(Math.round(behindMs / 100) * 100)],
      ['Stalls', stalls === 0 ? '0' : `${stalls} (${time(stalledMs)})`],
      ['Size', width > 0 ? `${width} × ${height}` : none],
      ['Frames shown', this.#fps === undefined ? none : `${Math.round(this.#fps)} /s`],
      ['Frames dropped', String(dropped)],
      ['Bit rate', rate(speed === undefined ? null : speed * 8)],
    ]);
  }

  /** How it is at the edge. */
  #showStream(stream) {
    const line = byId('watched-line');
    line.hidden = stream === undefined;
    if (stream === undefined) return setPairs(byId('stream'), []);
    const { video, audio, fps, in_kbps, origin, players, switches, last_gap_ms, first_frame_ms } = stream;
    setPairs(byId('stream'), [
      ['State', stream.state],
      ['Video', videoWords(video) ?? 'none'],
      ['Audio', audioWords(audio) ?? 'none'],
      ['Frame rate', fps === null ? none : `${fps} /s`],
      ['Bit rate', rate(in_kbps)],
      ['Origin in use', origin ?? (stream.published_here ? 'published here' : none)],
      ['Players', String(players)],
      [
        'Switches',
        switches === 0 ? '0' : `${count(switches, 'switch').replace(/hs$/, 'hes')}, last gap ${time(last_gap_ms)}`,
      ],
      ['First frame after', time(first_frame_ms)],
    ]);
    drawSparkline(this.#spark, stream.history.out_kbps, rate, 'To players');
  }
}

/** A stream's name as the edge knows it, from its path: the part that all mount patterns have. */
function nameOf(path) {
  try {
    return decodeURIComponent(path.split('/').at(-1));
  } catch {
    return path;
  }
}

export function watchLink({ name, play }) {
  const element = play === null ? make('span') : make('a', { href: `#${play}` });
  setName(element, name);
  return element;
}
