/** When an EdgeCluster is looked at again: as soon as anything wants it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../../../operator/reconcile/apply/carry-out.ts';
import { whenNext } from '../../../operator/reconcile/when-next.ts';

const quiet: Outcome = {
  applied: 0,
  blocked: [],
  failed: [],
  namespaceEnding: false,
  kindGone: false,
  overtaken: false,
};

describe('an EdgeCluster', () => {
  it('is looked at again when the first thing is due; never, if nothing is', () => {
    assert.deepEqual(whenNext(quiet, [undefined, 700.5, 900]), { kind: 'after', ms: 701 });
    assert.equal(whenNext(quiet, [undefined]), undefined);
  });

  it('that needs a new plan is looked at after a second, or when something is due sooner', () => {
    const overtaken = { ...quiet, overtaken: true };
    assert.deepEqual(whenNext(overtaken, [undefined, 60_000]), { kind: 'after', ms: 1000 });
    assert.deepEqual(whenNext(overtaken, [undefined, 50]), { kind: 'after', ms: 50 });
  });
});
