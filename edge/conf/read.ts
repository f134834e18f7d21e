/**
 * Tree of directives → settings: every directive is looked up in the table, its arguments are parsed, overrides of
 * the environment are applied and defaults filled in.
 */
import { ROOT, type RootSettings } from './directives/root.ts';
import { type Environment, envValue, unwritableWord } from './env.ts';
import type { Directive, Word } from './grammar.ts';
import { nearest } from './nearest.ts';
import { type FilePlace, formatPlace, type Place, type Problem, show } from './problem.ts';
import { type Block, type Fields, type Leaf, leavesOf, type Named, type NamedBlocks, type Parsed } from './schema.ts';

/** What became of a directive: where its value came from, and whether it could be used. */
export interface Given {
  readonly at: Place;
  readonly valid: boolean;
}

export interface Reading {
  readonly settings: RootSettings;
  /** What was given, by path: `http_api.listen`, `vhost "a.com".cluster.origin`. */
  readonly given: ReadonlyMap<string, Given>;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Where a block stands: in the table, for variables and messages, and in this file, for `given`. */
interface Scope {
  readonly path: readonly string[];
  readonly key: string;
  /** False in a block that is given again: it is read for its errors only. */
  readonly counts: boolean;
}

type Values = Record<string, unknown>;

/** Reads a whole file's directives. Never throws; `settings` holds defaults where a value was wrong. */
export function readSettings(directives: readonly Directive[], env: Environment, file: string): Reading {
  const reader = new Reader(env);
  const values = reader.block(ROOT, directives, { path: [], key: '', counts: true });
  for (const [name, node] of Object.entries(ROOT.fields)) {
    if (node.kind === 'leaf' && node.required && !reader.given.has(name)) {
      const example = `${name} ${node.type.print(node.default as never).join(' ')};`;
      const at = { file, line: 1, column: 1 };
      reader.errors.push({ at, what: `"${name}" is missing`, remedy: `write for instance \`${example}\`` });
    }
  }
  // The table's own type says what a reading by the table yields.
  return { ...reader, settings: values as RootSettings };
}

class Reader {
  readonly errors: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly given = new Map<string, Given>();
  readonly #env: Environment;
  readonly #wrongVariables = new Set<string>();

  constructor(env: Environment) {
    this.#env = env;
  }

  block(block: Block<Fields>, directives: readonly Directive[], scope: Scope): Values {
    const values: Values = {};
    const first = new Map<string, FilePlace>();
    for (const directive of directives) {
      const node = Object.hasOwn(block.fields, directive.name) ? block.fields[directive.name] : undefined;
      if (node === undefined) this.#unserved(block, directive, scope);
      else if (node.kind === 'named') this.#named(node, directive, values, scope);
      else {
        const gathers = node.kind === 'leaf' && node.wordsEach !== undefined;
        const earlier = gathers ? undefined : first.get(directive.name);
        if (earlier === undefined) first.set(directive.name, directive.at);
        else this.#repeated(directive, earlier);
        const here = within(scope, directive.name, earlier === undefined);
        const target = here.counts ? values : {};
        if (node.kind === 'block') {
          if (this.#isBlock(directive, 0)) {
            target[directive.name] = this.block(node, directive.children ?? [], here);
          }
        } else this.#leaf(node, directive, target, here);
      }
    }
    if (scope.counts) this.#complete(block, values, scope);
    return values;
  }

  /** Applies the environment and the defaults to what the file gave. */
  #complete(block: Block<Fields>, values: Values, scope: Scope): void {
    for (const [name, node] of Object.entries(block.fields)) {
      const here = within(scope, name);
      if (node.kind === 'leaf') this.#override(node, name, values, here);
      else if (node.kind === 'named') values[name] ??= [];
      else values[name] ??= this.block(node, [], here);
    }
  }

  #override(leaf: Leaf<unknown>, name: string, values: Values, scope: Scope): void {
    const override = envValue(this.#env, scope.path, leaf.type.list);
    if (override !== undefined) {
      const at = { variable: override.variable };
      const wrong = unwritableWord(override.words);
      const parsed = leaf.type.parse(override.words);
      this.given.set(scope.key, { at, valid: parsed.ok && wrong < 0 });
      if (wrong >= 0) this.#error({ at, what: `${show(override.words[wrong] ?? '')} holds a line end or both quotes` });
      else if (parsed.ok) values[name] = parsed.value;
      else this.#error({ at, what: parsed.what, remedy: parsed.expected ?? `expected ${leaf.type.expected}` });
    }
    if (!Object.hasOwn(values, name)) values[name] = leaf.default;
  }

