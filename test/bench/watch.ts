/**
 * A server at work: what it costs and what it delivers, and the columns that show it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Column, Settings } from './case.ts';
import { processorTime, residentBytes } from './measure.ts';
import type { Server } from './servers.ts';
import { WARM_UP_MS } from './stage.ts';

export const cpu: Column = { title: 'CPU, % of a core', digits: 1, over: 'min' };
export const user: Column = { title: 'in user space', digits: 1, over: 'min' };
export const rss: Column = { title: 'RSS, MB', digits: 0, over: 'max' };
export const delivered: Column = { title: 'delivered, %', digits: 1, over: 'min' };
export const least: Column = { title: 'to the worst-off, %', digits: 1, over: 'min' };
export const gone: Column = { title: 'not served', digits: 0, over: 'max' };
export const backwards: Column = { title: 'time went back', digits: 0, over: 'max' };

export type Watched = Readonly<Record<'cpu' | 'user' | 'rss' | 'delivered', number>>;

/**
 * Watches a server at work, window after window; `bytes` answers what was delivered since it was last asked.
 * The cheapest window counts: what else the machine does only ever adds (shared caches and cores).
 */
export async function watch(
  server: Server,
  settings: Settings,
  rate: number,
  bytes: () => Promise<number>,
): Promise<Watched> {
  const { pid } = server.program;
  let cheapest = { cpu: Number.POSITIVE_INFINITY, user: Number.POSITIVE_INFINITY };
  let resident = 0;
  let total = 0;
  await sleep(WARM_UP_MS);
  await bytes();
  const began = performance.now();
  for (let i = 0; i < settings.windows; i++) {
    const from = performance.now();
    const before = processorTime(pid);
    await sleep(settings.seconds * 1000);
    const after = processorTime(pid);
    const elapsed = performance.now() - from;
    const user = (100 * (after.userMs - before.userMs)) / elapsed;
    const cpu = user + (100 * (after.systemMs - before.systemMs)) / elapsed;
    if (cpu < cheapest.cpu) cheapest = { cpu, user };
    resident = Math.max(resident, residentBytes(pid));
    total += await bytes();
  }
  const seconds = (performance.now() - began) / 1000;
  return { ...cheapest, rss: resident / 1e6, delivered: (100 * total) / (rate * seconds) };
}
