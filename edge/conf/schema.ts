/**
 * What a table of directives is made of. One table (`directives/`) drives everything else: reading, the errors
 * for unknown names, environment overrides, printing, the difference between two configurations and the reference.
 */

/** When a changed value counts: for everything at once, for connections made from then on, or after a restart. */
export type Effect = 'at once' | 'new connections' | 'restart';

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  /** `word` is the index of the argument to blame; `expected` overrides the type's own text. */
  | { readonly ok: false; readonly what: string; readonly word?: number; readonly expected?: string };

/** How the arguments of a directive become a value and back. */
export interface ValueType<T> {
  /** Completes "expected …" and heads the reference: `on or off`, `an integer from 128 to 65536`. */
  readonly expected: string;
  readonly unit?: string | undefined;
  /** Takes several arguments; in an environment variable they are separated by blanks. */
  readonly list: boolean;
  /** Method syntax on purpose: it lets a `Leaf<number>` stand in a table of `Leaf<unknown>`. */
  parse(args: readonly string[]): Parsed<T>;
  print(value: T): readonly string[];
  /** The same for somebody who may see no password, where there may be one in it. */
  printShown?(value: T): readonly string[];
}

/** A directive that ends in `;`. */
export interface Leaf<T> {
  readonly kind: 'leaf';
  readonly type: ValueType<T>;
  readonly default: T;
  /** Says what the default is where that depends on something else. */
  readonly defaultText?: string;
  /** SRS's default where ours differs: the printer then always writes the value, so that SRS reads the same. */
  readonly srsDefault?: T;
  /** Must be given, and is always printed. */
  readonly required?: boolean;
  /** Never shown in a difference. */
  readonly secret?: boolean;
  /** It may be given several times, each time with so many words, and its value is all of them in a row. */
  readonly wordsEach?: number;
  readonly effect: Effect;
  /** The language (see LANGUAGE) that it came with: edges of a former one refuse it. Default 1. */
  readonly since?: number;
  readonly doc: string;
}

/** A directive that opens a block, at most once where it stands. */
export interface Block<F extends Fields> {
  readonly kind: 'block';
  readonly fields: F;
  /**
   * Directives of SRS that mean nothing to an edge, with the reason for the warning. Never one that protects: who has
   * written it would be served without protection.
   */
  readonly ignored: Ignored;
  /** True for a block SRS doesn't have. */
  readonly own: boolean;
  readonly doc: string;
}

/** A directive that opens a block and takes a unique name, any number of times: `vhost NAME { }`. */
export interface NamedBlocks<F extends Fields> {
  readonly kind: 'named';
  readonly block: Block<F>;
}

export interface Fields {
  readonly [name: string]: Leaf<unknown> | Block<Fields> | NamedBlocks<Fields>;
}

export type Ignored = Readonly<Record<string, string>>;

/** The values of a table by the names of its directives; what was not given holds its default. */
export type Settings<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Leaf<infer T>
    ? T
    : F[K] extends Block<infer G>
      ? Settings<G>
      : F[K] extends NamedBlocks<infer G>
        ? readonly Named<Settings<G>>[]
        : never;
};

export interface Named<S> {
  readonly name: string;
  readonly body: S;
}

export function leaf<T>(spec: Omit<Leaf<T>, 'kind'>): Leaf<T> {
  return { kind: 'leaf', ...spec };
}

export function block<F extends Fields>(
  doc: string,
  fields: F,
  options: { readonly ignored?: Ignored; readonly own?: boolean } = {},
): Block<F> {
  return { kind: 'block', fields, ignored: options.ignored ?? {}, own: options.own ?? false, doc };
}

export function named<F extends Fields>(body: Block<F>): NamedBlocks<F> {
  return { kind: 'named', block: body };
}

/** A leaf with its directive names from the outermost inwards, e.g. `['vhost', 'play', 'gop_cache']`. */
export interface LeafAt {
  readonly path: readonly string[];
  readonly leaf: Leaf<unknown>;
}

/** All leaves below a block, in the order of the table. */
export function leavesOf(fields: Fields, path: readonly string[] = []): LeafAt[] {
  return Object.entries(fields).flatMap(([name, node]) => {
    const here = [...path, name];
    if (node.kind === 'leaf') return [{ path: here, leaf: node }];
    return leavesOf(node.kind === 'block' ? node.fields : node.block.fields, here);
  });
}
