/** Tells overfull edges to ask some of their players to connect again. */

import type { V1Deployment } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { EdgeCluster } from '../../api/types.ts';
import type { PodView } from '../observe/views.ts';
import { fleetOf, rolloutOf } from './fleet.ts';
import { inParallel } from './in-parallel.ts';
import type { EdgePoller } from './poller.ts';
import { type MoveOrder, type RebalanceMemory, roundMs, youngestMs } from './rebalance.ts';

export interface MoveDeps {
  readonly edges: Pick<EdgePoller, 'edge' | 'move'>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** The edges, and what is wanted of them. */
export interface MoveInput {
  readonly cluster: EdgeCluster;
  readonly pods: readonly PodView[];
  readonly deployment: V1Deployment | undefined;
}

const atOnce = 8;
const withoutEffect =
  'players that were asked to connect again came back to the same edges; nobody is asked until other edges are there: ' +
  'look at the session affinity of the Service and of load balancers before it';

/**
 * Never fails: an edge that does not answer is asked in the next round.
 * @param nowMs monotonic
 * @returns milliseconds until it is to be done again
 */
export async function movePlayers(
  deps: MoveDeps,
  { cluster, pods, deployment }: MoveInput,
  memory: RebalanceMemory,
  nowMs: number,
): Promise<number | undefined> {
  const isSettled = deployment !== undefined && rolloutOf(deployment).state === 'done';
  const fleet = fleetOf(pods, deps.edges.edge, Date.now());
  const step = memory.step(fleet, cluster.spec.rebalance.playersPerMinute, isSettled, nowMs);
  if (step.givenUp) deps.log.warn(withoutEffect);
  if (step.orders.length > 0) memory.asked(await tell(deps, step.orders));
  return step.dueInMs;
}

async function tell({ edges, log, signal }: MoveDeps, orders: readonly MoveOrder[]): Promise<number> {
  let asked = 0;
  await inParallel(atOnce, orders, async ({ member, clients }) => {
    const { name: pod, uid } = member.pod.metadata;
    try {
      const asking = await edges.move(uid, { clients, withinMs: roundMs, olderThanMs: youngestMs }, signal);
      asked += asking;
      log.info({ pod, players: asking }, 'an overfull edge asks players to connect again');
    } catch (error) {
      log.warn({ pod, err: (error as Error).message }, 'an overfull edge could not be told to move players');
    }
  });
  return asked;
}
