/**
 * What a publisher has sent that a new origin needs: metadata, sequence headers, and everything since the last
 * keyframe. A stream without video has no keyframes: of it the last moments are kept, which an origin that has just
 * fallen silent may not have got. Bounded in bytes.
 */

import { MessageType, type RtmpMessage } from '../../rtmp/message.ts';
import { type FrameRole, isHeader, placed, toUntimedFrame } from '../../stream/frame.ts';
import { HeaderRoom } from '../../stream/header-room.ts';
import { HeaderSet, type StreamContent } from '../../stream/headers.ts';
import { KeyframeWatch } from '../../stream/keyframe-watch.ts';
import type { PushRun } from './push-run.ts';

export interface PushBufferLimits {
  readonly maxBytes: number;
  /** Media kept of a stream without video that has been given to an origin. */
  readonly keepMs: number;
}

export class PushBuffer {
  readonly #limits: () => PushBufferLimits;
  readonly #headers = new HeaderRoom<RtmpMessage>();
  #gop: PushRun[] = [];
  #bytes = 0;
  readonly #keyframes = new KeyframeWatch();
  #hasVideo = false;
  #hasAudio = false;
  /** The GOP outgrew its limit: nothing is kept before the next keyframe. */
  #overflowed = false;

  /** @param limits those in force: a reload may change them */
  constructor(limits: () => PushBufferLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Gives up what is kept; without video it begins again at once, else with the next keyframe. */
  giveUp(): void {
    this.#overflowed = this.#hasVideo;
    this.#forget();
  }

  /** What has been kept since the last keyframe. */
  get runs(): readonly PushRun[] {
    return this.#gop;
  }

  /** Whether there is video that nobody can decode before a keyframe. */
  get waitsForKeyframes(): boolean {
    return this.#hasVideo && !this.#keyframes.lacksKeyframes;
  }

  /** Whether an origin can begin with a message of this role. */
  canBeginWith(role: FrameRole): boolean {
    return role === 'keyframe' || (role === 'media' && !this.waitsForKeyframes);
  }

  /**
   * Notes a message and tells its role. Undefined for what is no media and need not be passed on; `no-room` for a header
   * that is too much.
   */
  note(message: RtmpMessage): FrameRole | 'no-room' | undefined {
    const frame = toUntimedFrame(message);
    const role = frame?.role;
    if (frame !== undefined && isHeader(frame)) {
      if (!this.#headers.keep(frame, lasting(message))) return 'no-room';
    } else if (message.type === MessageType.video) {
      this.#hasVideo = true;
      if (frame !== undefined) this.#keyframes.isDecodable(frame);
    } else if (message.type === MessageType.audio) this.#hasAudio = true;
    return role;
  }

  /** A keyframe comes next: a new origin needs nothing of what was before it. */
  begin(): void {
    this.#overflowed = false;
    this.#forget();
  }

  /** Keeps what has been sent, or is to be sent, since the last keyframe. */
  keep(run: PushRun): void {
    if (this.#overflowed) return;
    this.#gop.push(run);
    this.#bytes += run.bytes.length;
    if (this.#bytes <= this.#limits().maxBytes) return;
    this.giveUp();
  }

  /** Everything so far has been given to an origin. Without video there is no keyframe to go back to. */
  delivered(): void {
    if (this.#hasVideo) return;
    const { keepMs } = this.#limits();
    const newest = this.#gop.at(-1)?.lastTimestamp ?? 0;
    const from = this.#gop.findIndex(({ lastTimestamp }) => Math.abs((newest - lastTimestamp) | 0) <= keepMs);
    for (const { bytes } of this.#gop.splice(0, from)) this.#bytes -= bytes.length;
  }

  /** Metadata and sequence headers, for media that begins at `timestamp`. */
  headers(timestamp: number | undefined): RtmpMessage[] {
    return this.#headers.values.map((header) => ({ ...header, timestamp: timestamp ?? header.timestamp }));
  }

  /** What the stream has shown itself to be; put together when somebody asks. */
  get content(): StreamContent {
    let headers = HeaderSet.empty;
    for (const message of this.#headers.values) {
      const frame = toUntimedFrame(message);
      if (frame !== undefined) headers = headers.with(placed(frame, 0));
    }
    return { headers, hasVideo: this.#hasVideo, hasAudio: this.#hasAudio };
  }

  #forget(): void {
    this.#gop = [];
    this.#bytes = 0;
  }
}

/** With bytes of its own: a view would keep all that was read with it. */
function lasting(message: RtmpMessage): RtmpMessage {
  const payload = Buffer.allocUnsafeSlow(message.payload.length);
  message.payload.copy(payload);
  return { ...message, payload };
}
