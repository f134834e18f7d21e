/** How types of value are made: of one argument, of several, and from another type. */
import { show } from './problem.ts';
import type { Parsed, ValueType } from './schema.ts';

/** The value that was meant. */
export function good<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** @param what is wrong, behind the name of the directive @param expected what to write instead */
export function bad(what: string, expected?: string): Parsed<never> {
  return { ok: false, what, ...(expected !== undefined && { expected }) };
}

/** A type whose directive takes exactly one argument; `parse` may return undefined for "not valid". */
export function single<T>(spec: {
  readonly expected: string;
  readonly unit?: string | undefined;
  readonly parse: (word: string) => Parsed<T> | undefined;
  readonly print: (value: T) => string;
}): ValueType<T> {
  return {
    expected: spec.expected,
    unit: spec.unit,
    list: false,
    parse(args) {
      const [word, extra] = args;
      if (word === undefined) return bad('has no value');
      if (extra !== undefined) return { ok: false, what: `takes one value but has ${args.length}`, word: 1 };
      return spec.parse(word) ?? bad(`${show(word)} is not valid`);
    },
    print: (value) => [spec.print(value)],
  };
}

/** A type whose directive takes one argument or more. */
export function several<T>(spec: {
  readonly expected: string;
  readonly parse: (word: string) => T | undefined;
  readonly print: (value: T) => string;
}): ValueType<readonly T[]> {
  return {
    expected: spec.expected,
    list: true,
    parse(args) {
      if (args.length === 0) return bad('has no value');
      const values: T[] = [];
      for (const [index, word] of args.entries()) {
        const value = spec.parse(word);
        if (value === undefined) return { ok: false, what: `${show(word)} is not valid`, word: index };
        values.push(value);
      }
      return good(values);
    },
    print: (values) => values.map(spec.print),
  };
}

/** `type` with every parsed value passed through `change`. */
export function withResult<T>(type: ValueType<T>, change: (value: T) => T): ValueType<T> {
  return {
    ...type,
    parse(args) {
      const parsed = type.parse(args);
      return parsed.ok ? good(change(parsed.value)) : parsed;
    },
  };
}
