/** How the edge itself is, for the console: what it uses against what it may use (`/api/v1/health`). */

import { availableParallelism, totalmem } from 'node:os';
import { accessReasons } from '../../access/entrance.ts';
import { turnedAwayReasons } from '../../budget/connections.ts';
import { version } from '../../version.ts';
import { pointEveryMs } from '../console/curve.ts';
import type { PastFigures } from '../console/past-figures.ts';
import type { Gateway } from '../gateway.ts';
import type { CpuShare, LoopLag } from './system.ts';
import type { RoleCounts, Traffic } from './traffic.ts';

export interface HealthSources {
  readonly gateway: Gateway;
  readonly traffic: Traffic;
  readonly past: PastFigures;
  readonly cpu: CpuShare;
  readonly loop: LoopLag;
}

/** Times in milliseconds, sizes in bytes, shares of 1; null for a limit that is not known. */
export function healthFigures({ gateway, traffic, past, cpu, loop }: HealthSources, roles: RoleCounts): object {
  const { budget, hub, clients, draining } = gateway;
  const { connections, unfinished } = budget;
  const { descriptors } = connections;
  return {
    version,
    state: draining ? 'draining' : 'serving',
    uptime_ms: Math.round(process.uptime() * 1000),
    cpu: { self: cpu.self, system: cpu.system, cores: availableParallelism() },
    event_loop: { worst_ms: loop.worstMs },
    memory: { resident: process.memoryUsage.rss(), machine: totalmem() },
    media_memory: { held: hub.memory.total, max: finite(hub.memory.limit) },
    unfinished: { held: unfinished.total, max: finite(unfinished.limit) },
    connections: { open: connections.size, idle: connections.unadmitted, max: connections.limit },
    descriptors: { open: descriptors.inUse(connections.size), max: finite(descriptors.limit) },
    clients: { players: roles.play, publishers: roles.publish, taken: clients.totalAccepted, refused: clients.refused },
    turned_away: counted(turnedAwayReasons, (reason) => connections.turnedAway(reason)),
    access_refused: counted(accessReasons, (reason) => gateway.entrance.refused(reason)),
    kbps: traffic.total.kbps,
    history: {
      every_ms: pointEveryMs,
      cpu_percent: past.cpuPercent.values(),
      event_loop_ms: past.loopLagMs.values(),
      in_kbps: past.inKbps.values(),
      out_kbps: past.outKbps.values(),
    },
  };
}

function finite(limit: number): number | null {
  return Number.isFinite(limit) ? limit : null;
}

function counted<Reason extends string>(reasons: readonly Reason[], read: (reason: Reason) => number): object {
  return Object.fromEntries(reasons.map((reason) => [reason, read(reason)]));
}
