/**
 * File descriptors of the process: how many it may have, how many are in use, and how many are kept for others than
 * clients (origins, probes, the log). Linux only: elsewhere nothing is known, and nothing is limited.
 */

import { closeSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';

/** Kept for connections to origins and for probes; a process that may have few descriptors keeps a quarter. */
const reserveMax = 64;

/** How long a count of the descriptors in use is good for: between two counts only clients are added. */
const countEveryMs = 1_000;

/** Most files the process may have open; infinite where that is not known. */
export function descriptorLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const soft = /^Max open files +(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** A look-up of a name reads some files and opens a socket or two, and others of the process open theirs beside it. */
const neededForLookup = 8;

/** Whether the process has so few descriptors at this moment that a look-up of a name may fail for want of them. */
export function outOfDescriptors(): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < neededForLookup) opened.push(openSync('/dev/null', 'r'));
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EMFILE' || code === 'ENFILE';
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

function countOpen(): number {
  try {
    // Since Linux 6.2 the directory's size is their number. To list thousands of them takes 10 ms.
    return statSync('/proc/self/fd').size || readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}

export class Descriptors {
  readonly limit: number;
  /** Clients leave this many alone. */
  readonly reserve: number;
  readonly #count: () => number;
  /** In use by others than the connections that are counted here, when it was last looked. */
  #others = 0;
  #countedMs = Number.NEGATIVE_INFINITY;

  constructor(limit: number = descriptorLimit(), count: () => number = countOpen) {
    this.limit = limit;
    this.reserve = Number.isFinite(limit) ? Math.min(reserveMax, Math.floor(limit / 4)) : 0;
    this.#count = count;
  }

  /** Descriptors in use, by a count that is at most a second old. @param connections accepted and not yet closed */
  inUse(connections: number): number {
    const nowMs = performance.now();
    if (nowMs - this.#countedMs >= countEveryMs) {
      this.#others = Math.max(0, this.#count() - connections);
      this.#countedMs = nowMs;
    }
    return this.#others + connections;
  }

  /** Descriptors that are free. Counts them only where it may matter. @param connections as for `inUse` */
  free(connections: number): number {
    // A connection of a publisher needs one to its origin, too.
    if (connections < this.limit / 4) return this.limit - connections;
    return this.limit - this.inUse(connections);
  }
}
