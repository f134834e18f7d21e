/**
 * How the last reload went, as the API tells it: in our words, and in SRS's.
 */

import { needsRestart } from '../../conf/diff.ts';
import { Code } from './api-code.ts';
import type { ReloadOutcome } from './deps.ts';

/** SRS's state of a reload that is over. */
const reloadFinished = 90;

/** What each change of a reload costs, in the words of the configuration's reference. */
export function reloadFigures(outcome: ReloadOutcome): object {
  const at_ms = outcome.atMs;
  if (!outcome.ok) return { at_ms, ok: false, error: outcome.error };
  const { changes, vhostsAdded, vhostsRemoved } = outcome.difference;
  return {
    at_ms,
    ok: true,
    changes,
    vhosts_added: vhostsAdded,
    vhosts_removed: vhostsRemoved,
    new_connections: changes.filter(({ effect }) => effect === 'new connections').map(({ path }) => path),
    needs_restart: needsRestart(outcome.difference).map(({ path }) => path),
  };
}

/** SRS's `rpc=reload-fetch`. */
export function fetchedReload(outcome: ReloadOutcome | undefined): object {
  if (outcome === undefined) return { err: 0, msg: '', state: 0, rid: '' };
  const err = outcome.ok ? Code.success : Code.configInvalid;
  return { err, msg: outcome.ok ? '' : outcome.error, state: reloadFinished, rid: String(outcome.atMs) };
}
