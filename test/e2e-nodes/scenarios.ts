/** Which scenarios there are, and which of them are the short set. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';

interface Scenario {
  readonly name: string;
  /** Whether `make e2e` runs it; `make e2e-full` runs all. */
  readonly isShort: boolean;
}

const short = (name: string): Scenario => ({ name, isShort: true });

const long = (name: string): Scenario => ({ name, isShort: false });

const scenarios: readonly Scenario[] = [
  short('install'),
  short('origins'),
  short('manifest'),
  short('roll'),
  short('scale'),
  short('edges'),
  long('control'),
  long('operator-absent'),
  long('draining'),
  long('republish'),
  long('nodes'),
  long('helm'),
  long('levels'),
  long('ramp'),
  long('hls'),
];

/**
 * Files of scenarios.
 * @param names such as `origins`; none: the short ones, or all
 * @throws Error for a name that is none
 */
export function scenarioFiles(names: readonly string[], all: boolean): readonly string[] {
  const chosen = names.length > 0 ? names : scenarios.filter(({ isShort }) => all || isShort).map(({ name }) => name);
  return chosen.map((name) => {
    const file = join(import.meta.dirname, `${name}.test.ts`);
    if (existsSync(file)) return file;
    throw new Error(`there is no scenario ${name}: ${scenarios.map((each) => each.name).join(', ')}`);
  });
}
