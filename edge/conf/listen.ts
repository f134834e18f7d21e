/** Which listening addresses exclude each other. */
import type { ListenAddress } from './model.ts';

/** Whether two sockets can't listen on both addresses: `::` is taken for IPv6 only, no host for both families. */
export function collide(a: ListenAddress, b: ListenAddress): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  if (a.host === undefined || b.host === undefined || a.host === b.host) return true;
  const sameFamily = a.host.includes(':') === b.host.includes(':');
  return sameFamily && [a.host, b.host].some((host) => host === '0.0.0.0' || host === '::');
}

/** The addresses of one listener without those that another of them covers. */
export function withoutCovered(addresses: readonly ListenAddress[]): readonly ListenAddress[] {
  const kept: ListenAddress[] = [];
  for (const address of addresses) {
    const covered = kept.some((other) => collide(other, address) && width(other) >= width(address));
    if (covered) continue;
    for (let i = kept.length - 1; i >= 0; i--) {
      const other = kept[i];
      if (other !== undefined && collide(other, address)) kept.splice(i, 1);
    }
    kept.push(address);
  }
  return kept;
}

/** How much an address covers: one address, a family, everything. */
function width({ host }: ListenAddress): number {
  return host === undefined ? 2 : host === '0.0.0.0' || host === '::' ? 1 : 0;
}
