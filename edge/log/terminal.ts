/**
 * How log lines look where standard output is a terminal: for people, on one line each, with colours where these are
 * wanted. Everywhere else lines are JSON, for programs, and nothing of this is loaded.
 */

import { createRequire } from 'node:module';
import { isatty } from 'node:tty';

type Pretty = typeof import('pino-pretty');

/** Makes of a line of JSON what a person reads; both with their ends. */
export type LineFormat = (line: string) => string;

const standardOutput = 1;

/** Undefined where standard output is no terminal. */
export function terminalFormat(environment: NodeJS.ProcessEnv): LineFormat | undefined {
  return isatty(standardOutput) ? readable(wantsColours(environment)) : undefined;
}

/** Whether a terminal is to get colours: https://no-color.org, and not where the terminal knows none. */
export function wantsColours({ NO_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  return (NO_COLOR ?? '') === '' && TERM !== 'dumb';
}

/** Loads the library that formats. */
export function readable(colours: boolean): LineFormat {
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as Pretty;
  const format = prettyFactory({
    colorize: colours,
    ignore: 'pid,hostname',
    singleLine: true,
    translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l',
  });
  return (line) => format(harmless(line)) ?? line;
}

/** What a terminal would obey, in JSON: escaped control characters but the line's end and the tab, and raw ones. */
const escaped = /(?<=(?<!\\)(?:\\\\)*)\\(?=u00[01][0-9a-f]|[bfr])/gi;
const raw = /[\u007f-\u009f]/g;

/** Clients and origins choose names and reasons: none of these writes to somebody's terminal. */
function harmless(line: string): string {
  return line.replace(escaped, '\\\\').replace(raw, (char) => `\\\\u00${char.charCodeAt(0).toString(16)}`);
}
