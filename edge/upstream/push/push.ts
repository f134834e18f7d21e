/**
 * One connection that publishes a stream to one origin.
 */

import type { OriginAddress, VhostConfig } from '../../conf/model.ts';
import { reconnectRequestCode } from '../../rtmp/command.ts';
import { originName } from '../connection/address.ts';
import { clientOptions } from '../connection/client-options.ts';
import type { UpstreamError } from '../connection/errors.ts';
import type { UpstreamRequest } from '../connection/request.ts';
import { RtmpClient } from '../connection/rtmp-client.ts';
import { Watchdog } from '../connection/watchdog.ts';
import type { UpstreamContext } from '../context.ts';
import { bytesFor, type PushRun } from './push-run.ts';

export interface PushEvents {
  /** The connection has ended; not called when we ended it. */
  lost(push: Push, error: UpstreamError): void;
  /** The origin is about to stop and asks us to go elsewhere (E-RTMP's ReconnectRequest). */
  askedToLeave(push: Push): void;
}

export interface PushOptions {
  readonly origin: OriginAddress;
  /** The name of the origin in the configuration that led there, by a redirection or directly. */
  readonly listedAs: string;
  readonly request: UpstreamRequest;
  /** Those in force: a reload may replace them. */
  readonly settings: () => VhostConfig;
  /** Of the runs to be sent. */
  readonly chunkSize: number;
  readonly context: UpstreamContext;
  readonly events: PushEvents;
  /** Called when the origin has shaken hands. */
  readonly answered: () => void;
  readonly signal: AbortSignal;
}

export class Push {
  readonly origin: OriginAddress;
  readonly name: string;
  /** The name of the origin in the configuration that led here, by a redirection or directly. */
  readonly listedAs: string;
  readonly #client: RtmpClient;
  readonly #stream: string;
  readonly #chunkSize: number;
  readonly #watchdog: Watchdog;
  readonly #release: () => void;
  #ended = false;

  private constructor(client: RtmpClient, options: PushOptions, lost: (error: UpstreamError) => void) {
    const { origin, listedAs, request, settings, chunkSize, context } = options;
    this.origin = origin;
    this.name = originName(origin);
    this.listedAs = listedAs;
    this.#client = client;
    this.#stream = request.stream;
    this.#chunkSize = chunkSize;
    this.#release = context.health.connected(origin);
    this.#watchdog = new Watchdog(client, {
      owesMedia: false,
      stallTimeoutMs: () => settings().edge.stallTimeoutMs,
      stalled: (error) => {
        this.close();
        lost(error);
      },
    });
  }

  /** Publishes to an origin; throws an UpstreamError when it does not accept. */
  static async open(options: PushOptions): Promise<Push> {
    const { origin, request, settings, chunkSize, context, events, answered, signal } = options;
    let push: Push | undefined;
    let early: UpstreamError | undefined;
    const ended = (error: UpstreamError): void => {
      if (push === undefined) early = error;
      else {
        push.#dispose();
        events.lost(push, error);
      }
    };
    const status = (code: string): void => {
      if (push !== undefined && code === reconnectRequestCode) events.askedToLeave(push);
    };
    const handlers = { media: () => {}, readEnd: () => {}, status, closed: ended };
    const clientSettings = { ...clientOptions(settings(), context), chunkSize };
    const client = await RtmpClient.open(origin, clientSettings, handlers, signal);
    answered();
    await client.connect(request, signal);
    await client.publish(request.stream, signal);
    if (early !== undefined) throw early;
    push = new Push(client, options, ended);
    return push;
  }

  /** What an SRS origin tells of itself, by which its log and ours can be read together. */
  get upnode(): object | undefined {
    return this.#client.serverIdentity;
  }

  /** Bytes that wait for the origin. */
  get pendingBytes(): number {
    return this.#client.pendingBytes;
  }

  send(run: PushRun): void {
    if (!this.#ended) this.#client.write(bytesFor(this.#client.streamId, run, this.#chunkSize));
  }

  /** The same, for what a new origin needs of the past: it may take a slow one some time. */
  sendPast(runs: readonly PushRun[]): void {
    for (const run of runs) this.send(run);
    this.#watchdog.burst(runs.reduce((sum, { bytes }) => sum + bytes.length, 0));
  }

  /** The publisher has stopped: the origin is told. */
  unpublish(): void {
    if (this.#ended) return;
    this.#client.unpublish(this.#stream);
    this.#dispose();
  }

  /** Ends the connection at once. */
  close(): void {
    if (this.#ended) return;
    this.#client.destroy();
    this.#dispose();
  }

  #dispose(): void {
    this.#ended = true;
    this.#watchdog.stop();
    this.#release();
  }
}
