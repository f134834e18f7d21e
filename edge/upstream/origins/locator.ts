/**
 * Where streams are by the word of somebody who knows (`locate_url`). One question serves all who look for a stream in
 * the same moment, and its answer those who come within `locate_ttl`. Whatever goes wrong, the listed origins are left.
 */

import type { Logger } from 'pino';
import type { OriginAddress, VhostConfig } from '../../conf/model.ts';
import { type StreamName, streamKey } from '../../stream/name.ts';
import { type ClientProtocol, type StreamRequest, streamName } from '../../stream/request.ts';
import { DeadlineSignal } from '../../time/deadline-signal.ts';
import { originName } from '../connection/address.ts';
import type { Turns } from './turns.ts';

/** What an origin is wanted for. */
export type Purpose = 'play' | 'publish';

/** What an origin is asked for, and what the client speaks on whose behalf it is. */
export interface Errand {
  readonly purpose: Purpose;
  readonly by: ClientProtocol;
}

/** A stream that is looked for. */
export interface Sought extends Errand {
  readonly key: string;
}

/** Asks. Rejects when there is no answer, or one that cannot be used. */
export type AskWhere = (
  vhost: VhostConfig,
  name: StreamName,
  purpose: Purpose,
  signal: AbortSignal,
) => Promise<readonly OriginAddress[]>;

/** How questions ended, since the start. */
export interface LocateCounts {
  found: number;
  /** The answer named no origin. */
  empty: number;
  failed: number;
}

export interface LocatorOptions {
  readonly ask: AskWhere;
  /** Who may ask about a name that nobody knows. */
  readonly turns: Turns;
  /** Other addresses than before are named by the answers. */
  readonly changed: () => void;
  readonly log: Logger;
}

/** A question that has no answer yet. */
interface Question {
  readonly url: string;
  readonly vhost: string;
  /** Aborted when the URL is another one. */
  readonly dropped: AbortController;
  readonly ended: Promise<void>;
}

interface Answer {
  readonly url: string;
  readonly vhost: string;
  readonly origins: readonly OriginAddress[];
  readonly freshUntilMs: number;
  readonly expiresMs: number;
}

/** What fails is not asked about the same stream again at once. */
const failedTtlMs = 2_000;

/** An old answer still says where to begin, while a new one is awaited or cannot be had. */
const answerKeptMs = 600_000;
const answersMax = 10_000;

/** Addresses whose health is watched: a server may name another one for each stream. */
const watchedMax = 256;

const none: readonly OriginAddress[] = [];

export class Locator {
  readonly counts: LocateCounts = { found: 0, empty: 0, failed: 0 };
  readonly #options: LocatorOptions;
  /** In the order in which they came. */
  readonly #answers = new Map<string, Answer>();
  readonly #asked = new Map<string, Question>();
  /** By name: the address, the vhost that it was named for last, and how many answers name it. */
  readonly #watched = new Map<string, { readonly address: OriginAddress; vhost: string; answers: number }>();
  readonly #closed = new AbortController();

  constructor(options: LocatorOptions) {
    this.#options = options;
  }

  /** What the last answer named, however old it is, in its order. */
  origins({ edge }: VhostConfig, { key, purpose }: Pick<Sought, 'key' | 'purpose'>): readonly OriginAddress[] {
    const answer = this.#find(keyOf(key, purpose), edge.locateUrl);
    return answer?.origins ?? none;
  }

