/** Reads a configuration file and, in place, the files it includes. The only part of `conf` that reads files. */
import { dirname, resolve } from 'node:path';
import { INCLUDE_FILES_MAX } from './defaults.ts';
import { type Directive, parseTree, type Word } from './grammar.ts';
import { type Place, type Problem, show } from './problem.ts';

/** Returns the text of a file or throws, as `fs.readFileSync(path, 'utf8')` does. */
export type ReadFile = (path: string) => string;

export interface Tree {
  readonly directives: readonly Directive[];
  /** Of the file itself, without what it includes; empty when it cannot be read. */
  readonly text: string;
  /** Absolute paths of all files read, without repetition: those to watch. */
  readonly files: readonly string[];
  readonly problems: readonly Problem[];
}

/**
 * Reads `file` and everything it includes; never throws. A relative path in `include` is looked up beside the
 * including file, then (as SRS does) in the working directory.
 */
export function readTree(file: string, readFile: ReadFile): Tree {
  const problems: Problem[] = [];
  const files = new Set<string>();
  let filesRead = 0;
  let mainText = '';

  function read(path: string, named: string, by: Place, open: readonly string[]): readonly Directive[] {
    const text = tryRead(path, readFile);
    files.add(path);
    filesRead++;
    if (text instanceof Error) {
      problems.push({ at: by, what: `cannot read ${show(named)}: ${text.message}` });
      return [];
    }
    if (open.length === 0) mainText = text;
    const parsed = parseTree(text, named);
    problems.push(...parsed.problems);
    return splice(parsed.directives, path, [...open, path]);
  }

  function splice(directives: readonly Directive[], path: string, open: readonly string[]): readonly Directive[] {
    return directives.flatMap((directive) => {
      if (directive.name === 'include') return include(directive, path, open);
      if (directive.children === undefined) return [directive];
      return [{ ...directive, children: splice(directive.children, path, open) }];
    });
  }

  function include(directive: Directive, path: string, open: readonly string[]): readonly Directive[] {
    if (directive.children !== undefined || directive.args.length === 0) {
      problems.push({ at: directive.at, what: 'include names no file', remedy: 'expected: include FILE ...;' });
      return [];
    }
    return directive.args.flatMap((word) => includeFile(word, path, open));
  }

  function includeFile(word: Word, path: string, open: readonly string[]): readonly Directive[] {
    const target = locate(word.text, path, readFile);
    if (open.includes(target)) {
      problems.push({ at: word.at, what: `${show(word.text)} includes itself`, remedy: 'break the circle' });
      return [];
    }
    if (filesRead >= INCLUDE_FILES_MAX) {
      if (filesRead++ === INCLUDE_FILES_MAX) {
        problems.push({ at: word.at, what: `more than ${INCLUDE_FILES_MAX} files are included` });
      }
      return [];
    }
    return read(target, target, word.at, open);
  }

  const directives = read(resolve(file), file, { file, line: 1, column: 1 }, []);
  return { directives, text: mainText, files: [...files], problems };
}

function locate(name: string, includedFrom: string, readFile: ReadFile): string {
  const beside = resolve(dirname(includedFrom), name);
  const inWorkingDirectory = resolve(name);
  if (beside === inWorkingDirectory || !(tryRead(beside, readFile) instanceof Error)) return beside;
  return tryRead(inWorkingDirectory, readFile) instanceof Error ? beside : inWorkingDirectory;
}

function tryRead(path: string, readFile: ReadFile): string | Error {
  try {
    return readFile(path);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
