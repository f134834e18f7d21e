/** Headers of the PROXY protocol, right and wrong. */

import { isIPv4 } from 'node:net';

export interface ProxyHeaderOptions {
  readonly source: string;
  /** Default: as the address needs it. */
  readonly family?: number;
  /** Default 1: PROXY. 0 is LOCAL. */
  readonly command?: number;
  readonly version?: number;
  readonly tlvs?: Buffer;
}

export function proxyHeaderV2(options: ProxyHeaderOptions): Buffer {
  const { source, command = 1, version = 2, tlvs = Buffer.alloc(0) } = options;
  const { family = isIPv4(source) ? 0x11 : 0x21 } = options;
  const address = isIPv4(source) ? Buffer.from(source.split('.').map(Number)) : ipv6Bytes(source);
  const rest = Buffer.concat([address, Buffer.alloc(address.length), Buffer.from([0xdc, 4, 7, 0x8f]), tlvs]);
  const head = Buffer.from('0d0a0d0a000d0a515549540a00000000', 'hex');
  head.writeUInt8(version * 16 + command, 12);
  head.writeUInt8(family, 13);
  head.writeUInt16BE(Math.min(rest.length, 0xffff), 14);
  return Buffer.concat([head, rest]);
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::');
  const groups = (part: string): number[] => part.split(':').flatMap((g) => (g === '' ? [] : [Number.parseInt(g, 16)]));
  const [front, back] = [groups(head), groups(tail)];
  const bytes = Buffer.alloc(16);
  for (const [index, group] of front.entries()) bytes.writeUInt16BE(group, index * 2);
  for (const [index, group] of back.entries()) bytes.writeUInt16BE(group, 16 - (back.length - index) * 2);
  return bytes;
}
