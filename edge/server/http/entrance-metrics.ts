/** Metrics of who was not let in by the edge itself. */
import { Counter, type Registry } from 'prom-client';
import { accessReasons, type Entrance } from '../../access/entrance.ts';

export function addEntranceMetrics(registry: Registry, entrance: Entrance): void {
  new Counter({
    name: 'edge_access_refused_total',
    help: 'Clients that were not let play or publish, or were disconnected, by `security`, `refer`, `token` or `limits`.',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const reason of accessReasons) this.inc({ reason }, entrance.refused(reason));
    },
  });
}
