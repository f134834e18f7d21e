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

/**
 * Resolves when nobody is connected any more, at the latest a moment after the longest `drain_timeout`.
 * @param config asked each time: whoever has not the patience that was configured may reload another one
 */
export async function drainClients(
  clients: Clients,
  moves: Moves,
  config: () => EdgeConfig,
  log: Logger,
): Promise<void> {
  const timeoutMsOf = timeouts(config);
  const plan = new DrainPlan<Client>(performance.now(), {
    timeoutMsOf: ({ request }) => timeoutMsOf(request?.vhost),
    get askSpreadMs() {
      return config().edge.drainAskSpreadMs;
    },
    get endSpreadMs() {
      return config().edge.drainEndSpreadMs;
    },
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

/** The `drain_timeout` of each vhost; the longest for clients of none, or of one that is no longer configured. */
function timeouts(config: () => EdgeConfig): (vhost: string | undefined) => number {
  let known: EdgeConfig | undefined;
  let byVhost = new Map<string, number>();
  let latestMs = 0;
  return (vhost = '') => {
    if (known !== config()) {
      known = config();
      byVhost = new Map(known.vhosts.map(({ name, edge }) => [name, edge.drainTimeoutMs]));
      latestMs = Math.max(0, ...byVhost.values());
    }
    return byVhost.get(vhost) ?? latestMs;
  };
}

function carryOut({ ask, end, cut }: DrainStep<Client>, moves: Moves): void {
  for (const client of ask) moves.ask(client, why);
  for (const client of end) moves.end(client, why);
  for (const client of cut) client.disconnect(why);
}
