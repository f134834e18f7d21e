/** How a connection to an origin fails. */

import assert from 'node:assert/strict';
import { UpstreamError } from '../../edge/upstream/connection/errors.ts';

/** Rejects with an error of this kind whose reason is so. */
export async function fails(attempt: Promise<unknown>, failure: string, reason: RegExp): Promise<void> {
  await assert.rejects(attempt, (error: unknown) => {
    assert.ok(error instanceof UpstreamError);
    assert.equal(error.failure, failure);
    assert.match(error.reason, reason);
    return true;
  });
}
