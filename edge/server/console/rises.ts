/**
 * Tells the journal of what is only counted, when a count has risen: connections turned away, wrong credentials, media
 * given up, log lines lost. So a flood of it costs a look every ten seconds, and no more.
 */

import { turnedAwayReasons } from '../../budget/connections.ts';
import type { Gateway } from '../gateway.ts';
import { type Access, refusalReasons } from '../http/access.ts';
import type { HttpDeps } from '../http/deps.ts';
import { pointEveryMs } from './curve.ts';

interface Count {
  readonly what: string;
  readonly reason: string;
  readonly read: () => number;
  told: number;
}

const turnedAwayWords = {
  max_connections: 'max_connections is reached',
  address: 'their address has too many that neither play nor publish',
  descriptors: 'the process has no file descriptors left',
  unfinished_messages: 'their unfinished messages took too much memory',
  proxy_protocol: 'they came by no trusted proxy',
  timeout: 'they did not get on in time',
} as const;

const apiWords = {
  credentials: 'no or wrong credentials',
  rate: 'too many wrong credentials',
  page: 'a web page of another origin',
} as const;

export class Rises {
  readonly #gateway: Gateway;
  readonly #counts: readonly Count[];
  readonly #timer: NodeJS.Timeout;

  constructor(gateway: Gateway, deps: HttpDeps, access: Access) {
    this.#gateway = gateway;
    const { connections } = gateway.budget;
    const { givenUp } = gateway.hub.memory;
    const media = (reason: string, read: () => number): Count =>
      count('Media given up for want of memory', reason, read);
    this.#counts = [
      ...turnedAwayReasons.map((reason) =>
        count('Connections turned away', turnedAwayWords[reason], () => connections.turnedAway(reason)),
      ),
      ...refusalReasons.map((reason) =>
        count('Requests refused by the API', apiWords[reason], () => access.refused[reason]),
      ),
      media('what waited for slow players', () => givenUp.backlogs),
      media('GOP caches', () => givenUp.gopCaches),
      media('players that took nothing were disconnected', () => givenUp.players),
      media('what was kept for origins', () => givenUp.pushes),
      count('Log lines lost', 'the log could not be written', () => deps.logCounts().lostLines),
    ];
    this.#timer = setInterval(() => this.look(), pointEveryMs).unref();
  }

  look(): void {
    for (const each of this.#counts) {
      const now = each.read();
      const rise = now - each.told;
      each.told = now;
      if (rise > 0) this.#gateway.journal.tell({ kind: 'limit', what: each.what, reason: each.reason }, rise);
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

function count(what: string, reason: string, read: () => number): Count {
  return { what, reason, read, told: read() };
}
