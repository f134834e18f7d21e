/**
 * What clients may hold, and how fast they may make us work: the process's one budget, on which every session draws.
 */

import { type ConnectionLimits, Connections } from './connections.ts';
import type { Descriptors } from './descriptors.ts';
import { PausedReaders } from './readers.ts';
import { UnfinishedBytes } from './unfinished.ts';

export interface BudgetLimits extends ConnectionLimits {
  /** Unfinished messages of all clients together. */
  readonly unfinishedMaxBytes: number;
}

export class Budget {
  readonly connections: Connections;
  readonly unfinished: UnfinishedBytes;
  readonly paused = new PausedReaders();

  /** @param limits asked whenever they matter: a reload may change them */
  constructor(limits: () => BudgetLimits, descriptors?: Descriptors) {
    this.connections = new Connections(limits, descriptors);
    this.unfinished = new UnfinishedBytes(() => limits().unfinishedMaxBytes);
  }
}
