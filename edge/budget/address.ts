/**
 * What counts as one address when clients are counted: an IPv4 address, or the /64 network of an IPv6 address, because
 * one host has such a network to itself as a rule.
 */

/** The key that an address is counted under. IPv4 addresses written as IPv6 (`::ffff:192.0.2.1`) count as IPv4. */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address;
  const [plain = ''] = address.split('%', 1);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = plain.split('::', 2);
  const front = groups(head);
  const back = groups(tail ?? '');
  const missing = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const all = [...front, ...Array<number>(missing).fill(0), ...back];
  const network = all.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
}

/** Groups of 16 bits; an IPv4 address at the end stands for two, which never belong to the network. */
function groups(part: string): number[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => (group.includes('.') ? [0, 0] : [Number.parseInt(group, 16) || 0]));
}
