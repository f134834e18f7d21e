/** What an edge says of itself: the answer of its `GET /api/v1/edge`, checked and typed. */

export interface EdgeReport {
  /** `draining`: it has been told to stop and lets its clients finish. */
  readonly state: 'serving' | 'draining';
  readonly config: {
    /** First 16 hexadecimal digits of the SHA-256 of the edge.conf in force. */
    readonly hash: string;
    /** Why it refused the last text it was given; undefined when it did not. */
    readonly error: string | undefined;
  };
  readonly figures: EdgeFigures;
  /** Since it started; undefined: an older edge, which does not say. */
  readonly clients: EdgeClients | undefined;
  /** Players that it could ask to connect again; undefined: an older edge, which asks nobody. */
  readonly movablePlayers: number | undefined;
  /** How late its event loop was lately, in milliseconds; undefined: an older edge, which does not say. */
  readonly eventLoopLagMs: number | undefined;
  /** By name: `host:port`, with `rtmps://` before it for TLS. */
  readonly origins: ReadonlyMap<string, EdgeOrigin>;
}

export interface EdgeFigures {
  readonly players: number;
  /** Of the players, edges of a tier below. An older edge does not say, and has 0. */
  readonly edgePlayers: number;
  readonly publishers: number;
  readonly streams: number;
  readonly receivedKbps: number;
  readonly sentKbps: number;
  /** Connections to origins that carry a stream. */
  readonly originConnections: number;
}

/** What edges keep from their origins, where each client would have a connection of its own. */
export interface Saved {
  readonly connections: number;
  readonly kbps: number;
}

type Counted = Pick<EdgeFigures, 'players' | 'publishers' | 'originConnections' | 'sentKbps' | 'receivedKbps'>;

/** While streams begin and end the figures are not of one moment; less than nothing is none. */
export function savedBy({ players, publishers, originConnections, sentKbps, receivedKbps }: Counted): Saved {
  return {
    connections: Math.max(0, players + publishers - originConnections),
    // What publishers send is passed on to origins, and is in both.
    kbps: Math.max(0, sentKbps - receivedKbps),
  };
}

/** Clients since the edge started. */
export interface EdgeClients {
  readonly taken: number;
  /** Not let play or publish. */
  readonly refused: number;
}

export interface EdgeOrigin {
  readonly state: 'up' | 'suspect' | 'down' | 'untried';
  /** Why it is not up; empty when it is. */
  readonly reason: string;
}

/** What is known of one edge. */
export type EdgeState =
  /** Not asked yet, or just asked for the first time. */
  | { readonly state: 'unknown' }
  | { readonly state: 'answering'; readonly report: EdgeReport }
  /** It does not answer, or with something else. `last` is what it said before. */
  | {
      readonly state: 'silent';
      readonly cause: SilenceCause;
      readonly why: string;
      readonly last: EdgeReport | undefined;
    };

/** `refused`: it answers, and takes none of the operator's credentials. */
export type SilenceCause = 'noAnswer' | 'refused';

/** The last word of an edge, if there is one. */
export function lastReport(edge: EdgeState): EdgeReport | undefined {
  if (edge.state === 'answering') return edge.report;
  return edge.state === 'silent' ? edge.last : undefined;
}

/** The answer was not an edge's. */
export class EdgeAnswerError extends Error {
  override readonly name = 'EdgeAnswerError';
}

/** The edge is there, and will not say how it is. */
export class CredentialRefusedError extends Error {
  override readonly name = 'CredentialRefusedError';

  constructor(status: RefusedStatus) {
    super(`${refusals[status]} (HTTP status ${status})`);
  }
}

const refusals = {
  401: 'it does not know the credential',
  403: 'it has no credentials at all',
  429: 'it was shown too many wrong credentials',
} as const;

type RefusedStatus = keyof typeof refusals;

/** Whether an edge says by this status of HTTP that it refuses the credential. */
export function isRefusal(status: number): status is RefusedStatus {
  return status in refusals;
}

