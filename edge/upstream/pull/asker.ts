/**
 * On whose behalf origins are asked for a stream: somebody who plays it, or who waits for an origin's word, and whom
 * no origin has refused.
 */

import type { LiveStream } from '../../stream/live-stream.ts';
import type { StreamRequest } from '../../stream/request.ts';
import type { UpstreamError } from '../connection/errors.ts';
import type { ClientVerdicts } from '../origins/client-verdicts.ts';
import type { Sought } from '../origins/locator.ts';

export class Asker {
  readonly #stream: LiveStream;
  readonly #verdicts: ClientVerdicts;
  /** What those ask for who wait for an origin's word. */
  readonly #waiting: () => readonly StreamRequest[];
  #request: StreamRequest;

  constructor(
    stream: LiveStream,
    verdicts: ClientVerdicts,
    waiting: () => readonly StreamRequest[],
    request: StreamRequest,
  ) {
    this.#stream = stream;
    this.#verdicts = verdicts;
    this.#waiting = waiting;
    this.#request = request;
  }

  /** What origins are asked for. */
  get request(): StreamRequest {
    return this.#request;
  }

  get sought(): Sought {
    return { key: this.#stream.key, purpose: 'play', by: this.#request.protocol };
  }

  /** The client whose parameters have served so far, or, when it has gone, the one that came last. */
  choose(): StreamRequest {
    const requests = this.#requests.filter(({ param }) => !this.#isRefused(param));
    this.#request =
      requests.find(({ clientId }) => clientId === this.#request.clientId) ?? requests.at(-1) ?? this.#request;
    return this.#request;
  }

  /** An origin has delivered the stream to it. */
  accepted(): void {
    this.#verdicts.accept(this.#stream.key, this.#request.param, this.#stream.vhost.edge.tokenTtlMs);
  }

  /** Origins refuse it: it goes, with all who have the same parameters. @returns whether there are others to ask for */
  refused(error: UpstreamError): boolean {
    const { param } = this.#request;
    const refusal = this.#verdicts.refuse(this.#stream.key, param, error, this.#stream.vhost.edge.tokenTtlMs);
    this.#stream.refuse((request) => request.param === param, refusal);
    return this.#requests.some((request) => request.param !== param);
  }

  #isRefused(param: string): boolean {
    const verdict = this.#verdicts.find(this.#stream.key, param);
    return verdict !== undefined && verdict !== 'accepted';
  }

  get #requests(): StreamRequest[] {
    return [...this.#stream.requests, ...this.#waiting()];
  }
}
