/** What the console asks the API for beside what SRS's has: `status`, `health` and `events`. */

import { inWords } from '../console/happenings.ts';
import type { Entry } from '../console/journal.ts';
import { isConsoleWanted } from '../console/wanted.ts';
import { type Answer, type Call, page, type Resources } from './api-resource.ts';
import { type HealthSources, healthFigures } from './health.ts';
import type { Status } from './status.ts';
import { streamQuery } from './stream-list.ts';

export function consoleResources(sources: HealthSources, status: Status): Resources {
  return {
    status: {
      doc: 'totals, origins and streams (start, count, sort, order, match, live=on, history=on)',
      GET: (call) => readStatus(status, call),
    },
    health: {
      doc: 'what the process uses against what it may use, with the last ten minutes',
      GET: async () => ({ fields: { health: healthFigures(sources, await sources.traffic.collect()) } }),
    },
    events: {
      doc: 'what happened lately, the newest first (start, count)',
      GET: ({ query }) => events(sources, query),
    },
  };
}

async function readStatus(status: Status, { query, host }: Call): Promise<Answer> {
  const wanted = streamQuery(query);
  if ('wrong' in wanted) return { status: 400, code: 400, fields: { data: wanted.wrong } };
  return { fields: { status: await status.read(wanted, host) } };
}

/** `kept: false`: there is no console (`edge { page off; }`), and so nothing is written down. */
function events({ gateway }: HealthSources, query: URLSearchParams): Answer {
  const entries = gateway.journal.entries();
  const shown = [...page(entries, query)].map(figures);
  return { fields: { kept: isConsoleWanted(gateway.config), total: entries.length, events: shown } };
}

function figures({ id, atMs: at_ms, times, happening }: Entry): object {
  return { id, at_ms, times, text: inWords(happening, times), ...happening };
}