type Fields = Readonly<Record<string, unknown>>;

function successOf(body: string): Fields {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    throw new EdgeAnswerError(`its answer is not JSON: ${JSON.stringify(body.slice(0, 60))}`);
  }
  const edge = fields(answer, 'the answer');
  if (edge.code !== 0) throw new EdgeAnswerError(`its answer has code ${JSON.stringify(edge.code)}, not 0`);
  return edge;
}

/**
 * Reads the body of an answer; fields it does not know are left alone, so that newer edges are understood.
 * Throws EdgeAnswerError when what it needs is not there.
 */
export function parseEdgeReport(body: string): EdgeReport {
  const edge = successOf(body);
  const config = fields(edge.config, 'config');
  const kbps = fields(edge.kbps, 'kbps');
  const origins = list(edge.origins, 'origins').map((origin) => fields(origin, 'origins[]'));
  return {
    state: oneOf(edge.state, ['serving', 'draining'], 'state'),
    config: {
      hash: text(config.hash, 'config.hash'),
      error: config.error === null || config.error === undefined ? undefined : text(config.error, 'config.error'),
    },
    figures: {
      players: count(edge.players, 'players'),
      edgePlayers: edge.edges === undefined ? 0 : count(edge.edges, 'edges'),
      publishers: count(edge.publishers, 'publishers'),
      streams: count(edge.streams, 'streams'),
      receivedKbps: count(kbps.recv_30s, 'kbps.recv_30s'),
      sentKbps: count(kbps.send_30s, 'kbps.send_30s'),
      originConnections: origins.reduce(
        (total, { connections = 0 }) => total + count(connections, 'origins[].connections'),
        0,
      ),
    },
    clients: clientCounts(edge.clients),
    movablePlayers: edge.moves === undefined ? undefined : count(fields(edge.moves, 'moves').able, 'moves.able'),
    eventLoopLagMs:
      edge.event_loop_lag_ms === undefined ? undefined : count(edge.event_loop_lag_ms, 'event_loop_lag_ms'),
    origins: new Map(origins.map(originEntry)),
  };
}

/** Whether the edge runs another configuration than this one, and has not refused it. */
export function isBehind(state: EdgeState, configHash: string | undefined): boolean {
  if (state.state !== 'answering' || configHash === undefined) return false;
  const { hash, error } = state.report.config;
  return hash !== configHash && error === undefined;
}

/** Reads how many players an edge is going to ask. Throws EdgeAnswerError. */
export function parseAsking(body: string): number {
  return count(successOf(body).asking, 'asking');
}

function clientCounts(value: unknown): EdgeClients | undefined {
  if (value === undefined) return undefined;
  const { taken, refused } = fields(value, 'clients');
  return { taken: count(taken, 'clients.taken'), refused: count(refused, 'clients.refused') };
}

function originEntry(origin: Fields): readonly [string, EdgeOrigin] {
  const state = oneOf(origin.state, ['up', 'suspect', 'down', 'untried'], 'origins[].state');
  const reason = origin.reason === undefined ? '' : text(origin.reason, 'origins[].reason');
  return [text(origin.name, 'origins[].name'), { state, reason }];
}

function fields(value: unknown, place: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw wrong(place, 'an object', value);
}

function list(value: unknown, place: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(place, 'a list', value);
}

function text(value: unknown, place: string): string {
  if (typeof value === 'string') return value;
  throw wrong(place, 'text', value);
}

function count(value: unknown, place: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw wrong(place, 'a number', value);
}

function oneOf<T extends string>(value: unknown, known: readonly T[], place: string): T {
  const found = known.find((word) => word === value);
  if (found !== undefined) return found;
  throw wrong(place, `one of ${known.join(', ')}`, value);
}

function wrong(place: string, expected: string, value: unknown): EdgeAnswerError {
  return new EdgeAnswerError(`in its answer, ${place} is not ${expected}: ${JSON.stringify(value)?.slice(0, 60)}`);
}
