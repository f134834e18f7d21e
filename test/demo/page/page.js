/** Plays the stream twice, says whether each picture moves, and which origins there are. */

const lookEveryMs = 500;
const againMs = 1_000;

const byId = (id) => document.getElementById(id);

/** A picture that has not moved between two looks stands still. */
class Picture {
  #video;
  #state;
  #seconds = 0;
  problem = '';

  constructor(name) {
    this.#video = byId(name);
    this.#state = byId(`${name}-state`);
  }

  get video() {
    return this.#video;
  }

  look() {
    const { currentTime, videoWidth, videoHeight } = this.#video;
    const moves = currentTime !== this.#seconds;
    this.#seconds = currentTime;
    const text = moves ? `plays, ${videoWidth} × ${videoHeight}` : this.problem || 'waits';
    if (this.#state.textContent !== text) this.#state.textContent = text;
    this.#state.classList.toggle('good', moves);
  }
}

function playFlv(picture, url) {
  const player = mpegts.createPlayer(
    { type: 'flv', isLive: true, url },
    { liveSync: true, enableStashBuffer: false, autoCleanupSourceBuffer: true },
  );
  const again = () => {
    player.destroy();
    setTimeout(() => playFlv(picture, url), againMs);
  };
  player.on(mpegts.Events.ERROR, again);
  player.on(mpegts.Events.LOADING_COMPLETE, again);
  player.attachMediaElement(picture.video);
  player.load();
  player.play()?.catch(() => {});
}

/** By the browser itself: Chromium from 142 on, Edge, Safari, and those of phones. */
function playHls(picture, url) {
  const { video } = picture;
  if (video.canPlayType('application/vnd.apple.mpegurl') === '') {
    picture.problem = 'This browser does not play HLS by itself; VLC, mpv and ffplay play the address below.';
    return;
  }
  const load = () => {
    video.src = url;
    video.play()?.catch(() => {});
  };
  video.addEventListener('error', () => setTimeout(load, againMs));
  load();
}

function showOrigins(origins) {
  byId('origins').replaceChildren(
    ...origins.map(({ name, address, state }) => {
      const item = document.createElement('li');
      const word = document.createElement('span');
      word.textContent = state;
      word.classList.toggle('good', state.startsWith('has'));
      word.classList.toggle('bad', state.startsWith('killed'));
      item.append(`${name} ${address} `, word);
      return item;
    }),
  );
}

function showFigures({ kills, edges, hls }) {
  const sum = (of) => edges.reduce((total, edge) => total + of(edge), 0);
  const times = kills === 1 ? 'once' : `${kills} times`;
  byId('figures').textContent =
    `An origin was killed ${times}. The demo's ${sum(({ players }) => players)} players of the edges: ` +
    `${sum(({ cutOff }) => cutOff)} cut off, ${sum(({ missing }) => missing)} frames missing. ` +
    `Its player of HLS: ${hls.segments} segments, ${hls.missing} missing.`;
}

const look = async () => (await fetch('/demo.json')).json();

const flv = new Picture('flv');
const hls = new Picture('hls');
const { flvUrl, hlsUrl } = await look();
byId('flv-url').textContent = flvUrl;
byId('hls-url').textContent = hlsUrl;
playFlv(flv, flvUrl);
playHls(hls, hlsUrl);
setInterval(async () => {
  flv.look();
  hls.look();
  const view = await look().catch(() => undefined);
  byId('gone').hidden = view !== undefined;
  if (view === undefined) return;
  showOrigins(view.origins);
  showFigures(view);
}, lookEveryMs);
