/**
 * `token_traverse`: the client's own connect is shown to an origin, which accepts or refuses the client.
 */

import type { VhostConfig } from '../../conf/model.ts';
import { type ConnectRequest, Refusal } from '../../stream/request.ts';
import { originName } from '../connection/address.ts';
import { clientOptions } from '../connection/client-options.ts';
import { toUpstreamError } from '../connection/errors.ts';
import { traversedRequest } from '../connection/request.ts';
import { RtmpClient } from '../connection/rtmp-client.ts';
import type { UpstreamContext } from '../context.ts';
import { nextOrigin } from '../origins/balance.ts';
import { verdictOn } from '../origins/verdict.ts';

const silent = { media: () => {}, readEnd: () => {}, status: () => {}, closed: () => {} };

/** Resolves when an origin accepts the client; throws a Refusal when one refuses it, or none can be asked. */
export async function traverseToken(
  request: ConnectRequest,
  vhost: VhostConfig,
  context: UpstreamContext,
  signal: AbortSignal,
): Promise<void> {
  if (vhost.cluster.mode !== 'remote' || !vhost.cluster.tokenTraverse) return;
  const { origins } = context;
  const errand = { purpose: 'publish', by: request.protocol } as const;
  const tried = new Set<string>();
  let lookUps = 1;
  for (;;) {
    const origin = nextOrigin({
      // No stream is known yet that could be asked about.
      located: [],
      origins: origins.listed(vhost, errand),
      further: () => origins.further(vhost, errand),
      balance: vhost.edge.balance,
      streamKey: `${request.vhost}/${request.app}`,
      attempt: 0,
      remembered: undefined,
      tried,
      state: (each) => context.health.state(each),
    });
    if (origin === undefined && lookUps-- > 0) {
      await origins.settled(vhost);
      continue;
    }
    if (origin === undefined) {
      throw new Refusal(
        'NetConnection.Connect.Failed',
        'token_traverse: no origin can be asked about this client',
        503,
      );
    }
    tried.add(originName(origin));
    try {
      const client = await RtmpClient.open(origin, clientOptions(vhost, context), silent, signal);
      await client.connect(traversedRequest(request), signal);
      client.destroy();
      return;
    } catch (error) {
      const failure = toUpstreamError(error, 'protocol', originName(origin));
      const verdict = await verdictOn(failure, () => context.health.answers(origin));
      if (verdict.kind !== 'failed') {
        throw new Refusal(failure.code ?? 'NetConnection.Connect.Rejected', failure.reason, 403, { cause: failure });
      }
      context.log.warn({ err: failure, client: request.clientId }, 'token traverse failed');
      context.health.failed(origin, verdict.error);
    }
  }
}
