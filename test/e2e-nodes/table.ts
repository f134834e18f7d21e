/** What was measured while clients were served: a line for each event, printed at the end of a run. */

import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateDirectory } from '../support/nodes/layout.ts';

/** What the audience saw of an event. */
export interface Row {
  readonly atMs: number;
  readonly event: string;
  /** The longest that a player waited for its next frame. */
  readonly gapMs: number;
  /** Greatest step of a player's times: more than a frame's length means that frames are missing. */
  readonly stepMs: number;
  /** Connections that were closed. */
  readonly playersCut: number;
  readonly publishersCut: number;
  /** How long those who were cut were away at most, from the loss to the next frame. */
  readonly awayMs: number;
  readonly note: string;
}

const file = join(stateDirectory, 'rows.jsonl');

export function addRow(row: Row): void {
  appendFileSync(file, `${JSON.stringify(row)}\n`);
}

/** Prints all rows since a moment as a table in Markdown. */
export function printTable(sinceMs: number): void {
  if (!existsSync(file)) return;
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const rows = lines.map((line) => JSON.parse(line) as Row).filter(({ atMs }) => atMs >= sinceMs);
  console.log('\n| event | gap, s | step of time, s | players cut | publishers cut | back after, s | |');
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  for (const { event, gapMs, stepMs, playersCut, publishersCut, awayMs, note } of rows) {
    const away = playersCut + publishersCut > 0 ? inSeconds(awayMs) : '';
    const cells = [event, inSeconds(gapMs), inSeconds(stepMs), playersCut, publishersCut, away, note];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

function inSeconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(2);
}
