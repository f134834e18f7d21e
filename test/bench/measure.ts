/**
 * What /proc says about a program and its children (proc(5)): processor time, memory, connections.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Kernel clock ticks a second in /proc/PID/stat: USER_HZ, 100 on every architecture Linux runs Node on. */
const TICKS_PER_SECOND = 100;

export interface ProcessorTime {
  readonly userMs: number;
  readonly systemMs: number;
}

function tree(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(tree)];
}

/** Processor time that a program and its living children have used since they started. */
export function processorTime(pid: number): ProcessorTime {
  let user = 0;
  let system = 0;
  for (const each of tree(pid)) {
    const stat = readFileSync(`/proc/${each}/stat`, 'utf8');
    // The second field is a name in brackets, which may hold spaces; utime and stime are the fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    user += Number(fields[11]);
    system += Number(fields[12]);
  }
  return { userMs: (user * 1000) / TICKS_PER_SECOND, systemMs: (system * 1000) / TICKS_PER_SECOND };
}

/** Resident memory of a program and its children, in bytes. */
export function residentBytes(pid: number): number {
  let kilobytes = 0;
  for (const each of tree(pid)) {
    kilobytes += Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${each}/status`, 'utf8'))?.[1] ?? 0);
  }
  return kilobytes * 1024;
}

/** Memory of a program alone, in bytes: what it shares with others counts by its share (PSS). */
export function proportionalBytes(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? Number.NaN) * 1024;
}

/** The remote ports that a process has established IPv4 connections to. */
export function connectedPorts(pid: number): Set<number> {
  const inodes = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // Closed since the folder was read.
    }
  }
  const ports = new Set<number>();
  for (const line of readFileSync(`/proc/${pid}/net/tcp`, 'utf8').split('\n').slice(1)) {
    const [, , remote, state, , , , , , inode] = line.trim().split(/\s+/);
    const established = state === '01';
    if (established && inode !== undefined && inodes.has(inode))
      ports.add(Number.parseInt(remote?.split(':')[1] ?? '', 16));
  }
  return ports;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The nearest-rank percentile: `percentile([…], 0.99)`. */
export function percentile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * fraction) - 1)] ?? Number.NaN;
}

/** How steeply values rise with x: that of the line which fits points [x, value] best (least squares). */
export function slope(points: readonly (readonly [x: number, value: number])[]): number {
  const mean = (of: 0 | 1): number => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [meanX, meanValue] = [mean(0), mean(1)];
  let rise = 0;
  let run = 0;
  for (const [x, value] of points) {
    rise += (x - meanX) * (value - meanValue);
    run += (x - meanX) ** 2;
  }
  return rise / run;
}
