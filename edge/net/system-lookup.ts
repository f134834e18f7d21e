/**
 * Looks a host name up as the system does: by its hosts file, DNS, and whatever else it is told to ask. For that it takes
 * a thread, of which Node.js gives look-ups two: two names that nobody answers hold them for as long as the system waits,
 * some 10 s, and all other names with them. So what the system has not answered soon is looked up in the hosts file and,
 * where it is not there, by DNS, which takes none of these threads; who answers first counts.
 */

import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { isIP } from 'node:net';
import { addressesOf, resolvConf, textOf } from './dns.ts';
import { hostsFile, listed } from './hosts-file.ts';

export type LookUpDone = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;
export type LookUp = (host: string, options: LookupOptions & { all: true }, done: LookUpDone) => void;

/** Until DNS is asked, too. */
const aloneMs = 250;

/** The addresses of a name without the system's threads. */
type AskDns = (host: string, signal: AbortSignal) => Promise<readonly string[]>;

/** @param system as `lookup` of `node:dns` */
export function besideDns(system: LookUp, askDns: AskDns): LookUp {
  return (host, options, done) => {
    const answered = new AbortController();
    const answer: LookUpDone = (error, addresses) => {
      if (answered.signal.aborted) return;
      clearTimeout(timer);
      answered.abort();
      done(error, addresses);
    };
    const ask = async (): Promise<void> => {
      try {
        const found = (await askDns(host, answered.signal)).map(withFamily);
        const wanted = found.filter(({ family }) => !options.family || family === options.family);
        // DNS may not know what the system knows.
        if (wanted.length > 0) answer(null, wanted);
      } catch {
        // The system says what is wrong.
      }
    };
    const timer = setTimeout(() => void ask(), aloneMs);
    system(host, options, answer);
  };
}

function withFamily(address: string): LookupAddress {
  return { address, family: isIP(address) };
}

/** What the hosts file lists is not asked of DNS, which may know another address of the name. */
async function hostsOrDns(host: string, signal: AbortSignal): Promise<readonly string[]> {
  const addresses = listed(host, await textOf(hostsFile));
  return addresses.length > 0 ? addresses : addressesOf(host, { servers: [], resolvConf, certain: true }, signal);
}

export const lookUpHost: LookUp = besideDns((host, options, done) => lookup(host, options, done), hostsOrDns);
