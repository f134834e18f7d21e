/**
 * What each client has used: told when it stops, and again and again while it plays or publishes (`on_usage`), so that
 * an edge that dies takes at most one interval of it along.
 */

import type { StreamRequest } from '../stream/request.ts';

/** What went over a client's connection. */
export interface Counted {
  readonly id: string;
  readonly ip: string;
  readonly bytesReceived: number;
  readonly bytesSent: number;
}

/** SRS's names, and whole seconds. */
export interface Used {
  readonly send_bytes: number;
  readonly recv_bytes: number;
  readonly seconds: number;
}

/** What a client has used since it began to play or publish a stream. */
export class Usage {
  /** What its connection had used before: one may play several streams after each other. */
  readonly #begun = new WeakMap<StreamRequest, { atMs: number; bytesReceived: number; bytesSent: number }>();

  begin(request: StreamRequest, client: Counted | undefined): void {
    const { bytesReceived = 0, bytesSent = 0 } = client ?? {};
    this.#begun.set(request, { atMs: performance.now(), bytesReceived, bytesSent });
  }

  /** Undefined: it has not begun. */
  of(request: StreamRequest, client: Counted | undefined): Used | undefined {
    const begun = this.#begun.get(request);
    if (begun === undefined) return undefined;
    return {
      send_bytes: Math.max(0, (client?.bytesSent ?? 0) - begun.bytesSent),
      recv_bytes: Math.max(0, (client?.bytesReceived ?? 0) - begun.bytesReceived),
      seconds: Math.floor((performance.now() - begun.atMs) / 1000),
    };
  }
}
