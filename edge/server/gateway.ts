/**
 * What the servers need of the rest of the edge: who may come in, and where streams are. Wired in main.
 */

import type { Logger } from 'pino';
import type { Entrance } from '../access/entrance.ts';
import type { Budget } from '../budget/budget.ts';
import type { EdgeConfig, VhostConfig } from '../conf/model.ts';
import type { Hub } from '../stream/hub.ts';
import type { LiveStream } from '../stream/live-stream.ts';
import type { Publication, PublicationEvents } from '../stream/publication.ts';
import type { ConnectRequest, StreamRequest } from '../stream/request.ts';
import type { Clients } from './clients.ts';
import type { Journal } from './console/journal.ts';
import type { Moves } from './moves/moves.ts';
import type { Rebalance } from './moves/rebalance.ts';
import type { TicketKeys } from './ticket-keys.ts';

/** What a client has been given in all; goes into callbacks when it leaves. */
export interface Traffic {
  readonly bytesReceived: number;
  readonly bytesSent: number;
}

export interface Gateway {
  readonly log: Logger;
  readonly serverId: string;
  /** The configuration in force. */
  readonly config: EdgeConfig;
  readonly hub: Hub;
  readonly clients: Clients;
  /** Clients that are asked to go to other edges. */
  readonly moves: Moves;
  readonly rebalance: Rebalance;
  /** What clients may hold, and how fast they may make us work. */
  readonly budget: Budget;
  /** Of all TLS listeners. */
  readonly ticketKeys: TicketKeys;
  /** Who may come in, as far as the edge can tell by itself. `play` and `publish` have asked it already. */
  readonly entrance: Entrance;
  /** What happened lately that an operator wants to know of. */
  readonly journal: Journal;
  /** The edge is stopping: no new clients. */
  readonly draining: boolean;
  /** Who may play and publish, and what they get. */
  readonly grants: Grants;
}

/** What clients ask for. */
export interface Grants {
  /** Whether a search a moment ago found the stream at no origin. */
  isAbsent(request: StreamRequest): boolean;

  /** A client wants an application, or a stream of it: callbacks and token traverse. Throws a Refusal. */
  connect(request: ConnectRequest | StreamRequest, vhost: VhostConfig): Promise<void>;
  /** A client wants to play: callbacks, then the stream. Throws a Refusal. */
  play(request: StreamRequest, vhost: VhostConfig): Promise<LiveStream>;
  /** A client wants to publish: callbacks, then a publication. Throws a Refusal. */
  publish(request: StreamRequest, vhost: VhostConfig, events: PublicationEvents): Promise<Publication>;

  /** Each undoes what succeeded above; they tell the callbacks and never fail. */
  stopped(request: StreamRequest, vhost: VhostConfig): void;
  unpublished(request: StreamRequest, vhost: VhostConfig, publication: Publication): void;
  closed(request: ConnectRequest, vhost: VhostConfig, traffic: Traffic): void;
}
