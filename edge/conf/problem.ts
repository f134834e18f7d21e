/** What can be wrong with a configuration, where, and what to do about it. */

/** A position in a file; line and column count from 1. */
export interface FilePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** An environment variable that overrides a directive. */
export interface EnvPlace {
  readonly variable: string;
}

export type Place = FilePlace | EnvPlace;

/** One thing that is wrong (an error) or worth knowing (a warning). */
export interface Problem {
  readonly at: Place;
  /** What is wrong, without a full stop. */
  readonly what: string;
  /** What was expected, or what to do. */
  readonly remedy?: string | undefined;
  /** The nearest known name, where a name is unknown. */
  readonly nearest?: string | undefined;
}

export function formatPlace(at: Place): string {
  return 'variable' in at ? `environment variable ${at.variable}` : `${at.file}:${at.line}:${at.column}`;
}

/** `file:line:column: what; remedy; did you mean "nearest"?` on one line. */
export function formatProblem(problem: Problem): string {
  let text = `${formatPlace(problem.at)}: ${problem.what}`;
  if (problem.nearest !== undefined) text += `; did you mean "${problem.nearest}"?`;
  if (problem.remedy !== undefined) text += `; ${problem.remedy}`;
  return text;
}

/** The files that make up a configuration, as they were when they were read. */
export interface FilesRead {
  /** Absolute paths of the file and all it includes: those to watch. */
  readonly files: readonly string[];
  /** `fingerprintOfAll` of them, taken before they were read: what differs from it has changed since. */
  readonly fingerprint: string;
}

/** Thrown when a configuration can't be used. It carries everything that is wrong with it, not only the first. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];
  /** Where it was read from: one of these files must change before it can be used. */
  readonly source: FilesRead | undefined;

  constructor(problems: readonly Problem[], source?: FilesRead) {
    super(problems.map(formatProblem).join('\n'));
    this.problems = problems;
    this.source = source;
  }
}

/** `word` for a message: quoted, control characters escaped, shortened. */
export function show(word: string): string {
  return JSON.stringify(word.length > 80 ? `${word.slice(0, 77)}...` : word);
}
