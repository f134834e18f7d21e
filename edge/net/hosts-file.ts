/** The system's hosts file, hosts(5): names that somebody set by hand, such as `hostAliases` of a pod. */

import { isIP } from 'node:net';

export const hostsFile = '/etc/hosts';

/** The addresses that the text of a hosts file lists for a name, in its order; case does not count. */
export function listed(name: string, hosts: string): string[] {
  const wanted = name.toLowerCase();
  const addresses: string[] = [];
  for (const line of hosts.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/);
    if (isIP(address) !== 0 && names.includes(wanted)) addresses.push(address);
  }
  return addresses;
}