  #leaf(leaf: Leaf<unknown>, directive: Directive, values: Values, scope: Scope): void {
    const { name, args, at } = directive;
    if (directive.children !== undefined) {
      this.#error({ at, what: `"${name}" takes no block`, remedy: `expected \`${name} VALUE;\`` });
      return;
    }
    const parsed = parseEach(leaf, args);
    const blamed: Word | undefined = parsed.ok ? args[0] : args[parsed.word ?? 0];
    if (scope.counts) this.given.set(scope.key, { at: blamed?.at ?? at, valid: parsed.ok });
    if (parsed.ok) values[name] = gathered(leaf, values[name], parsed.value);
    else {
      const remedy = parsed.expected ?? `expected ${leaf.type.expected}`;
      this.#error({ at: blamed?.at ?? at, what: `"${name}": ${parsed.what}`, remedy });
    }
  }

  #named(node: NamedBlocks<Fields>, directive: Directive, values: Values, scope: Scope): void {
    if (!this.#isBlock(directive, 1)) return;
    const label = directive.args[0]?.text ?? '';
    const key = keyOf(directive.name, label);
    const before = this.given.get(key);
    const here = { path: [...scope.path, directive.name], key, counts: scope.counts };
    if (before !== undefined) {
      const where = formatPlace(before.at);
      this.#error({
        at: directive.at,
        what: `${directive.name} ${show(label)} is defined twice`,
        remedy: `the first stands at ${where}; put both into one block`,
      });
      return;
    }
    this.given.set(key, { at: directive.at, valid: true });
    const item: Named<Values> = { name: label, body: this.block(node.block, directive.children ?? [], here) };
    const list = values[directive.name];
    values[directive.name] = Array.isArray(list) ? [...list, item] : [item];
  }

  #isBlock(directive: Directive, names: 0 | 1): boolean {
    const { name, args, at } = directive;
    const expected = `expected \`${name}${names === 1 ? ' NAME' : ''} { ... }\``;
    if (directive.children === undefined) this.#error({ at, what: `"${name}" must open a block`, remedy: expected });
    else if (args.length > names) {
      this.#error({ at: args[names]?.at ?? at, what: `unexpected value after "${name}"`, remedy: expected });
    } else if (args.length < names || args[0]?.text === '') {
      this.#error({ at, what: `"${name}" has no name`, remedy: expected });
    } else return true;
    return false;
  }

  #unserved(block: Block<Fields>, directive: Directive, scope: Scope): void {
    const { name, at } = directive;
    const reason = Object.hasOwn(block.ignored, name) ? block.ignored[name] : undefined;
    if (reason !== undefined) {
      this.warnings.push({ at, what: `"${name}" has no effect: ${reason}` });
      return;
    }
    const where = scope.path.length === 0 ? 'at the top of the file' : `in ${blockName(scope.path)}`;
    // A name that is right in another block is misplaced, not mistyped.
    const homes = homesOf(name);
    const near =
      homes.length > 0 ? undefined : nearest(name, [...Object.keys(block.fields), ...Object.keys(block.ignored)]);
    this.#error({
      at,
      what: `unknown directive ${show(name)} ${where}`,
      nearest: near,
      remedy: homes.length > 0 ? `it belongs ${homes.join(' or ')}` : undefined,
    });
  }

  #repeated(directive: Directive, earlier: FilePlace): void {
    this.warnings.push({
      at: directive.at,
      what: `"${directive.name}" is given again and has no effect: as in SRS the first counts (${formatPlace(earlier)})`,
    });
  }

  #error(problem: Problem): void {
    const { at } = problem;
    if ('variable' in at) {
      // A variable of a vhost is read for each of them.
      if (this.#wrongVariables.has(at.variable)) return;
      this.#wrongVariables.add(at.variable);
    }
    this.errors.push(problem);
  }
}

/** The value of one directive of the file: of one that may be given several times, a part of it. */
function parseEach({ type, wordsEach }: Leaf<unknown>, args: readonly Word[]): Parsed<unknown> {
  const words = args.map((word) => word.text);
  if (wordsEach === undefined || words.length === wordsEach) return type.parse(words);
  return { ok: false, what: `takes ${wordsEach} words but has ${words.length}` };
}

function gathered({ wordsEach }: Leaf<unknown>, before: unknown, value: unknown): unknown {
  if (wordsEach === undefined || !Array.isArray(before) || !Array.isArray(value)) return value;
  // It came from the directive before, so nobody else has it; copying would take long where there are many.
  before.push(...value);
  return before;
}

function within({ path, key, counts }: Scope, name: string, first = true): Scope {
  return { path: [...path, name], key: key === '' ? name : `${key}.${name}`, counts: counts && first };
}

/** The key of a named block, such as `vhost "a.com"`: the quotes keep its dots apart from those of the path. */
export function keyOf(directive: string, name: string): string {
  return `${directive} ${JSON.stringify(name)}`;
}

/** `vhost { play { } }` */
function blockName(path: readonly string[]): string {
  return `\`${path.join(' { ')} { }${' }'.repeat(path.length - 1)}\``;
}

/** The blocks a directive of this name does exist in. */
function homesOf(name: string): string[] {
  if (name === 'enabled' || name === 'listen') return [];
  return leavesOf(ROOT.fields)
    .filter(({ path }) => path.at(-1) === name)
    .map(({ path }) => (path.length === 1 ? 'at the top of the file' : `in ${blockName(path.slice(0, -1))}`))
    .slice(0, 3);
}
