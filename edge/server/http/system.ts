/**
 * Figures of the process and its machine, for `/api/v1/summaries` (SRS's `self` and `system`).
 */

import { availableParallelism, cpus, freemem, loadavg, totalmem, uptime } from 'node:os';
import { watchLateness } from '../../time/awake.ts';
import { memoryOf, networkBytes, procFile, socketCounts } from './proc.ts';

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

/** How late the event loop was lately: all clients wait for so long. Asks for no wake-ups of its own. */
export class LoopLag {
  /** The latest that a timer came between the last two looks, in milliseconds. */
  worstMs = 0;
  #worstMs = 0;
  readonly #end = watchLateness((lateMs) => {
    this.#worstMs = Math.max(this.#worstMs, lateMs);
  });

  look(): void {
    this.worstMs = Math.round(this.#worstMs);
    this.#worstMs = 0;
  }

  stop(): void {
    this.#end();
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
  const memory = memoryOf(procFile('meminfo'));
  const available = memory('MemAvailable') || freemem() / 1024;
  const [swap, swapFree] = [memory('SwapTotal'), memory('SwapFree')];
  const totalKb = Math.round(totalmem() / 1024);
  const [one = 0, five = 0, fifteen = 0] = loadavg();
  return {
    cpu_percent: cpu.system,
    // The edge writes to no disk but its log.
    disk_read_KBps: 0,
    disk_write_KBps: 0,
    disk_busy_percent: 0,
    mem_ram_kbyte: totalKb,
    mem_ram_percent: totalKb > 0 ? (totalKb - available) / totalKb : 0,
    mem_swap_kbyte: swap,
    mem_swap_percent: swap > 0 ? (swap - swapFree) / swap : 0,
    cpus: cpus().length,
    cpus_online: availableParallelism(),
    uptime: uptime(),
    // So written by SRS.
    ilde_time: idleSeconds(),
    load_1m: one,
    load_5m: five,
    load_15m: fifteen,
  };
}

/** SRS's figures of the machine's network: its interfaces but loopback, and its sockets. Bytes since the machine's start. */
export function networkFigures(nowMs: number): object {
  const { received, sent } = networkBytes(procFile('net/dev'));
  const { inUse, waiting, udp } = socketCounts(procFile('net/sockstat'), procFile('net/sockstat6'));
  return {
    net_sample_time: nowMs,
    net_recv_bytes: received,
    net_send_bytes: sent,
    net_recvi_bytes: received,
    net_sendi_bytes: sent,
    conn_sys: inUse + waiting,
    conn_sys_et: inUse,
    conn_sys_tw: waiting,
    conn_sys_udp: udp,
  };
}

function idleSeconds(): number {
  return Number(procFile('uptime').split(' ')[1] ?? 0);
}
