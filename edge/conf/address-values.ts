/** The types of value that are addresses: where to listen, origins, DNS servers, ranges, domains. Each parses and prints. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { AddressRule } from './access-model.ts';
import { RTMP_PORT, RTMPS_PORT } from './defaults.ts';
import { withoutCovered } from './listen.ts';
import type { ListenAddress, NameServer, Network, OriginAddress } from './model.ts';
import { show } from './problem.ts';
import type { ValueType } from './schema.ts';
import { bad, good, several, withResult } from './value-type.ts';

const NAME_SERVER_PORT = 53;

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
