/**
 * What holds for every connection to an origin.
 */

import type { PausedReaders } from '../budget/readers.ts';
import type { OriginAddress, VhostConfig } from '../conf/model.ts';
import type { UpstreamContext } from './context.ts';
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

/** What a pull needs beside. */
export interface PullOptions extends ClientOptions {
  readonly stallTimeoutMs: () => number;
  /** Whether an HTTP server answers; never rejects. */
  readonly answers: (address: OriginAddress) => Promise<boolean>;
}

export function pullOptions(vhost: () => VhostConfig, context: UpstreamContext): PullOptions {
  return {
    ...clientOptions(vhost(), context),
    stallTimeoutMs: () => vhost().edge.stallTimeoutMs,
    answers: (address) => context.pings.answers(address),
  };
}

export function clientOptions(
  vhost: VhostConfig,
  { keepaliveMs, paused, counters, log }: Pick<UpstreamContext, 'keepaliveMs' | 'paused' | 'counters' | 'log'>,
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
