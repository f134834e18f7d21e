/** What the API tells of clients that go to other edges (`GET /api/v1/moves`), and how it has players asked (`POST`). */

import type { Gateway } from '../gateway.ts';
import { type Answer, naturalNumber } from './api-resource.ts';

/** `able`: players that could be asked now. The others count since the start. */
export function moveFigures({ moves, rebalance }: Gateway): object {
  return { able: rebalance.able().length, ...moves.counts };
}

/**
 * Has some players asked to reconnect, spread over a time: `?clients=10&within_ms=60000`, and with `older_than_ms` only
 * those that have been here for so long. Takes the place of what was ordered before.
 */
export function askPlayers({ draining, rebalance, log, journal }: Gateway, query: URLSearchParams): Answer {
  const clients = naturalNumber(query.get('clients'));
  const withinMs = naturalNumber(query.get('within_ms'));
  const olderThanMs = naturalNumber(query.get('older_than_ms') ?? '0');
  if (clients === undefined || withinMs === undefined || olderThanMs === undefined) {
    const data = 'say how many players to ask and in which time: ?clients=10&within_ms=60000';
    return { status: 400, code: 400, fields: { data } };
  }
  // A drain asks all of them.
  const asking = draining ? 0 : rebalance.begin({ clients, withinMs, olderThanMs });
  log.info({ clients, asking, withinMs }, 'players are to be asked to go to other edges');
  if (asking > 0) journal.tell({ kind: 'move', asking, withinMs });
  return { fields: { asking } };
}
