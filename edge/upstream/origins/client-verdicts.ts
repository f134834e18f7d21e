/**
 * What origins have said lately of clients that want to play: by the stream and the parameters they asked with, and by
 * nothing else. What one client may not have, another may.
 */

import { Refusal } from '../../stream/request.ts';
import type { UpstreamError } from '../connection/errors.ts';

export type ClientVerdict = 'accepted' | Refusal;

/** Parameters are the client's choice: those longest untouched go first. */
const verdictsMax = 10_000;

export class ClientVerdicts {
  readonly #verdicts = new Map<string, { readonly verdict: ClientVerdict; readonly untilMs: number }>();

  /** An origin refuses clients with these parameters. Returns what they are told. */
  refuse(streamKey: string, param: string, error: UpstreamError, ttlMs: number): Refusal {
    const refusal = new Refusal('NetStream.Play.Failed', `the origin refuses: ${error.reason}`, 403, { cause: error });
    this.#note(streamKey, param, refusal, ttlMs);
    return refusal;
  }

  /** An origin has given the stream to a client with these parameters. */
  accept(streamKey: string, param: string, ttlMs: number): void {
    this.#note(streamKey, param, 'accepted', ttlMs);
  }

  /** What need not be asked again yet. */
  find(streamKey: string, param: string): ClientVerdict | undefined {
    const key = keyOf(streamKey, param);
    const found = this.#verdicts.get(key);
    if (found === undefined || found.untilMs > performance.now()) return found?.verdict;
    this.#verdicts.delete(key);
    return undefined;
  }

  #note(streamKey: string, param: string, verdict: ClientVerdict, ttlMs: number): void {
    const key = keyOf(streamKey, param);
    this.#verdicts.delete(key);
    this.#verdicts.set(key, { verdict, untilMs: performance.now() + ttlMs });
    const [oldest] = this.#verdicts.keys();
    if (this.#verdicts.size > verdictsMax && oldest !== undefined) this.#verdicts.delete(oldest);
  }
}

/** Neither part holds a line end. */
function keyOf(streamKey: string, param: string): string {
  return `${streamKey}\n${param}`;
}
