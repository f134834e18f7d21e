/**
 * What clients may hold, and how fast they may make us work: the process's one budget, on which every session draws.
 */

import { type ConnectionLimits, Connections } from './connections.ts';
import type { Descriptors } from './descriptors.ts';
import { Handshakes } from './handshakes.ts';
import { PausedReaders } from './readers.ts';
import { UnfinishedBytes } from './unfinished.ts';

/** What a configuration says of it. */
export interface BudgetLimits {
  readonly maxConnections: number;
  readonly edge: {
    readonly unadmittedPerAddress: number;
    /** Unfinished messages of all clients together. */
    readonly unfinishedMaxBytes: number;
  };
}

export class Budget {
  readonly connections: Connections;
  readonly unfinished: UnfinishedBytes;
  readonly paused = new PausedReaders();
  readonly handshakes = new Handshakes();

  /** @param limits those in force, asked after each read: a reload may change them */
  constructor(limits: () => BudgetLimits, descriptors?: Descriptors) {
    const ofConnections = (): ConnectionLimits => {
      const { maxConnections, edge } = limits();
      return { maxConnections, unadmittedPerAddress: edge.unadmittedPerAddress };
    };
    this.connections = new Connections(ofConnections, descriptors);
    this.unfinished = new UnfinishedBytes(() => limits().edge.unfinishedMaxBytes);
  }
}
