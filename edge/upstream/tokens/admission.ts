/**
 * Players that may not have their stream before an origin has accepted their parameters (`token_traverse`), and those
 * that an origin has refused a moment ago.
 */

import type { OriginAddress, RemoteCluster, VhostConfig } from '../../conf/model.ts';
import { Refusal, type StreamRequest } from '../../stream/request.ts';
import { DeadlineSignal } from '../../time/deadline-signal.ts';
import { Wake } from '../../time/wake.ts';
import type { UpstreamContext } from '../context.ts';
import { judgePlayer } from './token-play.ts';

/** The stream that they wait for. */
export interface AwaitedStream {
  readonly key: string;
  readonly vhost: () => VhostConfig;
  /** The origin that delivers the stream, if any. */
  readonly liveAt: () => OriginAddress | undefined;
  /** Begins to look for the stream, on behalf of whoever plays it or waits for it. */
  readonly look: () => void;
}

/** Until an origin that broke off is asked again. */
const againMs = 100;

export class Admission {
  readonly #stream: AwaitedStream;
  readonly #context: UpstreamContext;
  readonly #waiting = new Map<Wake, StreamRequest>();
  /** One question for all who ask with the same parameters. */
  readonly #asked = new Map<string, Promise<void>>();
  #over: string | undefined;

  constructor(stream: AwaitedStream, context: UpstreamContext) {
    this.#stream = stream;
    this.#context = context;
  }

  /** What the waiting clients ask for; the last one is the newest. */
  get requests(): StreamRequest[] {
    return [...this.#waiting.values()];
  }

  /** The stream has begun, or an origin has refused some of them. */
  changed(): void {
    for (const wake of [...this.#waiting.keys()]) wake.now();
  }

  /** The stream is given up. */
  close(reason: string): void {
    this.#over = reason;
    this.changed();
  }

  /** Resolves when the client may play. Throws a Refusal. */
  async admit(request: StreamRequest): Promise<void> {
    const { cluster, edge } = this.#stream.vhost();
    if (this.#isDecided(request) || cluster.mode !== 'remote' || !cluster.tokenTraverse) return;
    const timeout = new DeadlineSignal(edge.httpFirstFrameTimeoutMs);
    const wake = new Wake();
    timeout.signal.addEventListener('abort', () => wake.now(), { once: true });
    this.#waiting.set(wake, request);
    try {
      this.#stream.look();
      while (!this.#isDecided(request)) {
        this.#throwIfOver();
        if (timeout.signal.aborted) throw notShown(edge.httpFirstFrameTimeoutMs);
        const origin = this.#stream.liveAt();
        if (origin === undefined) await wake.within(undefined);
        else if (!(await this.#ask(request, cluster, origin, timeout.signal))) await wake.within(againMs);
      }
      // While the origin was asked, too.
      this.#throwIfOver();
    } finally {
      timeout.stop();
      this.#waiting.delete(wake);
    }
  }

  #throwIfOver(): void {
    if (this.#over !== undefined) throw new Refusal('NetStream.Play.Failed', this.#over, 503);
  }

  /** Throws what the client was refused with a moment ago. False: nothing is known of its parameters. */
  #isDecided({ param }: StreamRequest): boolean {
    const verdict = this.#context.verdicts.find(this.#stream.key, param);
    if (verdict instanceof Refusal) throw verdict;
    return verdict === 'accepted';
  }

  /** Has the origin asked, and notes what it says. Returns whether it said something. */
  async #ask(
    request: StreamRequest,
    cluster: RemoteCluster,
    origin: OriginAddress,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { param } = request;
    let asked = this.#asked.get(param);
    if (asked === undefined) {
      asked = this.#judge(request, cluster, origin, signal).finally(() => this.#asked.delete(param));
      this.#asked.set(param, asked);
    }
    await asked;
    return this.#context.verdicts.find(this.#stream.key, param) !== undefined;
  }

  async #judge(
    request: StreamRequest,
    cluster: RemoteCluster,
    origin: OriginAddress,
    signal: AbortSignal,
  ): Promise<void> {
    const { verdicts, log } = this.#context;
    const { key } = this.#stream;
    const vhost = this.#stream.vhost();
    const { tokenTtlMs } = vhost.edge;
    const verdict = await judgePlayer(request, cluster, vhost, origin, this.#context, signal);
    if (verdict.kind === 'accepted') return verdicts.accept(key, request.param, tokenTtlMs);
    if (verdict.kind === 'refused') verdicts.refuse(key, request.param, verdict.error, tokenTtlMs);
    else log.info({ stream: key, client: request.clientId, verdict: verdict.kind }, 'token traverse: no answer yet');
  }
}

function notShown(ms: number): Refusal {
  const why = `token_traverse: no origin has given the stream to a client with these parameters within ${ms} ms`;
  return new Refusal('NetStream.Play.StreamNotFound', why, 404);
}
