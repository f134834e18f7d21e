/** Manifests as text: YAML (or JSON) with one object or several, read as kubectl reads it. */
import { type Document, isNode, LineCounter, parseAllDocuments, type ScalarTag, type Tags } from 'yaml';
import { ConfigError, formatPlace, type Problem } from '../../edge/conf/problem.ts';
import type { Path } from './field-error.ts';
import { isObject } from './structure.ts';

export interface Manifest {
  readonly value: unknown;
  /** `file:line:column` of a field, or of what is nearest around it. */
  locate(path: Path): string;
}

/** Things of YAML 1.1 that kubectl's reader has not: 12:30 as a number, dates, sets. */
function isKubectls(tag: Tags[number]): boolean {
  if (typeof tag === 'string') return true;
  const { tag: name, format } = tag as ScalarTag;
  return format !== 'TIME' && !/:(timestamp|binary|omap|pairs|set)$/.test(name);
}

/**
 * All objects of a text called `name`; empty documents are none, and a List is what it holds.
 * Throws ConfigError, each problem with file, line and column, when it is no YAML.
 */
export function readText(text: string, name: string): readonly Manifest[] {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter,
    // kubectl's: yes, no, on and off are booleans.
    version: '1.1',
    customTags: (tags) => tags.filter(isKubectls),
    prettyErrors: false,
  });
  if ('empty' in documents) return [];
  const placeAt = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset);
    return { file: name, line, column: col };
  };
  const problems = documents.flatMap((document): Problem[] =>
    document.errors.map(({ pos, message }) => ({ at: placeAt(pos[0]), what: message.replaceAll('\n', ' ') })),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return documents.flatMap((document): readonly Manifest[] => {
    const value: unknown = document.toJS();
    if (value === null) return [];
    const locate = (path: Path): string => formatPlace(placeAt(offsetOf(document, path)));
    if (!isObject(value) || value.kind !== 'List' || !Array.isArray(value.items)) return [{ value, locate }];
    return value.items.map((item: unknown, i) => ({ value: item, locate: (path) => locate(['items', i, ...path]) }));
  });
}

/** Where a field begins in the text; a field that is not there: what should hold it. */
function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.range?.[0] ?? 0;
}
