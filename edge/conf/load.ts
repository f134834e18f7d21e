/** Loads a configuration: file (and what it includes) + environment → typed model, or everything that is wrong. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { checkSettings } from './check.ts';
import { toConfig } from './convert.ts';
import { ROOT } from './directives/root.ts';
import { checkVariables, type Environment } from './env.ts';
import { type Fingerprint, fingerprint } from './fingerprint.ts';
import { translate } from './former.ts';
import { type ReadFile, readTree } from './include.ts';
import type { EdgeConfig } from './model.ts';
import { ConfigError, type FilesRead, type Problem } from './problem.ts';
import { readSettings } from './read.ts';

export interface LoadOptions {
  /** Variables that override directives, usually `process.env`; none by default. */
  readonly env?: Environment;
  /** Stands in for `fs.readFileSync(path, 'utf8')`. */
  readonly readFile?: ReadFile;
}

export interface Loaded extends FilesRead {
  readonly config: EdgeConfig;
  /** Directives and variables without effect. `formatProblem` makes a line of each. */
  readonly warnings: readonly Problem[];
  /** `configHash` of the file's text, without what it includes. */
  readonly hash: string;
}

/** Throws ConfigError (and nothing else) with all problems of the configuration. */
export function loadConfig(file: string, options: LoadOptions = {}): Loaded {
  const env = options.env ?? {};
  const fingerprints = new Map<string, Fingerprint>();
  const readFile = options.readFile ?? ((path: string) => readFileSync(path, 'utf8'));
  const tree = readTree(file, (path) => {
    if (!fingerprints.has(path)) fingerprints.set(path, fingerprint(path));
    return readFile(path);
  });
  const source = { files: tree.files, fingerprint: tree.files.map((path) => fingerprints.get(path)).join('\n') };
  // A file that isn't there, or isn't a configuration, says nothing about directives.
  if (tree.problems.length > 0 && tree.directives.length === 0) {
    throw new ConfigError(inOrder(tree.problems), source);
  }
  const translated = translate(tree.directives);
  const reading = readSettings(translated.directives, env, file);
  const checked = checkSettings(reading.settings, reading.given, file);
  const errors = inOrder([...tree.problems, ...translated.errors, ...reading.errors, ...checked.errors]);
  if (errors.length > 0) throw new ConfigError(errors, source);
  return {
    config: toConfig(reading.settings),
    warnings: inOrder([...translated.warnings, ...reading.warnings, ...checked.warnings, ...checkVariables(env, ROOT)]),
    ...source,
    hash: configHash(tree.text),
  };
}

/** What a configuration is told from another by: the first 16 hexadecimal digits of its text's SHA-256. */
export function configHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** `loadConfig` for a text that stands for a file called `name`. */
export function parseConfig(
  text: string,
  options: { readonly env?: Environment; readonly name?: string } = {},
): Loaded {
  const name = options.name ?? 'edge.conf';
  let read = false;
  const readFile = (path: string) => {
    if (read) throw new Error(`a text has no files beside it to include (${path})`);
    read = true;
    return text;
  };
  return loadConfig(name, { ...(options.env && { env: options.env }), readFile });
}

/** File by file in the order of their first problem, from top to bottom; the environment last. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const files = new Map<string, number>();
  for (const { at } of problems) if ('file' in at && !files.has(at.file)) files.set(at.file, files.size);
  const rank = ({ at }: Problem): readonly number[] =>
    'file' in at ? [files.get(at.file) ?? 0, at.line, at.column] : [files.size, 0, 0];
  return problems.toSorted((a, b) => {
    const other = rank(b);
    return rank(a).reduce((order, value, i) => order || value - (other[i] ?? 0), 0);
  });
}