  /**
   * Has the stream asked for. Returns undefined when there is nobody to ask, or an answer that still counts; else what
   * resolves, and never rejects, when the question has ended or `locate_timeout` is over.
   * @param isKnown nobody has made the name up: the question need not wait for the client's turn
   */
  ask(vhost: VhostConfig, request: StreamRequest, purpose: Purpose, isKnown: boolean): Promise<void> | undefined {
    const { locateUrl } = vhost.edge;
    if (locateUrl === '') return undefined;
    const name = streamName(request);
    const key = keyOf(streamKey(name), purpose);
    const present = this.#find(key, locateUrl);
    if (present !== undefined && performance.now() < present.freshUntilMs) return undefined;
    // Where a reload has named another server, the question to the one before is no answer to this one.
    const id = `${locateUrl} ${key}`;
    let question = this.#asked.get(id);
    if (question === undefined) {
      const dropped = new AbortController();
      const ended = this.#ask(vhost, name, purpose, isKnown ? undefined : request.ip, dropped.signal).finally(() => {
        if (this.#asked.get(id)?.dropped === dropped) this.#asked.delete(id);
      });
      question = { url: locateUrl, vhost: vhost.name, dropped, ended };
      this.#asked.set(id, question);
    }
    return question.ended;
  }

  /** All addresses whose health is to be watched, and the vhost that each was named for last. */
  get watched(): readonly { readonly address: OriginAddress; readonly vhost: string }[] {
    return [...this.#watched.values()].map(({ address, vhost }) => ({ address, vhost }));
  }

  /** Answers of others than these vhosts' `locate_url` do not count any more, nor do those that are still to come. */
  retain(vhosts: readonly VhostConfig[]): void {
    const urls = new Map(vhosts.map(({ name, edge }) => [name, edge.locateUrl]));
    for (const [key, { vhost, url }] of this.#answers) if (urls.get(vhost) !== url) this.#forget(key);
    for (const [id, { vhost, url, dropped }] of this.#asked) {
      if (urls.get(vhost) === url) continue;
      this.#asked.delete(id);
      dropped.abort();
    }
  }

  close(): void {
    this.#closed.abort();
  }

  /**
   * @param client address of the one whose turn it must be
   * @param dropped aborted when the answer does not count any more
   */
  async #ask(
    vhost: VhostConfig,
    name: StreamName,
    purpose: Purpose,
    client: string | undefined,
    dropped: AbortSignal,
  ): Promise<void> {
    const { ask, turns, log } = this.#options;
    const { locateUrl: url, locateTimeoutMs, locateTtlMs } = vhost.edge;
    const key = keyOf(streamKey(name), purpose);
    const deadline = new DeadlineSignal(locateTimeoutMs);
    const vain = AbortSignal.any([dropped, this.#closed.signal]);
    const signal = AbortSignal.any([deadline.signal, vain]);
    let origins: readonly OriginAddress[];
    try {
      if (client !== undefined) await turns.wait(url, client, signal);
      origins = await ask(vhost, name, purpose, signal);
      if (vain.aborted) return;
      if (client !== undefined && origins.length > 0) turns.giveBack(url);
      this.counts[origins.length > 0 ? 'found' : 'empty']++;
      this.#keep(key, vhost, origins, locateTtlMs);
    } catch (error) {
      if (vain.aborted) return;
      this.counts.failed++;
      const reason = deadline.signal.aborted ? `no answer in ${locateTimeoutMs} ms` : messageOf(error);
      log.warn({ stream: streamKey(name), purpose, reason }, 'locate_url failed: the listed origins are tried');
      // What was known before is the best that there is.
      this.#keep(key, vhost, this.#find(key, url)?.origins ?? none, Math.min(failedTtlMs, locateTtlMs));
    } finally {
      deadline.stop();
    }
  }

  #find(key: string, url: string): Answer | undefined {
    const answer = this.#answers.get(key);
    return answer?.url === url && performance.now() < answer.expiresMs ? answer : undefined;
  }

  #keep(key: string, vhost: VhostConfig, origins: readonly OriginAddress[], ttlMs: number): void {
    const nowMs = performance.now();
    const before = this.#answers.get(key);
    // An answer that could not be renewed grows old.
    const isSame = before !== undefined && before.origins === origins && origins.length > 0;
    const expiresMs = isSame ? before.expiresMs : nowMs + Math.max(ttlMs, answerKeptMs);
    const had = this.#watched.size;
    const isNew = this.#watch(origins, vhost.name);
    this.#forget(key);
    this.#answers.set(key, {
      url: vhost.edge.locateUrl,
      vhost: vhost.name,
      origins,
      freshUntilMs: nowMs + ttlMs,
      expiresMs,
    });
    for (const [oldest, answer] of this.#answers) {
      if (this.#answers.size <= answersMax && answer.expiresMs > nowMs) break;
      this.#forget(oldest);
    }
    if (isNew || this.#watched.size !== had) this.#options.changed();
  }

  /** Returns whether an address is new among those that are watched. */
  #watch(origins: readonly OriginAddress[], vhost: string): boolean {
    let isNew = false;
    for (const address of origins) {
      const name = originName(address);
      const known = this.#watched.get(name);
      if (known !== undefined) {
        known.answers++;
        known.vhost = vhost;
      } else if (this.#watched.size < watchedMax) {
        this.#watched.set(name, { address, vhost, answers: 1 });
        isNew = true;
      }
    }
    return isNew;
  }

  #forget(key: string): void {
    for (const address of this.#answers.get(key)?.origins ?? none) {
      const name = originName(address);
      const known = this.#watched.get(name);
      if (known !== undefined && --known.answers === 0) this.#watched.delete(name);
    }
    this.#answers.delete(key);
  }
}

function keyOf(streamKey: string, purpose: Purpose): string {
  return `${purpose} ${streamKey}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
