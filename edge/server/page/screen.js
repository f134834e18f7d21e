/**
 * The screen: plays a stream with mpegts.js. When the edge asks it to reconnect, it goes over to a new connection, and so
 * to another edge: the new one plays behind the old one until it has a picture, then takes its place. The same when
 * the old one was cut; until then its last picture stays.
 */

/** E-RTMP's name for it. The edge sends it to players that say `capsEx=1`. */
const reconnectCode = 'NetConnection.Connect.ReconnectRequest';

const retryMinMs = 500;
const retryMaxMs = 8_000;
/** For a stream that was cut and does not come back. */
const triesMax = 8;

/**
 * @param playing called once it moves
 * @param asked called when the edge asks to reconnect
 * @param ended called when nothing more comes, with why, if it is known
 */
function open(url, video, { playing, asked, ended }) {
  const player = mpegts.createPlayer(
    { type: 'flv', isLive: true, url },
    { liveSync: true, enableStashBuffer: false, autoCleanupSourceBuffer: true },
  );
  player.on(mpegts.Events.ERROR, (type, detail, info) => {
    const reason = info?.code > 0 ? `${info.code} ${info.msg ?? ''}` : detail;
    ended(reason || type);
  });
  player.on(mpegts.Events.LOADING_COMPLETE, () => ended());
  player.on(mpegts.Events.SCRIPTDATA_ARRIVED, ({ onStatus }) => {
    if (onStatus?.code === reconnectCode) asked();
  });
  // Unlike callbacks for frames, this comes in a hidden tab and for sound alone, too.
  let beginSeconds;
  const moved = () => {
    beginSeconds ??= video.currentTime;
    if (video.currentTime <= beginSeconds) return;
    video.removeEventListener('timeupdate', moved);
    playing();
  };
  video.addEventListener('timeupdate', moved);
  player.attachMediaElement(video);
  player.load();
  // Browsers may ask for a click first: the controls are there for that.
  player.play()?.catch(() => {});
  return {
    video,
    close() {
      video.removeEventListener('timeupdate', moved);
      player.destroy();
    },
  };
}

export class Screen {
  #url = '';
  #video;
  #say;
  /** What is seen. */
  #shown;
  /** Whether it has moved, and whether nothing more comes of it. */
  #hasPlayed = false;
  #hasEnded = false;
  /** What is to take its place. */
  #coming;
  #tries = 0;
  #timer;

  /** @param say tells the viewer */
  constructor(video, say) {
    this.#video = video;
    this.#say = say;
  }

  /** Plays the FLV stream at this URL, by HTTP or WebSocket. */
  play(url) {
    this.#dropComing();
    this.#shown?.close();
    const known = url.search === '' ? '?' : `${url.search}&`;
    url.search = `${known}capsEx=1`;
    this.#url = url.href;
    this.#tries = 0;
    this.#hasPlayed = false;
    this.#hasEnded = false;
    this.#say('Waiting for the first frame …');
    this.#shown = this.#open(this.#video, () => {
      this.#hasPlayed = true;
      this.#say('');
    });
  }

  #open(video, playing, ended = (opened, reason) => this.#ended(opened, reason)) {
    const opened = open(this.#url, video, {
      playing: () => playing(opened),
      asked: () => {
        if (opened === this.#shown) this.#comeBack(0);
      },
      ended: (reason) => ended(opened, reason),
    });
    return opened;
  }

  #ended(opened, reason) {
    if (opened === this.#coming) return this.#tryAgain();
    if (opened !== this.#shown || this.#hasEnded) return;
    this.#hasEnded = true;
    if (!this.#hasPlayed) this.#say(`The stream cannot be played: ${reason ?? 'it has ended'}`);
    // Everybody else was cut at the same moment, perhaps.
    else if (this.#coming === undefined) this.#comeBack(Math.random() * retryMinMs);
  }

  #tryAgain() {
    this.#dropComing();
    this.#tries++;
    if (this.#hasEnded && this.#tries >= triesMax) return this.#say('The stream has ended.');
    const waitMs = Math.min(retryMinMs * 2 ** this.#tries, retryMaxMs);
    this.#comeBack(waitMs * (0.5 + Math.random() / 2));
  }

  #comeBack(afterMs) {
    if (this.#coming !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const video = this.#video.cloneNode();
      video.removeAttribute('id');
      video.muted = true;
      // Behind the one that is seen.
      this.#video.before(video);
      this.#coming = this.#open(video, (opened) => this.#arrived(opened));
    }, afterMs);
  }

  #arrived(opened) {
    if (opened !== this.#coming) return;
    const before = this.#video;
    const isHeld = document.fullscreenElement === before || document.pictureInPictureElement === before;
    // To take it away would end that. It goes on until it is cut.
    if (isHeld && !this.#hasEnded) return void setTimeout(() => this.#arrived(opened), retryMinMs);
    const { id, volume, muted } = before;
    // One that has come to its end is paused, too.
    const isPaused = before.paused && !before.ended;
    this.#coming = undefined;
    this.#shown.close();
    this.#shown = opened;
    this.#video = opened.video;
    this.#hasEnded = false;
    this.#tries = 0;
    before.remove();
    Object.assign(opened.video, { id, volume, muted });
    if (isPaused) opened.video.pause();
    this.#say('');
  }

  #dropComing() {
    clearTimeout(this.#timer);
    const coming = this.#coming;
    this.#coming = undefined;
    coming?.close();
    coming?.video.remove();
  }
}
