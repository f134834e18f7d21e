/**
 * The screen: plays a stream. When the edge asks it to reconnect, it goes over to a new connection, and so to another
 * edge: the new one plays behind the old one until it has a picture, then takes its place. The same when the old one was
 * cut; until then its last picture stays. What does not play at all, or has not come back for long, is tried again and again,
 * with a black screen and words on it.
 */

import { openPlayback, whyNot } from './playback.js';

const retryMinMs = 500;
const retryMaxMs = 30_000;
/** After so many tries the last picture goes: nobody should take it for live. */
const keptTries = 5;

/** The longer it has not come, the longer it waits; nobody comes at the same moment as all others. */
function waitMs(tries) {
  return Math.min(retryMinMs * 2 ** tries, retryMaxMs) * (0.5 + Math.random() / 2);
}

export class Screen {
  #url = '';
  #video;
  #say;
  /** What is seen; undefined while nothing is. */
  #shown;
  /** Whether it has moved, and whether nothing more comes of it. */
  #hasPlayed = false;
  #hasEnded = false;
  /** What is to take its place. */
  #coming;
  #tries = 0;
  #timer;
  #stalls = 0;
  #stalledMs = 0;
  #stallBeganMs;

  /** @param say tells the viewer; nothing with '' */
  constructor(video, say) {
    this.#video = video;
    this.#say = say;
  }

  get video() {
    return this.#video;
  }

  /** Whether a picture is seen that moves, as far as it is known. */
  get isPlaying() {
    return this.#shown !== undefined && this.#hasPlayed && !this.#hasEnded;
  }

  /** What is known of what is seen. Times in milliseconds. */
  get figures() {
    const video = this.#video;
    const { buffered } = video;
    const end = buffered.length > 0 ? buffered.end(buffered.length - 1) : video.currentTime;
    const stallingMs = this.#stallBeganMs === undefined ? 0 : performance.now() - this.#stallBeganMs;
    return {
      ...this.#shown?.figures,
      behindMs: Math.max(0, end - video.currentTime) * 1000,
      stalls: this.#stalls,
      stalledMs: this.#stalledMs + stallingMs,
      width: video.videoWidth,
      height: video.videoHeight,
      frames: video.getVideoPlaybackQuality().totalVideoFrames,
      dropped: video.getVideoPlaybackQuality().droppedVideoFrames,
    };
  }

  /** Plays the FLV stream at this URL, by HTTP or WebSocket. */
  play(url) {
    const known = url.search === '' ? '?' : `${url.search}&`;
    url.search = `${known}capsEx=1`;
    this.#url = url.href;
    this.#tries = 0;
    [this.#stalls, this.#stalledMs] = [0, 0];
    this.#say('Waiting for the first frame …');
    this.#begin();
  }

  /** Plays nothing any more. What was found out about what was played is not told. */
  stop() {
    this.#url = '';
    this.#close();
  }

  #close() {
    this.#dropComing();
    this.#blank();
  }

  #begin() {
    this.#close();
    this.#hasPlayed = false;
    this.#hasEnded = false;
    this.#shown = this.#open(this.#video, () => {
      this.#hasPlayed = true;
      this.#tries = 0;
      this.#video.controls = true;
      this.#say('');
    });
  }

  /** Without a source a browser shows no sign of waiting. */
  #blank() {
    this.#stalled(false);
    this.#shown?.close();
    this.#shown = undefined;
    this.#video.controls = false;
    this.#video.removeAttribute('src');
    this.#video.load();
  }

  #open(video, playing) {
    const opened = openPlayback(this.#url, video, {
      playing: () => playing(opened),
      asked: () => {
        if (opened === this.#shown) this.#comeBack(0);
      },
      ended: (end) => this.#ended(opened, end),
      stalled: (isStalled) => {
        if (opened === this.#shown) this.#stalled(isStalled);
      },
    });
    return opened;
  }

  #stalled(isStalled) {
    if (isStalled && this.#stallBeganMs === undefined) {
      this.#stalls++;
      this.#stallBeganMs = performance.now();
    }
    if (isStalled || this.#stallBeganMs === undefined) return;
    this.#stalledMs += performance.now() - this.#stallBeganMs;
    this.#stallBeganMs = undefined;
  }

  #ended(opened, end) {
    if (opened === this.#coming) {
      this.#dropComing();
      return void this.#tryAgain(end);
    }
    if (opened !== this.#shown || this.#hasEnded) return;
    this.#hasEnded = true;
    if (!this.#hasPlayed) return void this.#tryAgain(end);
    // Everybody else was cut at the same moment, perhaps.
    if (this.#coming === undefined) this.#comeBack(Math.random() * retryMinMs);
  }

  /** Says why it does not play, and tries again where that may help. */
  async #tryAgain(end) {
    const tries = this.#tries++;
    // The one that was asked to leave plays on.
    if (!this.#hasEnded) return this.#comeBack(waitMs(tries));
    const url = this.#url;
    const keepsPicture = this.#hasPlayed && tries < keptTries;
    if (!keepsPicture) this.#blank();
    const { text, final } = await whyNot(url, end);
    if (url !== this.#url || !this.#hasEnded) return;
    this.#say(text);
    if (final) return this.#close();
    if (keepsPicture) return this.#comeBack(waitMs(tries));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#begin(), waitMs(tries));
  }

  #comeBack(afterMs) {
    if (this.#coming !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const video = this.#video.cloneNode();
      video.removeAttribute('id');
      video.removeAttribute('src');
      video.muted = true;
      video.controls = false;
      video.ariaHidden = 'true';
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
    const isPaused = before.paused && !before.ended && !this.#hasEnded;
    this.#stalled(false);
    this.#coming = undefined;
    this.#shown.close();
    this.#shown = opened;
    this.#video = opened.video;
    this.#hasEnded = false;
    this.#tries = 0;
    before.remove();
    Object.assign(opened.video, { id, volume, muted, controls: true, ariaHidden: null });
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
