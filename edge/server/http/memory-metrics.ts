/**
 * Metrics of the memory that media takes: what is held for whom, and what was given up when it was too much.
 */

import { Counter, Gauge, type Registry } from 'prom-client';
import type { GivenUp, MediaKind, MediaMemory } from '../../budget/media-memory.ts';
import { slicePool } from '../../stream/buffer-pool.ts';

const kinds: readonly MediaKind[] = ['gop_cache', 'backlog', 'push'];

/** By what they are called in the exporter. */
const reasons: Readonly<Record<string, keyof GivenUp>> = {
  backlog: 'backlogs',
  gop_cache: 'gopCaches',
  player: 'players',
  push: 'pushes',
};

export function addMemoryMetrics(registry: Registry, memory: MediaMemory): void {
  const registers = [registry];
  new Gauge({
    name: 'edge_media_memory_bytes',
    help: 'Media held: in GOP caches, waiting for slow players (counted once for all), and for origins.',
    labelNames: ['kind'],
    registers,
    collect() {
      for (const kind of kinds) this.set({ kind }, memory.bytesOf(kind));
    },
  });
  new Gauge({
    name: 'edge_media_memory_max_bytes',
    help: 'Most media that may be held (media_memory_max_bytes).',
    registers,
    collect() {
      this.set(memory.limit);
    },
  });
  new Gauge({
    name: 'edge_slice_pool_free_bytes',
    help: 'Memory of slices that is kept to be used again, 96 MiB at most. Half of what nobody needed for 5 s is let go.',
    registers,
    collect() {
      this.set(slicePool.freeBytes);
    },
  });
  new Counter({
    name: 'edge_media_memory_given_up_total',
    help: 'Times that media was given up because there was too much: by what was, or player for one disconnected.',
    labelNames: ['what'],
    registers,
    collect() {
      this.reset();
      for (const [what, count] of Object.entries(reasons)) this.inc({ what }, memory.givenUp[count]);
    },
  });
}
