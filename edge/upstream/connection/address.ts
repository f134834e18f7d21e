/**
 * Addresses of origins as text.
 */

import type { OriginAddress } from '../../conf/model.ts';

/**
 * `host:port`, with brackets around IPv6 and the scheme where it is not plain RTMP: how an origin is named in logs and
 * maps. `#2` behind it: by a second connection to that address.
 */
export function originName(address: OriginAddress): string {
  const { door = 1 } = address;
  return door === 1 ? addressName(address) : `${addressName(address)}#${door}`;
}

/** The same for all connections to the address. */
export function addressName(address: OriginAddress): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${address.scheme === 'rtmp' ? '' : `${address.scheme}://`}${host}:${address.port}`;
}

/** Whether it speaks HTTP there. */
export function isHttp({ scheme }: OriginAddress): boolean {
  return scheme === 'http' || scheme === 'https';
}

/** Whether it speaks TLS there. */
export function isTls({ scheme }: OriginAddress): boolean {
  return scheme === 'rtmps' || scheme === 'https';
}

/** Of an origin's name, that of its address: whichever connection to it is meant. */
export function addressIn(name: string): string {
  return name.replace(/#\d+$/, '');
}
