/**
 * Figures of the process and its machine, for `/api/v1/summaries` (SRS's `self` and `system`).
 */

import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, freemem, loadavg, totalmem, uptime } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Shares of the processor since the last look: of one core for the process, of all cores for the machine. */
export class CpuShare {
  self = 0;
  system = 0;
  #selfMicros = 0;
  #atMs = 0;
  #busyMs = 0;
  #allMs = 0;

  constructor() {
    this.look();
  }

  look(): void {
    const { user, system } = process.cpuUsage();
    const nowMs = performance.now();
    if (nowMs > this.#atMs) this.self = (user + system - this.#selfMicros) / 1000 / (nowMs - this.#atMs);
    this.#selfMicros = user + system;
    this.#atMs = nowMs;
    const times = cpus().map((cpu) => cpu.times);
    const idleMs = times.reduce((sum, { idle }) => sum + idle, 0);
    const allMs = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
    const spanMs = allMs - this.#allMs;
    if (spanMs > 0) this.system = (allMs - idleMs - this.#busyMs) / spanMs;
    this.#busyMs = allMs - idleMs;
    this.#allMs = allMs;
  }
}

/** By which the event loop's delay is measured; Node's own 10 ms would wake an idle edge a hundred times a second. */
export const lagPrecisionMs = 50;

/** How late the event loop was lately: all clients wait for so long. */
export class LoopLag {
  /** 99 of 100 times it was less, in milliseconds, between the last two looks. */
  p99Ms = 0;
  readonly #delays = monitorEventLoopDelay({ resolution: lagPrecisionMs });

  constructor() {
    this.#delays.enable();
  }

  look(): void {
    this.p99Ms =
      this.#delays.count === 0 ? 0 : Math.max(0, Math.round(this.#delays.percentile(99) / 1e6 - lagPrecisionMs));
    this.#delays.reset();
  }

  stop(): void {
    this.#delays.disable();
  }
}

/** Memory of the machine in kB; what Linux alone tells is 0 elsewhere. */
function memory(): { readonly available: number; readonly swap: number; readonly swapFree: number } {
  try {
    const text = readFileSync('/proc/meminfo', 'latin1');
    const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
    return {
      available: kilobytes('MemAvailable'),
      swap: kilobytes('SwapTotal'),
      swapFree: kilobytes('SwapFree'),
    };
  } catch {
    return { available: freemem() / 1024, swap: 0, swapFree: 0 };
  }
}

export function selfFigures(cpu: CpuShare, version: string): object {
  const rssKb = Math.round(process.memoryUsage.rss() / 1024);
  return {
    version,
    pid: process.pid,
    ppid: process.ppid,
    mem_kbyte: rssKb,
    mem_percent: rssKb / (totalmem() / 1024),
    cpu_percent: cpu.self,
    srs_uptime: Math.floor(process.uptime()),
  };
}

export function systemFigures(cpu: CpuShare): object {
  const { available, swap, swapFree } = memory();
  const totalKb = Math.round(totalmem() / 1024);
  const [one = 0, five = 0, fifteen = 0] = loadavg();
  return {
    cpu_percent: cpu.system,
    mem_ram_kbyte: totalKb,
    mem_ram_percent: totalKb > 0 ? (totalKb - available) / totalKb : 0,
    mem_swap_kbyte: swap,
    mem_swap_percent: swap > 0 ? (swap - swapFree) / swap : 0,
    cpus: cpus().length,
    cpus_online: availableParallelism(),
    uptime: uptime(),
    load_1m: one,
    load_5m: five,
    load_15m: fifteen,
  };
}
