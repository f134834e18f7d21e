/**
 * What a failure says: that the origin refuses this client, that it lacks the stream, or that something is broken. Only
 * the last one speaks against the origin.
 */

import { UpstreamError } from '../connection/errors.ts';

export type Verdict =
  /** It is well, and will not have this client. */
  | { readonly kind: 'refused'; readonly error: UpstreamError }
  /** It has no such stream. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly error: UpstreamError };

/** By these, origins say that they lack the stream; nginx-rtmp and Adobe's do. */
const absentCodes = new Set(['NetStream.Play.StreamNotFound', 'NetStream.Play.UnpublishNotify']);

/**
 * @param answers whether the origin shakes hands right now, or by HTTP answers in this folder: who closes a connection may
 *   be refusing, or dying
 */
export async function verdictOn(
  error: UpstreamError,
  answers: (folder: string | undefined) => Promise<boolean>,
): Promise<Verdict> {
  if (error.failure === 'rejected') {
    return absentCodes.has(error.code ?? '') ? { kind: 'absent' } : { kind: 'refused', error };
  }
  if (error.failure !== 'declined') return { kind: 'failed', error };
  if (await answers(error.folder)) return { kind: 'refused', error };
  return { kind: 'failed', error: new UpstreamError('broken', error.reason, { origin: error.origin, cause: error }) };
}
