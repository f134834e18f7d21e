/** What went wrong with a request to the API server. */

/**
 * Reasons of ours, where there is no answer; all others are the API server's (`Conflict`, `NotFound`, …).
 * `Idle`: a watch was answered, and then said nothing for long.
 */
export type Unanswered = 'Unreachable' | 'Timeout' | 'Idle';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status; 0 without an answer. */
  readonly status: number;
  /** `reason` of the API server's Status object, or Unanswered. */
  readonly reason: Unanswered | (string & {});
  /** What the API server asks us to wait before we try again. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, reason: Unanswered | (string & {}), message: string, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** There was no answer: the API server is away, or cut off. It has said nothing about what was asked. */
export function isAway({ reason }: ApiError): boolean {
  return reason === 'Unreachable' || reason === 'Timeout';
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** Somebody else has written in between (or owns a field); read again, then try again. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.reason === 'Conflict';
}

/**
 * What was meant for one object (`metadata.uid`) has not met it: it is gone, or another has its name. A Conflict of two who
 * write at the same time is none of these.
 */
export function isAnothers({ status, message }: ApiError): boolean {
  const isOfUid = /metadata\.uid|UID in precondition|uid mismatch/.test(message);
  return status === 404 || ((status === 409 || status === 422) && isOfUid);
}

/** The namespace is being deleted or is gone: nothing more can be made in it. */
export function isNamespaceEnding({ status, message }: ApiError): boolean {
  // The second is the API server's cause NamespaceTerminating.
  return (
    (status === 404 && message.includes('namespaces "')) ||
    (status === 403 && message.includes('because it is being terminated'))
  );
}

/** The resourceVersion or the `continue` token is too old: list from the start. */
export function isExpired(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 410 || error.reason === 'Expired' || error.reason === 'Gone');
}

/**
 * Makes an error of a Status object (the API server's body with an error, or the object of an ERROR event).
 * @param what the request in words: "apply deployments media/live"
 */
export function statusError(what: string, httpStatus: number, body: unknown, retryAfterHeader?: string): ApiError {
  const status = isStatus(body) ? body : {};
  const code = status.code ?? httpStatus;
  const seconds = Number(retryAfterHeader ?? status.details?.retryAfterSeconds ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
  const text = status.message ?? (typeof body === 'string' && body !== '' ? body.slice(0, 500) : 'no message');
  return new ApiError(code, status.reason ?? reasonOf(code), `${what}: ${code}: ${text.trim()}`, retryAfterMs);
}

/** Answers that do not come from the API server itself (a proxy's) have no reason. */
function reasonOf(code: number): string {
  if (code === 409) return 'Conflict';
  if (code === 410) return 'Expired';
  if (code === 429) return 'TooManyRequests';
  return code >= 500 ? 'InternalError' : 'Unknown';
}

interface Status {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number };
}

function isStatus(body: unknown): body is Status {
  return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status';
}

/** The API server is busy and has done nothing. */
export function asksToRetry(error: ApiError): boolean {
  return error.status === 429 || (error.status >= 500 && error.retryAfterMs !== undefined);
}
