/** Addresses of this machine to listen at: the port that people expect where it is free, else one that resembles it. */

import { once } from 'node:events';
import { createServer } from 'node:net';

/** Why nobody can listen there, whatever the port. Other codes: the system's words. */
const reasons: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'nothing has this name',
  EAI_AGAIN: 'no address is known for this name',
};

/**
 * `host:port` with the preferred port, or with that and 10,000 or 20,000 more. All that people prefer is below the
 * ports that the system gives to connections: who ends and comes back finds its port still free.
 * Throws when all three are taken, or when nobody can listen at this host.
 */
export async function findAddress(host: string, preferred: number): Promise<string> {
  const ports = [preferred, preferred + 10_000, preferred + 20_000].filter((port) => port < 65_536);
  for (const port of ports) {
    if ((await reserve(port)) && (await isFree(host, port))) return `${host}:${port}`;
  }
  throw new Error(`ports ${ports.join(', ')} of ${host} are all taken`);
}

/**
 * Another process of ours is not to take the port while nobody listens there: each listens at a second loopback
 * address as long as it runs.
 */
async function reserve(port: number): Promise<boolean> {
  const mark = createServer().unref();
  try {
    mark.listen(port, '127.0.0.2');
    await once(mark, 'listening');
    return true;
  } catch (error) {
    // Not every system has such an address.
    return (error as NodeJS.ErrnoException).code !== 'EADDRINUSE';
  }
}

async function isFree(host: string, port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(port, host);
    await once(probe, 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Ports below 1024 are not for everybody.
    if (code === 'EADDRINUSE' || code === 'EACCES') return false;
    throw new Error(`cannot listen at ${host}: ${reasons[code ?? ''] ?? message}`);
  }
  probe.close();
  await once(probe, 'close');
  return true;
}
