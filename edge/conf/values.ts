/** The types of value that directives take: on/off, numbers, choices, texts, URLs. Each parses and prints. */
import { TIME_MAX_MS } from './defaults.ts';
import { show } from './problem.ts';
import type { ValueType } from './schema.ts';
import { bad, good, several, single } from './value-type.ts';

export const onOff: ValueType<boolean> = single({
  expected: '`on` or `off`',
  parse: (word) => (word === 'on' || word === 'off' ? good(word === 'on') : undefined),
  print: (value) => (value ? 'on' : 'off'),
});

/** `daemon`: a supervisor, a container or a shell's `&` does that better. */
export const offOnly: ValueType<boolean> = single({
  expected: '`off`',
  parse: (word) => {
    if (word === 'off') return good(false);
    if (word !== 'on') return undefined;
    const remedy = 'write `daemon off;` and leave that to systemd, a container or `&`';
    return bad('the edge does not put itself into the background', remedy);
  },
  // `on` is SRS's default, which the reference names.
  print: (value) => (value ? 'on' : 'off'),
});

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number, unit?: string): ValueType<number> {
  const expected = `an integer from ${min} to ${max}`;
  return single({
    expected,
    unit,
    parse: (word) => {
      if (!/^-?\d+$/.test(word)) return bad(`${show(word)} is not an integer`);
      const value = Number(word);
      return value >= min && value <= max
        ? good(value + 0)
        : bad(`${show(word)} is out of range`, `expected ${expected}`);
    },
    print: (value) => value.toFixed(0),
  });
}

/** A time in whole milliseconds, at least `min`. */
export function milliseconds(min: 0 | 1): ValueType<number> {
  const expected = min === 0 ? 'a whole number of milliseconds' : 'a whole number of milliseconds, at least 1';
  return { ...integer(min, TIME_MAX_MS, 'ms'), expected };
}

/** A time in milliseconds, three decimals at most (SRS takes fractions in a few places). */
export const decimalMilliseconds: ValueType<number> = single({
  expected: 'a number from 0 to 60000, three decimals at most',
  unit: 'ms',
  parse: (word) => (/^\d{1,5}(\.\d{1,3})?$/.test(word) && Number(word) <= 60_000 ? good(Number(word)) : undefined),
  print: (value) => String(Number(value.toFixed(3))),
});

/** A time in seconds, which SRS takes with fractions, as milliseconds. */
export function decimalSeconds(minMs: number, maxMs: number): ValueType<number> {
  return single({
    expected: `a number from ${minMs / 1000} to ${maxMs / 1000}, three decimals at most`,
    unit: 's',
    parse: (word) => {
      if (!/^\d{1,9}(\.\d{1,3})?$/.test(word)) return undefined;
      const ms = Math.round(Number(word) * 1000);
      return ms >= minMs && ms <= maxMs ? good(ms) : bad(`${show(word)} is out of range`);
    },
    print: (ms) => String(ms / 1000),
  });
}

/** Any text: a name, a path. */
export function text(expected: string): ValueType<string> {
  return single({
    expected,
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in a name or a path
    parse: (word) => (/[\x00-\x1f\x7f]/.test(word) ? bad(`${show(word)} holds a control character`) : good(word)),
    print: (value) => value,
  });
}

/** One of a few words, each standing for a value. */
export function choice<const T extends string>(words: Readonly<Record<string, T>>): ValueType<T> {
  const known = Object.keys(words);
  const quoted = known.map((word) => `\`${word}\``);
  return single({
    expected: `one of ${quoted.join(', ')}`,
    parse: (word) => {
      const value = Object.hasOwn(words, word) ? words[word] : undefined;
      return value === undefined ? undefined : good(value);
    },
    print: (value) => known.find((word) => words[word] === value) ?? value,
  });
}

/** The value of `type`, or undefined: it follows from something else. */
export function inherited<T>(type: ValueType<T>): ValueType<T | undefined> {
  return { ...type, print: (value) => (value === undefined ? [] : type.print(value)) };
}

/** URLs of callbacks. */
export const hookUrls: ValueType<readonly string[]> = withSecrets(
  several({
    expected: 'http:// or https:// URLs',
    parse: (word) => (isHttpUrl(word) ? word : undefined),
    print: (value) => value,
  }),
);

/** One such URL. */
export const hookUrl: ValueType<string> = withSecrets(
  single({
    expected: 'an http:// or https:// URL',
    parse: (word) => (isHttpUrl(word) ? good(word) : undefined),
    print: (value) => value,
  }),
);

/** URLs may hold a user name and a password, which are sent as they are meant, and parameters: these are secrets. */
function withSecrets<T>(type: ValueType<T>): ValueType<T> {
  return {
    ...type,
    parse(args) {
      const word = args.findIndex((each) => !isDecodable(each));
      const expected = 'write % as %25';
      if (word >= 0)
        return { ok: false, what: 'its user name or password has a % that stands for nothing', word, expected };
      return type.parse(args);
    },
    printShown: (value) => type.print(value).map(urlShown),
  };
}

function isDecodable(word: string): boolean {
  const { username = '', password = '' } = URL.parse(word) ?? {};
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

function urlShown(url: string): string {
  return url.replace(/^(https?:\/*)[^/?#]*@/i, '$1***@').replace(/[?#].*$/s, '?***');
}

/** Origins of web pages: scheme, host and port, as browsers send them. */
export const webOrigins: ValueType<readonly string[]> = several({
  expected: 'origins of web pages, such as https://console.example.com',
  parse: (word) => {
    const url = isHttpUrl(word) ? URL.parse(word) : undefined;
    return url?.href === `${url?.origin}/` ? url?.origin : undefined;
  },
  print: (value) => value,
});

/** A mount pattern of HTTP-FLV. */
export const flvMount: ValueType<string> = single({
  expected: 'a path that ends in .flv, such as [vhost]/[app]/[stream].flv',
  parse: (word) => {
    if (!word.endsWith('.flv')) return bad(`${show(word)} does not end in .flv; only FLV is served over HTTP`);
    const unknown = word.match(/\[(?!(?:vhost|app|stream)\])[^\]]*\]?/);
    if (unknown) return bad(`${show(unknown[0])} is no variable`, 'expected [vhost], [app] or [stream]');
    return /^(\/|\[vhost\]\/|[A-Za-z0-9._-]+\/)[^\s?#]*$/.test(word) ? good(word) : undefined;
  },
  print: (value) => value,
});

function isHttpUrl(word: string): boolean {
  const url = URL.parse(word);
  return (url?.protocol === 'http:' || url?.protocol === 'https:') && !/\s/.test(word);
}
