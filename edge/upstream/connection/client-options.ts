/**
 * What holds for every connection to an origin.
 */

import type { Logger } from 'pino';
import type { PausedReaders } from '../../budget/readers.ts';
import type { OriginAddress, VhostConfig } from '../../conf/model.ts';
import type { HttpPings } from './http-pings.ts';
import type { SocketOptions } from './socket.ts';

export interface ClientOptions extends SocketOptions {
  /** Handshake and commands together. */
  readonly requestTimeoutMs: number;
  /** Chunk size that we send with. */
  readonly chunkSize: number;
  /** Told of each message that could not be used. */
  readonly odd: (origin: string, reason: string, isFirst: boolean) => void;
  /** Counts origins that are not read, because they do not read our answers. */
  readonly paused: PausedReaders;
}

/** What connections share with the rest of this process. */
export interface ConnectionContext {
  readonly log: Logger;
  readonly keepaliveMs: () => number;
  readonly paused: PausedReaders;
  readonly counters: { oddMessages: number };
}

/** What a pull needs beside. */
export interface PullOptions extends ClientOptions {
  readonly stallTimeoutMs: () => number;
  /** Whether an HTTP server answers; never rejects. */
  readonly answers: (address: OriginAddress) => Promise<boolean>;
}

export function pullOptions(
  vhost: () => VhostConfig,
  context: ConnectionContext & { readonly pings: Pick<HttpPings, 'answers'> },
): PullOptions {
  return {
    ...clientOptions(vhost(), context),
    stallTimeoutMs: () => vhost().edge.stallTimeoutMs,
    answers: (address) => context.pings.answers(address),
  };
}

export function clientOptions(
  vhost: VhostConfig,
  { keepaliveMs, paused, counters, log }: ConnectionContext,
): ClientOptions {
  const { edge } = vhost;
  return {
    paused,
    connectTimeoutMs: edge.connectTimeoutMs,
    requestTimeoutMs: edge.requestTimeoutMs,
    chunkSize: vhost.chunkSize,
    keepaliveMs: keepaliveMs(),
    tlsVerify: edge.originTlsVerify,
    tlsCaFile: edge.originTlsCaFile,
    tlsName: edge.originTlsName,
    odd: (origin, reason, isFirst) => {
      counters.oddMessages++;
      if (isFirst) log.info({ origin, reason }, 'origin sent a message that cannot be used: passed over');
    },
  };
}
