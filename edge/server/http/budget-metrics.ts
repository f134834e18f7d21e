/**
 * Metrics of the budget: what clients hold against what they may hold, and who was turned away.
 */

import { Counter, Gauge, type Registry } from 'prom-client';
import type { Budget } from '../../budget/budget.ts';
import { type Purpose, turnedAwayReasons } from '../../budget/connections.ts';
import { socketsWaitingForTurn } from '../../budget/read-turns.ts';

const purposes: readonly Purpose[] = ['rtmp', 'http', 'service'];

export function addBudgetMetrics(registry: Registry, { connections, unfinished, paused, handshakes }: Budget): void {
  const registers = [registry];
  new Gauge({
    name: 'edge_connections',
    help: 'Connections from accept to close, by the kind of listener; service is the API and the exporter.',
    labelNames: ['kind'],
    registers,
    collect() {
      for (const kind of purposes) this.set({ kind }, connections.sizeOf(kind));
    },
  });
  new Counter({
    name: 'edge_connections_turned_away_total',
    help: 'Connections that were refused, or closed to make room or because they did not get on.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      for (const reason of turnedAwayReasons) this.inc({ reason }, connections.turnedAway(reason));
    },
  });
  const gauges: readonly (readonly [name: string, help: string, read: () => number])[] = [
    ['edge_connections_max', 'Most connections that there may be (max_connections).', () => connections.limit],
    ['edge_connections_unadmitted', 'Connections that neither play nor publish.', () => connections.unadmitted],
    ['edge_unfinished_bytes', 'Memory held by messages that are not complete.', () => unfinished.total],
    ['edge_unfinished_max_bytes', 'Most of it that there may be (unfinished_max_bytes).', () => unfinished.limit],
    ['edge_paused_readers', 'Sockets that are not read until their peer reads, or asks for less.', () => paused.now],
    [
      'edge_sockets_waiting_for_turn',
      'Sockets of which more is there than is read in one turn of the event loop (64 KiB). Many for long: the edge does not keep up.',
      socketsWaitingForTurn,
    ],
    [
      'edge_tls_handshakes_waiting',
      'TLS handshakes that have begun and wait for their turn.',
      () => handshakes.waiting,
    ],
    ['edge_descriptors', 'File descriptors in use.', () => connections.descriptors.inUse(connections.size)],
    ['edge_descriptors_max', 'Most file descriptors that the process may have.', () => connections.descriptors.limit],
  ];
  for (const [name, help, read] of gauges) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }
  new Counter({
    name: 'edge_tls_handshakes_total',
    help: 'TLS handshakes that succeeded; resumed: with the session of a connection before, without a signature.',
    labelNames: ['resumed'],
    registers,
    collect() {
      this.reset();
      this.inc({ resumed: 'true' }, handshakes.resumed);
      this.inc({ resumed: 'false' }, handshakes.full);
    },
  });
  new Counter({
    name: 'edge_tls_handshakes_failed_total',
    help: 'TLS handshakes that failed: clients without TLS, with an old one, or that do not take the certificate.',
    registers,
    collect() {
      this.reset();
      this.inc(handshakes.failed);
    },
  });
  new Counter({
    name: 'edge_paused_readers_total',
    help: 'Times that a socket was not read on until its peer read, or asked for less.',
    registers,
    collect() {
      this.reset();
      this.inc(paused.total);
    },
  });
}
