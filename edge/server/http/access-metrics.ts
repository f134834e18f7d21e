/**
 * Metrics of the API's access: whom it refused, and why.
 */

import { Counter, type Registry } from 'prom-client';
import { type Access, refusalReasons } from './access.ts';

export function addAccessMetrics(registry: Registry, { refused }: Access): void {
  new Counter({
    name: 'edge_api_refused_total',
    help: 'Requests that the API refused: for want of credentials, after too many wrong ones, or to a web page.',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const reason of refusalReasons) this.inc({ reason }, refused[reason]);
    },
  });
}
