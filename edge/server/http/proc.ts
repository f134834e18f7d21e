/** Files of Linux' `/proc`, read (proc(5)). Each is read whole at once by the kernel, in well under a millisecond. */

import { readFileSync } from 'node:fs';

/** A file's text; empty where there is none, as on other systems than Linux. */
export function procFile(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, 'latin1');
  } catch {
    return '';
  }
}

/** Lines `Name:   123 kB` of `/proc/meminfo`, in kB; 0 for what is not there. */
export function memoryOf(text: string): (name: string) => number {
  const found = new Map([...text.matchAll(/^([\w()]+):\s+(\d+)/gm)].map(([, name, kilobytes]) => [name, kilobytes]));
  return (name) => Number(found.get(name) ?? 0);
}

/** `/proc/stat`: the time of all processors by what they did with it, in ticks of 10 ms. */
export function processorTicks(text: string): readonly number[] {
  return numbers(/^cpu +(.*)$/m.exec(text)?.[1] ?? '');
}

/** `/proc/PID/stat`: the process's name and state, and the numbers behind them. The name may hold blanks and brackets. */
export function processStat(text: string): { readonly name: string; readonly state: string; readonly rest: number[] } {
  const [, name = '', state = '', rest = ''] = /^\d+ (\(.*\)) (\S) (.*)$/s.exec(text.trim()) ?? [];
  return { name, state, rest: numbers(rest) };
}

/** `/proc/net/dev`: bytes received and sent by all interfaces but loopback. */
export function networkBytes(text: string): { readonly received: number; readonly sent: number } {
  let [received, sent] = [0, 0];
  for (const [, name, figures = ''] of text.matchAll(/^ *([^\s:]+):(.*)$/gm)) {
    if (name === 'lo') continue;
    const columns = numbers(figures);
    received += columns[0] ?? 0;
    sent += columns[8] ?? 0;
  }
  return { received, sent };
}

/** `/proc/net/sockstat`, and its sibling for IPv6: sockets by state. */
export function socketCounts(...texts: readonly string[]): Readonly<Record<'inUse' | 'waiting' | 'udp', number>> {
  const all = texts.join('\n');
  const sum = (pattern: RegExp): number =>
    [...all.matchAll(pattern)].reduce((total, [, count]) => total + Number(count), 0);
  return {
    inUse: sum(/^TCP6?: inuse (\d+)/gm),
    waiting: sum(/^TCP: .* tw (\d+)/gm),
    udp: sum(/^UDP6?: inuse (\d+)/gm),
  };
}

function numbers(text: string): number[] {
  return Array.from(text.matchAll(/-?\d+/g), ([digits]) => Number(digits));
}
