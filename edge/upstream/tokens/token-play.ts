/**
 * `token_traverse` for players: each set of parameters is shown to the origin, which accepts by giving the stream, or
 * refuses. A stream that is pulled already is asked for once more, by a short `play` of the client's own.
 */

import type { OriginAddress, RemoteCluster, VhostConfig } from '../../conf/model.ts';
import { toUntimedFrame } from '../../stream/frame.ts';
import type { StreamRequest } from '../../stream/request.ts';
import { originName } from '../connection/address.ts';
import { pullOptions } from '../connection/client-options.ts';
import { toUpstreamError, UpstreamError } from '../connection/errors.ts';
import { openPullClient } from '../connection/pull-client.ts';
import { type Redirection, redirectionOf, upstreamRequest } from '../connection/request.ts';
import type { UpstreamContext } from '../context.ts';
import { type Verdict, verdictOn } from '../origins/verdict.ts';

/**
 * Asks one origin, and where it redirects to. Some servers say that the stream plays before they have asked their own
 * callbacks: only its first message counts.
 */
export async function judgePlayer(
  request: StreamRequest,
  cluster: RemoteCluster,
  vhost: VhostConfig,
  origin: OriginAddress,
  context: UpstreamContext,
  signal: AbortSignal,
): Promise<{ readonly kind: 'accepted' } | Verdict> {
  let target: Redirection = { address: origin };
  for (let redirects = 0; ; redirects++) {
    try {
      await playShortly(request, cluster, vhost, target, context, signal);
      return { kind: 'accepted' };
    } catch (error) {
      const asked = target.address;
      const failure = toUpstreamError(error, 'protocol', originName(asked));
      const next = redirectionOf(failure);
      if (next === undefined || redirects >= vhost.edge.redirectMax) {
        return await verdictOn(failure, (folder) => context.health.answers(asked, folder));
      }
      target = next;
    }
  }
}

/** Plays until the first message of the stream has come. Throws an UpstreamError. */
async function playShortly(
  request: StreamRequest,
  cluster: RemoteCluster,
  vhost: VhostConfig,
  target: Redirection,
  context: UpstreamContext,
  signal: AbortSignal,
): Promise<void> {
  const origin = originName(target.address);
  const first = Promise.withResolvers<void>();
  // It may fail before it is awaited.
  first.promise.catch(() => {});
  const handlers = {
    media: (message: Parameters<typeof toUntimedFrame>[0]) => {
      if (toUntimedFrame(message) !== undefined) first.resolve();
    },
    readEnd: () => {},
    status: () => {},
    closed: (error: UpstreamError) => first.reject(error),
  };
  const cancel = (): void => first.reject(new UpstreamError('cancelled', 'cancelled', { origin }));
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const client = await openPullClient(
      target.address,
      pullOptions(() => vhost, context),
      handlers,
      signal,
    );
    try {
      await client.ask(upstreamRequest(request, cluster, target, context.serverId), signal);
      await first.promise;
    } finally {
      client.destroy();
    }
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
