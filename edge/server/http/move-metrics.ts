/** Metrics of clients that are moved to other edges. */

import { Counter, type Registry } from 'prom-client';
import type { MoveCounts, Moves } from '../moves/moves.ts';

const helps: Readonly<Record<keyof MoveCounts, string>> = {
  asked: 'Clients that were asked to reconnect, and so to go to another edge.',
  moved: 'Clients that were asked to reconnect and left by themselves.',
  ended: 'Clients that a stopping edge ended because they were still there.',
};

export function addMoveMetrics(registry: Registry, moves: Moves): void {
  for (const kind of ['asked', 'moved', 'ended'] as const) {
    new Counter({
      name: `edge_clients_${kind}_total`,
      help: helps[kind],
      registers: [registry],
      collect() {
        this.reset();
        this.inc(moves.counts[kind]);
      },
    });
  }
}
