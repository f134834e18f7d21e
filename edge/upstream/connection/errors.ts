/**
 * What can go wrong between this edge and an origin, and whom it speaks against: the origin, or only the request.
 */

import type { AmfValue } from '../../rtmp/amf0.ts';
import { redirectOf, statusOf } from '../../rtmp/command.ts';

export type UpstreamFailure =
  /** No connection: refused, no route, unknown host, TLS failure, or not in time. */
  | 'unreachable'
  /** The connection ended. */
  | 'broken'
  /** Connected, but no answer in time. */
  | 'unanswered'
  /** It answers, and has not said in time whether it takes the stream: whom it asks about the client may be slow. */
  | 'undecided'
  /**
   * It owes bytes and sends none, or takes none. This may be about one stream: SRS leaves pings unanswered while nobody
   * publishes what we play.
   */
  | 'stalled'
  /** What it sends is not RTMP. */
  | 'protocol'
  /** It answers, and says no. */
  | 'rejected'
  /**
   * It closed the connection behind `connect`, `play`, `publish` or the request, without a word: servers refuse clients
   * so (SRS and nginx-rtmp do). A proxy in front of such a server says so by status 502.
   */
  | 'declined'
  /** It sends us elsewhere: RTMP 302. */
  | 'redirected'
  /** We gave up ourselves. */
  | 'cancelled'
  /** This edge has no file descriptors left: nothing was learned of the origin. */
  | 'exhausted';

/** Failures that speak against the origin itself; the others may be the request's, or an accident. */
const blaming: ReadonlySet<UpstreamFailure> = new Set(['unreachable', 'unanswered', 'protocol']);

export interface UpstreamErrorDetails {
  /** `host:port` of the origin. */
  readonly origin: string;
  /** RTMP's code for a rejection, e.g. `NetStream.Publish.BadName`. */
  readonly code?: string;
  /** Where a redirection leads: an rtmp URL. */
  readonly location?: string;
  /** By HTTP, the folder of what was asked for: whoever serves one of them serves the other. */
  readonly folder?: string | undefined;
  readonly cause?: unknown;
}

export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly failure: UpstreamFailure;
  readonly origin: string;
  /** What happened, without the origin's name: fit for a client. */
  readonly reason: string;
  readonly code: string | undefined;
  readonly folder: string | undefined;
  /** It may have parameters that let somebody in: no property that a log writes down. */
  readonly #location: string | undefined;

  constructor(failure: UpstreamFailure, message: string, details: UpstreamErrorDetails) {
    super(`origin ${details.origin}: ${message}`, { cause: details.cause });
    this.failure = failure;
    this.origin = details.origin;
    this.reason = message;
    this.code = details.code;
    this.#location = details.location;
    this.folder = details.folder;
  }

  /** Where a redirection leads, whole. */
  get location(): string | undefined {
    return this.#location;
  }

  /** Whether every stream should avoid this origin for now. */
  get blamesOrigin(): boolean {
    return blaming.has(this.failure);
  }
}

/** Whether it was this edge that could not: nothing speaks against the origin, or says that it lacks a stream. */
export function isExhausted(error: unknown): boolean {
  return error instanceof UpstreamError && error.failure === 'exhausted';
}

/** Any thrown thing as an UpstreamError of this origin. */
export function toUpstreamError(error: unknown, failure: UpstreamFailure, origin: string): UpstreamError {
  if (error instanceof UpstreamError) return error;
  return new UpstreamError(failure, wordsFor(error, origin), { origin, cause: error });
}

/** A refusal in the origin's own words; RTMP 302 as Adobe's and SRS's servers send it (`ex.redirect2`). */
export function refusalOf(info: AmfValue, origin: string): UpstreamError {
  const status = statusOf(info);
  const code = status.code || 'NetConnection.Connect.Rejected';
  const location = redirectOf(info);
  if (location === undefined) return new UpstreamError('rejected', status.description || code, { origin, code });
  // Without parameters, which may let somebody in: the publisher is told this too.
  const message = `redirects to ${location.replace(/[?#].*$/s, '')}`;
  return new UpstreamError('redirected', message, { origin, code, location });
}

const systemWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'host name could not be looked up',
  EPIPE: 'connection closed',
  ETIMEDOUT: 'no answer to TCP',
};

/** What happened, in words. The address is left out where it is the origin's own name. */
function wordsFor(error: unknown, origin: string): string {
  // Node wraps the failures of all addresses of a name into one error without a message.
  if (error instanceof AggregateError) return error.errors.map((each) => wordsFor(each, origin)).join('; ');
  if (!(error instanceof Error)) return String(error);
  const { code = '', address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  const words = systemWords[code];
  if (words === undefined) return error.message || error.name;
  const elsewhere = address !== undefined && !origin.includes(address);
  return `${words}${elsewhere ? ` at ${address} port ${port}` : ''} (${code})`;
}
