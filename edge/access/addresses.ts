/** Addresses of clients, and the networks that they are in. */
import { BlockList, isIP, isIPv4 } from 'node:net';
import type { Network } from '../conf/model.ts';

/** IPv4 addresses as such, also where they come mapped into IPv6. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}

/** Whether an address is in one of the networks. What is no address is in none. */
export function isIn(networks: readonly Network[], address: string): boolean {
  const [plain = ''] = address.split('%', 1);
  const family = isIP(plain);
  return family !== 0 && listOf(networks).check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

const lists = new WeakMap<readonly Network[], BlockList>();

function listOf(networks: readonly Network[]): BlockList {
  let list = lists.get(networks);
  if (list === undefined) {
    list = new BlockList();
    for (const { address, prefix } of networks) list.addSubnet(address, prefix, isIPv4(address) ? 'ipv4' : 'ipv6');
    lists.set(networks, list);
  }
  return list;
}
