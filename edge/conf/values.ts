/** The types of value that directives take: on/off, numbers, choices, addresses, URLs. Each parses and prints. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { AddressRule } from './access-model.ts';
import { RTMP_PORT, RTMPS_PORT, TIME_MAX_MS } from './defaults.ts';
import { withoutCovered } from './listen.ts';
import type { ListenAddress, NameServer, Network, OriginAddress } from './model.ts';
import { show } from './problem.ts';
import type { Parsed, ValueType } from './schema.ts';

const NAME_SERVER_PORT = 53;

function good<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

function bad(what: string, expected?: string): Parsed<never> {
  return { ok: false, what, ...(expected !== undefined && { expected }) };
}

/** A type whose directive takes exactly one argument; `parse` may return undefined for "not valid". */
function single<T>(spec: {
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
function several<T>(spec: {
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

/** Where to listen: `1935`, `127.0.0.1:1935`, `[::1]:1935`. Port 0 lets the system choose. */
export const listenAddresses: ValueType<readonly ListenAddress[]> = withResult(
  several({
    expected: 'PORT, IPV4:PORT or [IPV6]:PORT, such as 1935, 127.0.0.1:1935 or [::1]:1935',
    parse: parseListen,
    print: ({ host, port }: ListenAddress) => (host === undefined ? `${port}` : `${bracketed(host)}:${port}`),
  }),
  withoutCovered,
);

/** Origins: `[rtmp://|rtmps://]HOST[:PORT]`. */
export const originAddresses: ValueType<readonly OriginAddress[]> = several({
  expected:
    '[rtmp://|rtmps://]HOST[:PORT] with an IPv6 address in brackets, such as 10.0.0.1:1935 or [2001:db8::1]:1935',
  parse: parseOrigin,
  print: printOrigin,
});

/** Origins that are looked up: as `originAddresses`, but an address has nothing to look up. */
export const originNames: ValueType<readonly OriginAddress[]> = several({
  expected: '[rtmp://|rtmps://]NAME[:PORT] with a DNS name, such as origin.live.svc.cluster.local:1935',
  parse: (word) => {
    const origin = parseOrigin(word);
    return origin === undefined || isIP(origin.host) !== 0 ? undefined : origin;
  },
  print: printOrigin,
});

/** DNS servers; their port is 53 unless given. */
export const nameServers: ValueType<readonly NameServer[]> = several({
  expected: 'IPV4, IPV4:PORT, IPV6 or [IPV6]:PORT, such as 10.96.0.10 or [fd00::a]:5353',
  parse: (word) => {
    if (isIP(word) !== 0) return { host: word, port: NAME_SERVER_PORT };
    const { host, port } = parseListen(word) ?? { host: undefined, port: 0 };
    return host === undefined || port === 0 ? undefined : { host, port };
  },
  print: ({ host, port }) => (port === NAME_SERVER_PORT ? host : `${bracketed(host)}:${port}`),
});

/** URLs of callbacks. */
export const hookUrls: ValueType<readonly string[]> = several({
  expected: 'http:// or https:// URLs',
  parse: (word) => (isHttpUrl(word) ? word : undefined),
  print: (value) => value,
});

/** One such URL. */
export const hookUrl: ValueType<string> = single({
  expected: 'an http:// or https:// URL',
  parse: (word) => (isHttpUrl(word) ? good(word) : undefined),
  print: (value) => value,
});

/** Ranges of addresses: `10.0.0.0/8`, `fd00::/8`, `192.0.2.7`. */
export const networks: ValueType<readonly Network[]> = several({
  expected: 'addresses or ranges of addresses, such as 10.0.0.0/8, fd00::/8 or 192.0.2.7',
  parse: parseNetwork,
  print: printNetwork,
});

/** What `allow` and `deny` say, two words each: `play all`, `publish 10.0.0.0/8`. */
export const addressRules: ValueType<readonly AddressRule[]> = {
  expected:
    '`play` or `publish`, then `all` or an address or range of addresses such as 10.0.0.0/8, fd00::/8, 192.0.2.7',
  list: true,
  parse(args) {
    if (args.length === 0 || args.length % 2 === 1) return bad(`has ${args.length} words and not two`);
    const rules: AddressRule[] = [];
    for (let word = 0; word < args.length; word += 2) {
      const action = args[word] ?? '';
      const address = args[word + 1] ?? '';
      if (action !== 'play' && action !== 'publish') return { ok: false, what: `${show(action)} is not valid`, word };
      const from = address === 'all' ? address : parseNetwork(address);
      if (from === undefined) return { ok: false, what: `${show(address)} is not valid`, word: word + 1 };
      rules.push({ action, from });
    }
    return good(rules);
  },
  print: (rules) => rules.flatMap(({ action, from }) => [action, from === 'all' ? from : printNetwork(from)]),
};

/** Domains of web pages. One that begins with a dot means its subdomains alone. */
export const referDomains: ValueType<readonly string[]> = several({
  expected: 'domains, such as example.com',
  parse: (word) => (isHostName(word.replace(/^\./, '')) || isIPv6(word) ? word.toLowerCase() : undefined),
  print: (value) => value,
});

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

/** `type` with every parsed value passed through `change`. */
function withResult<T>(type: ValueType<T>, change: (value: T) => T): ValueType<T> {
  return {
    ...type,
    parse(args) {
      const parsed = type.parse(args);
      return parsed.ok ? good(change(parsed.value)) : parsed;
    },
  };
}

function parseListen(word: string): ListenAddress | undefined {
  const match = /^(?:(?:\[([^\]]*)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(word);
  if (!match) return undefined;
  const [, v6, v4, digits] = match;
  const port = Number(digits);
  if (port > 65_535 || (v6 !== undefined && !isIPv6(v6)) || (v4 !== undefined && !isIPv4(v4))) return undefined;
  return { host: v6 ?? v4, port };
}

function parseOrigin(word: string): OriginAddress | undefined {
  const match = /^(?:(rtmps?):\/\/)?(?:\[([^\]]*)\]|([^:[\]/@?#\s]+))(?::(\d{1,5}))?$/i.exec(word);
  if (!match) return undefined;
  const [, schemeWord, v6, name, digits] = match;
  const scheme = schemeWord?.toLowerCase() === 'rtmps' ? 'rtmps' : 'rtmp';
  const port = digits === undefined ? (scheme === 'rtmps' ? RTMPS_PORT : RTMP_PORT) : Number(digits);
  if (port < 1 || port > 65_535) return undefined;
  const host = v6 ?? name ?? '';
  if (v6 === undefined ? !isHostName(host) : !isIPv6(host)) return undefined;
  return { scheme, host, port, ...(digits === undefined && { usualPort: true }) };
}

function printOrigin({ scheme, host, port, usualPort }: OriginAddress): string {
  return `${scheme === 'rtmps' ? 'rtmps://' : ''}${bracketed(host)}${usualPort ? '' : `:${port}`}`;
}

function parseNetwork(word: string): Network | undefined {
  const [, address = '', digits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(word) ?? [];
  if (isIP(address) === 0 || address.includes('%')) return undefined;
  const prefix = digits === undefined ? addressBits(address) : Number(digits);
  return prefix <= addressBits(address) ? { address, prefix } : undefined;
}

function printNetwork({ address, prefix }: Network): string {
  return prefix === addressBits(address) ? address : `${address}/${prefix}`;
}

function addressBits(address: string): number {
  return isIPv4(address) ? 32 : 128;
}

/** Underscores are in no standard but in many names of containers. */
function isHostName(name: string): boolean {
  if (/^[\d.]+$/.test(name)) return isIP(name) !== 0;
  return name.length <= 253 && /^[\w](?:[\w-]*[\w])?(?:\.[\w](?:[\w-]*[\w])?)*\.?$/.test(name);
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function isHttpUrl(word: string): boolean {
  const url = URL.parse(word);
  return (url?.protocol === 'http:' || url?.protocol === 'https:') && !/\s/.test(word);
}
