/** Whether there is a console at all. */

import type { EdgeConfig } from '../../conf/model.ts';

/**
 * Whether the page is served where it can show more than a player: beside the API, or with figures for everybody. What
 * the console alone needs (past figures, the journal) is not kept otherwise.
 */
export function isConsoleWanted({ edge, httpApi, httpServer }: EdgeConfig): boolean {
  return edge.page && (httpApi.enabled || (httpServer.enabled && edge.pageFigures));
}
