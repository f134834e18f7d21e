/**
 * Lets the clients of a stopping edge go: asks those who can to reconnect, waits, and ends the rest, a few at a time.
 */

import type { Logger } from 'pino';
import type { EdgeConfig } from '../../conf/model.ts';
import type { Client, Clients } from '../clients.ts';
import { DrainPlan, type DrainStep } from './drain-plan.ts';
import type { Moves } from './moves.ts';

const stepEveryMs = 100;
const why = 'the edge stops';

/** Resolves when nobody is connected any more, at the latest a moment after the longest `drain_timeout`. */
export async function drainClients(
  clients: Clients,
  moves: Moves,
  { vhosts, edge }: EdgeConfig,
  log: Logger,
): Promise<void> {
  const timeouts = new Map(vhosts.map((vhost) => [vhost.name, vhost.edge.drainTimeoutMs]));
  // Clients of no vhost, or of one that is no longer configured.
  const latestMs = Math.max(0, ...timeouts.values());
  const plan = new DrainPlan<Client>(performance.now(), {
    timeoutMsOf: ({ request }) => timeouts.get(request?.vhost ?? '') ?? latestMs,
    askSpreadMs: edge.drainAskSpreadMs,
    endSpreadMs: edge.drainEndSpreadMs,
    canAsk: (client) => moves.canAsk(client),
    random: Math.random,
  });
  let saidEnd = false;
  const step = (): void => {
    const todo = plan.step(clients.values(), performance.now());
    if (todo.end.length > 0 && !saidEnd) log.info({ clients: clients.size }, 'drain: ends those who are left');
    saidEnd ||= todo.end.length > 0;
    carryOut(todo, moves);
  };
  step();
  const timer = setInterval(step, stepEveryMs);
  await clients.empty();
  clearInterval(timer);
  log.info(moves.counts, 'drained');
}

function carryOut({ ask, end, cut }: DrainStep<Client>, moves: Moves): void {
  for (const client of ask) moves.ask(client, why);
  for (const client of end) moves.end(client, why);
  for (const client of cut) client.disconnect(why);
}
