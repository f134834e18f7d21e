/**
 * The pull whose frames players get: how long it has been silent, and whether it is to be left.
 */

import type { VhostConfig } from '../../conf/model.ts';
import { awakeNow } from '../../time/awake.ts';
import { Deadline } from '../../time/deadline.ts';
import type { Pull } from './pull.ts';

/** Media may pause this many times longer than it usually does before the stream is looked for elsewhere. */
const pauseFactor = 4;

export class PullInUse {
  readonly #vhost: () => VhostConfig;
  readonly #look: (pull: Pull) => void;
  #pull: Pull | undefined;
  #listedAs = '';
  #sinceMs = 0;
  /** The pull before the present one. */
  #before: string | undefined;
  /** Its origin is none of the vhost's any more. */
  isUnlisted = false;
  readonly #nextLook = new Deadline(() => this.#lookNow());

  /** @param look called now and then while there is a pull: whether it still sends */
  constructor(vhost: () => VhostConfig, look: (pull: Pull) => void) {
    this.#vhost = vhost;
    this.#look = look;
  }

  get pull(): Pull | undefined {
    return this.#pull;
  }

  /** The origin of the configuration that led to it, or to the one before while there is none. */
  get listedAs(): string {
    return this.#listedAs;
  }

  /** Name of the origin that the stream came from last. */
  get from(): string | undefined {
    return this.#pull?.name ?? this.#before;
  }

  get livedMs(): number {
    return awakeNow() - this.#sinceMs;
  }

  get mustBeLeft(): boolean {
    return this.#pull?.askedToLeave === true || this.isUnlisted;
  }

  /** Whether it has sent nothing for so long that somebody who has just come has nothing to see. */
  get isSilent(): boolean {
    return this.#silentMs >= this.#vhost().edge.firstFrameTimeoutMs;
  }

  /** Whether an origin that is well and sends nothing may have lost the stream to another. */
  get hasPaused(): boolean {
    return this.#pull?.unpublished === true || this.#silentMs >= this.#patienceMs;
  }

  /** Whether the stream comes from it, and may go on to do so. */
  get isFeeding(): boolean {
    return this.#pull !== undefined && !this.mustBeLeft && !this.hasPaused;
  }

  take(pull: Pull, listedAs: string): void {
    this.#pull = pull;
    this.#sinceMs = awakeNow();
    this.#listedAs = listedAs;
    this.isUnlisted = false;
    this.#nextLook.start(this.#patienceMs / 2);
  }

  /** It is lost, or left: closing it is not done here. */
  drop(): void {
    this.#before = this.from;
    this.#pull = undefined;
    this.#nextLook.stop();
  }

  #lookNow(): void {
    if (this.#pull === undefined) return;
    this.#look(this.#pull);
    this.#nextLook.start(this.#patienceMs / 2);
  }

  get #silentMs(): number {
    return this.#pull === undefined ? 0 : awakeNow() - this.#pull.lastMediaMs;
  }

  get #patienceMs(): number {
    return Math.max(this.#vhost().edge.firstFrameTimeoutMs, pauseFactor * (this.#pull?.usualPauseMs ?? 0));
  }
}
