/**
 * What feeds bring, made ready for players: placed on the stream's clock, with the headers in force, the history that a
 * splice needs, and what is known of the tracks.
 */

import { codecName } from '../flv/media.ts';
import { CodecWatch } from './codec-watch.ts';
import { EarlyFrames } from './early-frames.ts';
import { type Frame, isHeader, isMedia, kept, placed, Track, trackCount, type UntimedFrame } from './frame.ts';
import { HeaderRoom, headerBytesMax, headerKey, headersMax } from './header-room.ts';
import { HeaderSet } from './headers.ts';
import { History } from './history.ts';
import { KeyframeWatch } from './keyframe-watch.ts';
import { trackBit } from './slice-content.ts';
import type { StreamReports } from './stream-reports.ts';
import { clockJumped, oddFrames, tooFarApart } from './time-reports.ts';
import { Timeline } from './timeline.ts';
import { TrackSilence } from './track-silence.ts';

export interface IntakeOptions {
  /** The stream's key, for reports. */
  readonly key: string;
  readonly reports: StreamReports;
  /** Whether a header that is in force already is left out. */
  readonly reduceSequenceHeader: () => boolean;
  /** Takes each frame that players are given, in order. */
  readonly ready: (frame: Frame) => void;
  /** One track has fallen silent: its headers are in force no more, until it is back. */
  readonly fellSilent: (track: Track) => void;
  /** A track has gone on in another codec: its header is in force no more. */
  readonly droppedHeader: () => void;
}

