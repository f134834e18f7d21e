/** All rows of the hostile run, in the order of the table. */

import type { Row } from './attack.ts';
import { http } from './rows/http.ts';
import { loops } from './rows/loops.ts';
import { media } from './rows/media.ts';
import { sizes } from './rows/sizes.ts';
import { sockets } from './rows/sockets.ts';
import { unread } from './rows/unread.ts';
import { waiting } from './rows/waiting.ts';

export const rows: readonly Row[] = [...waiting, ...unread, ...sizes, ...media, ...sockets, ...http, ...loops];

export function findRow(name: string): Row {
  const row = rows.find((each) => each.name === name);
  if (row === undefined)
    throw new Error(`there is no row "${name}"; rows: ${rows.map((each) => each.name).join(', ')}`);
  return row;
}
