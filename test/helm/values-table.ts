/**
 * The table of values in `helm/README.md`, from the comments of `helm/values.yaml`: a value is documented by the
 * comment above it that begins with `# --`.
 *
 *     node test/helm/values-table.ts     writes it
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const chart = join(import.meta.dirname, '../../helm');
const page = join(chart, 'README.md');
const [begin, end] = ['<!-- values: written by node test/helm/values-table.ts -->\n', '<!-- end of values -->\n'];

export interface DocumentedValue {
  /** `image.tag` */
  readonly path: string;
  readonly doc: string;
  readonly value: unknown;
}

/** All documented values of a values.yaml, in its order. What stands inside a documented value is part of it. */
export function documentedValues(text: string): readonly DocumentedValue[] {
  const root: unknown = parse(text);
  const found: DocumentedValue[] = [];
  let parents: { readonly indent: number; readonly key: string }[] = [];
  let doc: string | undefined;
  let inside = Number.POSITIVE_INFINITY;
  for (const line of text.split('\n')) {
    const { indent = '', dashes, comment } = /^(?<indent> *)#(?<dashes> --)? (?<comment>.*)$/.exec(line)?.groups ?? {};
    if (comment !== undefined) {
      if (dashes !== undefined) doc = comment;
      else if (doc !== undefined) doc += ` ${comment}`;
      continue;
    }
    const key = /^( *)([\w-]+):/.exec(line)?.[2];
    const depth = indent.length || line.length - line.trimStart().length;
    if (key === undefined || depth > inside) continue;
    inside = Number.POSITIVE_INFINITY;
    parents = [...parents.filter((parent) => parent.indent < depth), { indent: depth, key }];
    if (doc === undefined) continue;
    const keys = parents.map((parent) => parent.key);
    found.push({ path: keys.join('.'), doc, value: keys.reduce(at, root) });
    doc = undefined;
    inside = depth;
  }
  return found;
}

/** The page with the table as it is to be. */
export function withTable(text: string, values: readonly DocumentedValue[]): string {
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${page} has no place for the table of values`);
  const rows = values.map(({ path, doc, value }) => `| \`${path}\` | \`${JSON.stringify(value)}\` | ${doc} |`);
  return `${before}${begin}\n| value | default | what it is |\n| --- | --- | --- |\n${rows.join('\n')}\n\n${end}${after}`;
}

function at(value: unknown, key: string): unknown {
  return (value as Readonly<Record<string, unknown>>)[key];
}

if (import.meta.main) {
  const values = documentedValues(readFileSync(join(chart, 'values.yaml'), 'utf8'));
  writeFileSync(page, withTable(readFileSync(page, 'utf8'), values));
}
