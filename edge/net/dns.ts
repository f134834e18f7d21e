/**
 * Asks DNS for all addresses of a name. Everything is bounded: time, tries and answers. What it costs is a few packets,
 * and no thread: one silent server holds up nothing else.
 */

import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { DeadlineSignal } from '../time/deadline-signal.ts';

/** Where the system says how it asks DNS. */
export const resolvConf = '/etc/resolv.conf';

interface NameServer {
  readonly host: string;
  readonly port: number;
}

/** How DNS is asked. */
export interface DnsSettings {
  /** Asked in this order, for names as they are; none: those of the system, which may put search domains behind. */
  readonly servers: readonly NameServer[];
  /** The system's settings: an absolute path. */
  readonly resolvConf: string;
  /**
   * Whether only what is certain counts: the answers for both families, and no search domain after one that failed.
   * Otherwise what can be had counts.
   */
  readonly certain: boolean;
}

/** A query, to each server; and its tries. */
const queryTimeoutMs = 750;
const queryTries = 2;
/** All queries of a look-up together. */
const lookupTimeoutMs = 4_000;
/** A family that lags behind the other is waited for no longer (RFC 8305 calls it the resolution delay). */
const otherFamilyMs = 50;

/** There is no such name, or it has no address: an answer, and no failure. */
const noAddress: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

/**
 * All addresses of a name: IPv4, then IPv6, each in ascending order, so that the same answer is the same list. Empty
 * when there is no such name, or none with an address. Throws what kept DNS from answering.
 */
export async function addressesOf(name: string, settings: DnsSettings, signal: AbortSignal): Promise<string[]> {
  const resolver = new Resolver({ timeout: queryTimeoutMs, tries: queryTries });
  if (settings.servers.length > 0) resolver.setServers(settings.servers.map(serverText));
  const names = settings.servers.length > 0 ? [name] : searched(name, await textOf(settings.resolvConf));
  const deadline = new DeadlineSignal(lookupTimeoutMs);
  const cancel = (): void => resolver.cancel();
  const ended = AbortSignal.any([signal, deadline.signal]);
  ended.addEventListener('abort', cancel, { once: true });
  let failure: unknown;
  try {
    for (const each of names) {
      if (ended.aborted) break;
      try {
        const addresses = await bothFamilies(resolver, each, settings.certain);
        if (addresses.length > 0) return addresses;
      } catch (error) {
        failure ??= error;
        // The name may be another one's in the next domain.
        if (settings.certain) break;
      }
    }
  } finally {
    ended.removeEventListener('abort', cancel);
    deadline.stop();
    // A family that lagged is not waited for.
    resolver.cancel();
  }
  signal.throwIfAborted();
  // What was under way then failed because it was ended.
  if (deadline.signal.aborted) throw new Error(`no answer in ${lookupTimeoutMs} ms`);
  if (failure !== undefined) throw failure;
  return [];
}

async function bothFamilies(resolver: Resolver, name: string, certain: boolean): Promise<string[]> {
  const answers: [string[], string[]] = [[], []];
  let failure: unknown;
  const take = async (family: 0 | 1, query: Promise<string[]>): Promise<void> => {
    try {
      answers[family] = (await query).toSorted(collator.compare);
    } catch (error) {
      if (!noAddress.has((error as NodeJS.ErrnoException).code ?? '')) failure ??= error;
    }
  };
  const queries = [take(0, resolver.resolve4(name)), take(1, resolver.resolve6(name))];
  await Promise.race(queries);
  const lagging = !certain && answers.flat().length > 0 ? [delay(otherFamilyMs, undefined, { ref: false })] : [];
  await Promise.race([Promise.all(queries), ...lagging]);
  const addresses = answers.flat();
  if (failure !== undefined && (certain || addresses.length === 0)) throw failure;
  return addresses;
}

const collator = new Intl.Collator('en', { numeric: true });

/** In the order in which a system's resolver asks for them: `search` and `ndots` of resolv.conf(5). */
export function searched(name: string, resolvConf: string): string[] {
  if (name.endsWith('.')) return [name];
  let domains: readonly string[] = [];
  let ndots = 1;
  for (const line of resolvConf.split('\n')) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    // The last of them counts.
    if (keyword === 'search' || keyword === 'domain') domains = words;
    if (keyword !== 'options') continue;
    for (const word of words) ndots = Number(/^ndots:(\d{1,2})$/.exec(word)?.[1] ?? ndots);
  }
  const longer = domains.filter((domain) => domain !== '.').map((domain) => `${name}.${domain}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...longer] : [...longer, name];
}

/** The text of a file of the system; empty where it cannot be read. */
export async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return '';
  }
}

function serverText({ host, port }: NameServer): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
