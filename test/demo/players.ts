/** The players of an edge: by RTMP with the client that edges use towards origins, and by HTTP-FLV. */

import { get } from 'node:http';
import { PausedReaders } from '../../edge/budget/readers.ts';
import { FlvReader } from '../../edge/flv/reader.ts';
import { RtmpClient } from '../../edge/upstream/connection/rtmp-client.ts';
import type { Ledger } from './ledger.ts';
import type { Edge } from './servers.ts';
import { Watch } from './watch.ts';

const clientOptions = {
  connectTimeoutMs: 10_000,
  requestTimeoutMs: 10_000,
  chunkSize: 60_000,
  keepaliveMs: 30_000,
  tlsVerify: true,
  tlsCaFile: '',
  tlsName: '',
  odd: () => {},
  paused: new PausedReaders(),
};

export class Players {
  readonly edge: Edge;
  readonly watches: readonly Watch[];
  /** Why players were disconnected, one entry each. */
  readonly cutOff: string[] = [];
  readonly #stops: readonly (() => void)[];
  #stopped = false;

  private constructor(edge: Edge, watches: readonly Watch[], stops: readonly (() => void)[]) {
    this.edge = edge;
    this.watches = watches;
    this.#stops = stops;
  }

  /** Resolves when every player has connected; `playing` says when all have their first frame. */
  static async start(
    edge: Edge,
    count: { readonly rtmp: number; readonly httpFlv: number } = { rtmp: 1, httpFlv: 1 },
    ledger: Ledger,
    signal: AbortSignal,
  ): Promise<Players> {
    const watches: Watch[] = [];
    const stops: (() => void)[] = [];
    const players = new Players(edge, watches, stops);
    const ended = (reason: string): void => {
      if (!players.#stopped && !signal.aborted) players.cutOff.push(reason);
    };
    const begin = async (open: Open): Promise<void> => {
      const watch = new Watch(ledger);
      watches.push(watch);
      stops.push(await open(edge, watch, ended, signal));
    };
    try {
      await Promise.all([
        ...Array.from({ length: count.rtmp }, () => begin(openRtmp)),
        ...Array.from({ length: count.httpFlv }, () => begin(openHttpFlv)),
      ]);
    } catch (error) {
      await players.stop();
      throw error;
    }
    return players;
  }

  async playing(): Promise<void> {
    await Promise.all(this.watches.map((watch) => watch.playing));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const stop of this.#stops) stop();
  }
}

/** Plays until the returned function is called, or `ended`. */
type Open = (edge: Edge, watch: Watch, ended: (reason: string) => void, signal: AbortSignal) => Promise<() => void>;

const openRtmp: Open = async ({ rtmpPort }, watch, ended, signal) => {
  const client = await RtmpClient.open(
    { scheme: 'rtmp', host: '127.0.0.1', port: rtmpPort },
    clientOptions,
    {
      media: (message) => watch.received(message, performance.now()),
      readEnd: () => {},
      status: () => {},
      closed: (error) => ended(error.message),
    },
    signal,
  );
  const tcUrl = `rtmp://127.0.0.1:${rtmpPort}/live`;
  const request = { app: 'live', tcUrl, stream: 'demo', pageUrl: '', swfUrl: '', extra: {}, httpPath: '', args: [] };
  await client.connect(request, signal);
  await client.play(request.stream, signal);
  return () => client.destroy();
};

const openHttpFlv: Open = ({ flvUrl }, watch, ended, signal) =>
  new Promise((resolve, reject) => {
    const reader = new FlvReader();
    const request = get(flvUrl, { agent: false, signal }, (response) => {
      if (response.statusCode !== 200) {
        request.destroy();
        return reject(new Error(`${flvUrl} answers ${response.statusCode}`));
      }
      response.on('data', (bytes: Buffer) => {
        reader.push(bytes, (tag) => watch.received({ ...tag, streamId: 0 }, performance.now()));
      });
      response.on('error', () => {});
      response.on('close', () => ended('the HTTP-FLV response has ended'));
      resolve(() => request.destroy());
    });
    request.on('error', reject);
  });
