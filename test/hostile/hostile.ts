/**
 * `make hostile`: runs each row against an edge of its own and prints the table. HOSTILE=NAME,… selects rows,
 * HOSTILE_SECONDS the longest time of an attack where the row does not say. Exit code 1 when a row breaks a bound.
 */

import { bounds, countBreaches, timeBreaches } from './bounds.ts';
import { findRow, rows } from './rows.ts';
import { type PlayOptions, playRow } from './scene.ts';
import { tableHead, tableLine } from './table.ts';

const options: PlayOptions = {
  players: 10,
  seconds: Number(process.env.HOSTILE_SECONDS ?? 8),
  share: 1,
  runs: 2,
  calmMs: 3_000,
};
const names = (process.env.HOSTILE ?? '').split(',').filter((name) => name !== '');
const chosen = names.length === 0 ? rows : names.map(findRow);

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

// What was started is ended on `exit`, which a signal alone does not cause.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

print(`bounds: ${JSON.stringify(bounds)}\n\n${tableHead}`);
const breached: string[] = [];
function note(row: string, breach: string): void {
  breached.push(`${row}: ${breach}`);
  process.stderr.write(`broken bound: ${row}: ${breach}\n`);
}

for (const row of chosen) {
  try {
    const outcome = await playRow(row, { ...options, seconds: row.seconds ?? options.seconds });
    print(tableLine(outcome));
    for (const breach of [...countBreaches(outcome), ...timeBreaches(outcome)]) note(row.name, breach);
  } catch (error) {
    print(`| ${row.name} | could not be run |`);
    note(row.name, error instanceof Error ? error.message : String(error));
  }
}
print(breached.length === 0 ? '\nno bound is broken' : `\nbroken bounds:\n${breached.join('\n')}`);
process.exit(breached.length === 0 ? 0 : 1);
