/**
 * Which of several files beside each other is the configuration. Whoever runs many edges may give some of them another
 * configuration first: a file of one line names it. Where the line names no file that is there, the usual one counts,
 * so that no edge is ever without.
 */

import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Environment } from './env.ts';
import { fingerprint } from './fingerprint.ts';
import { type Loaded, loadConfig } from './load.ts';
import { ConfigError, type FilesRead } from './problem.ts';

/** Names the file with the choice, such as an annotation of the pod that the kubelet keeps up to date. */
export const CHOICE_VARIABLE = 'SRS_CONFIG_CHOICE_FILE';

/** Nothing else is a choice: no path leads out of the folder. */
const fileName = /^[A-Za-z0-9][-A-Za-z0-9_]*\.conf$/;

/**
 * `loadConfig` for the file that is chosen, with all files that decide about it among those that were read: a change
 * of one of them is a change of the configuration. Throws ConfigError.
 * @param file the usual one
 */
export function loadChosen(file: string, env: Environment): Loaded {
  const choiceFile = env[CHOICE_VARIABLE];
  if (choiceFile === undefined || choiceFile === '') return loadConfig(file, { env });
  // A change from here on counts, even before they are read.
  const before = fingerprint(choiceFile);
  const name = choiceIn(choiceFile);
  const other = name === undefined ? undefined : join(dirname(file), name);
  const decisive: FilesRead =
    other === undefined
      ? { files: [choiceFile], fingerprint: before }
      : { files: [choiceFile, other], fingerprint: `${before}\n${fingerprint(other)}` };
  const chosen = other !== undefined && isFile(other) ? other : file;
  try {
    return withFiles(loadConfig(chosen, { env }), decisive);
  } catch (error) {
    if (!(error instanceof ConfigError) || error.source === undefined) throw error;
    throw new ConfigError(error.problems, withFiles(error.source, decisive));
  }
}

function withFiles<T extends FilesRead>(read: T, more: FilesRead): T {
  return { ...read, files: [...read.files, ...more.files], fingerprint: `${read.fingerprint}\n${more.fingerprint}` };
}

/** Undefined where it names no file. */
function choiceIn(choiceFile: string): string | undefined {
  try {
    const name = readFileSync(choiceFile, 'utf8').trim();
    return fileName.test(name) ? name : undefined;
  } catch {
    return undefined;
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