export class Intake {
  readonly history: History = new History();
  readonly #options: IntakeOptions;
  readonly #timeline: Timeline;
  readonly #keyframes = new KeyframeWatch();
  /** What came before the first audio or video gave the clock its start. */
  readonly #early = new EarlyFrames();
  #headers: HeaderSet = HeaderSet.empty;
  readonly #silence = new TrackSilence();
  /** Headers of the silent track: players get them before its next frame. */
  readonly #silentHeaders = new HeaderRoom<UntimedFrame>();
  /** Of each track. */
  readonly #codecs: readonly CodecWatch[] = Array.from({ length: trackCount }, () => new CodecWatch());
  #tracks = 0;
  /** Tracks that audio or video proper has come of, whether it can be decoded or not. */
  #mediaTracks = 0;
  #firstArrivalMs: number | undefined;
  #lastArrivalMs: number | undefined;
  #toldHeaders = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
    const { reports, key } = options;
    this.#timeline = new Timeline({
      placed: (frame) => {
        if (frame.track === Track.audio || this.#keyframes.isDecodable(frame)) this.#add(frame);
      },
      dropped: (track, frames) => oddFrames(reports, key, track, frames),
      jumped: (track) => {
        this.history.clear();
        clockJumped(reports, key, track);
      },
      tooFarApart: (track, distanceMs) => tooFarApart(reports, key, track, distanceMs),
    });
  }

  /** The headers in force. */
  get headers(): HeaderSet {
    return this.#headers;
  }

  /** Whether players have been given anything of a track. */
  hasTrack(track: Track): boolean {
    return (this.#tracks & trackBit(track)) !== 0;
  }

  /** The track that brings nothing while the other goes on, if any. */
  get silentTrack(): Track | undefined {
    return this.#silence.track;
  }

  /** Whether audio or video proper comes of a track, not only its header. */
  hasMedia(track: Track): boolean {
    return (this.#mediaTracks & trackBit(track)) !== 0 && this.#silence.track !== track;
  }

  /** Whether a track has a header and has brought nothing. */
  get lacksTrack(): boolean {
    return this.#headers.frames.some(({ role, track }) => role === 'header' && !this.#timeline.shows(track));
  }

  /** Whether the stream has shown that it sends no key frames. */
  get lacksKeyframes(): boolean {
    return this.#keyframes.lacksKeyframes;
  }

  /** No later frame is before this stream time; infinite where tracks are side by side. */
  get floorMs(): number {
    return this.#timeline.floorMs;
  }

  /** How long ago the first frame came, milliseconds; 0 before. */
  get ageMs(): number {
    return this.#firstArrivalMs === undefined ? 0 : performance.now() - this.#firstArrivalMs;
  }

  /** How long ago the newest frame came; undefined before the first. */
  get silentMs(): number | undefined {
    return this.#lastArrivalMs === undefined ? undefined : performance.now() - this.#lastArrivalMs;
  }

  /** @param arrivalMs local monotonic time */
  take(untimed: UntimedFrame, arrivalMs: number): void {
    if (isMedia(untimed)) this.#mediaTracks |= trackBit(untimed.track);
    if (isHeader(untimed) && !this.#headers.hasRoomFor(untimed)) return this.#dropHeader();
    if (untimed.role === 'header' && untimed.track === this.#silence.track) {
      // It is in force when the track is back: whether it counts is seen by what comes then.
      this.#codecs[untimed.track]?.restart();
      return this.#layAside(untimed);
    }
    const isRepeated = untimed.role === 'header' && this.#headers.has(untimed);
    if (isRepeated && this.#options.reduceSequenceHeader()) return;
    this.#lastArrivalMs = arrivalMs;
    if (untimed.role === 'header') this.#codecs[untimed.track]?.restart();
    if (isMedia(untimed)) {
      if (!this.#timeline.started) {
        this.#timeline.start(untimed);
        for (const early of this.#early.take()) this.#addAside(early);
      }
      this.#watchCodec(untimed);
      this.#timeline.take(untimed, arrivalMs);
    } else if (this.#timeline.started) {
      this.#addAside(untimed);
    } else this.#early.add(untimed);
  }

  /** Who joins now must not wait for frames of a codec that come no more: the next one may have no header (MP3). */
  #watchCodec(frame: UntimedFrame): void {
    const { type, track, payload } = frame;
    if (this.#codecs[track]?.take(type, payload) !== true) return;
    const [key, codec, before] = [headerKey(frame), codecName(type, payload), this.#headers];
    this.#headers = before.filter(
      (header) => headerKey(header) !== key || codecName(header.type, header.payload) === codec,
    );
    if (this.#headers !== before) this.#options.droppedHeader();
  }

  /** What comes next has another clock; stream time runs on. */
  rebase(): void {
    this.#timeline.rebase();
    this.history.clear();
  }

  /** Another source takes over: what it does not have is in force no more. @param brought the headers that it began with */
  keepHeaders(brought: readonly UntimedFrame[]): void {
    const keys = new Set(brought.map(headerKey));
    this.#headers = this.#headers.filter((header) => keys.has(headerKey(header)));
  }

  /** A feed takes over before any has brought a frame: what the other one sent first counts no more. */
  dropEarly(): void {
    this.#early.clear();
  }

  /** What is published next is another stream, though stream time runs on. */
  forget(): void {
    this.history.clear();
    this.#tracks = 0;
    this.#mediaTracks = 0;
    this.#firstArrivalMs = undefined;
    this.#keyframes.restart();
    this.#silence.restart();
    this.#silentHeaders.clear();
  }

  /** No player would get it later: so that all have the same, nobody gets it. */
  #dropHeader(): void {
    const { reports, key } = this.#options;
    reports.droppedHeader();
    if (this.#toldHeaders) return;
    this.#toldHeaders = true;
    const fields = { stream: key, headersMax, headerBytesMax };
    reports.warn(fields, 'headers dropped: the stream has as many as it may have');
  }

  #addAside(untimed: UntimedFrame): void {
    this.#add(placed(untimed, this.#timeline.timeAside(untimed)));
  }

  /** Who joins now must not wait for a track that does not come. */
  #hear(frame: Frame): void {
    const before = this.#silence.track;
    this.#silence.take(frame.track, frame.timeMs);
    const { track } = this.#silence;
    if (track === before) return;
    if (track === undefined) {
      const headers = this.#silentHeaders.values;
      this.#silentHeaders.clear();
      for (const header of headers) this.#add(placed(header, frame.timeMs));
    } else {
      this.#headers = this.#headers.filter((header) => {
        const isSilent = header.role === 'header' && header.track === track;
        if (isSilent) this.#layAside(header);
        return !isSilent;
      });
      this.#options.fellSilent(track);
    }
  }

  #layAside(header: UntimedFrame): void {
    this.#silentHeaders.keep(header, kept(header));
  }

  #add(frame: Frame): void {
    if (isMedia(frame)) this.#hear(frame);
    this.#tracks |= trackBit(frame.track);
    this.#firstArrivalMs ??= performance.now();
    if (isHeader(frame)) this.#headers = this.#headers.with(frame);
    else this.history.add(frame);
    this.#options.ready(frame);
  }
}
