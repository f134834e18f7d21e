/**
 * The header of the PROXY protocol, versions 1 and 2, in which a load balancer says whose connection it passes on
 * (https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt). Pure: bytes in, what they say out.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { plainAddress } from './addresses.ts';

export type ProxyHeader =
  /** More must come before anything can be said. */
  | { readonly kind: 'partial' }
  | { readonly kind: 'bad'; readonly reason: string }
  /** It has so many bytes. `address` of the client; undefined: the connection is the proxy's own, a probe for instance. */
  | { readonly kind: 'whole'; readonly size: number; readonly address: string | undefined };

const partial: ProxyHeader = { kind: 'partial' };

/** The whole of a line of version 1, its end included (§2.1). */
const lineMaxBytes = 107;

/** `\r\n\r\n\0\r\nQUIT\n` (§2.2). */
const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/** How a line of version 1 begins. */
const lineStart = Buffer.from('PROXY ');

/** Signature, version and command, family, length. */
const fixedBytes = 16;

/** Behind the fixed part. Proxies add a few hundred bytes to the addresses; a certificate of the client may be more. */
const variableMaxBytes = 4_096;

/**
 * UDP and sockets of Unix, which have no address to know a client by: a proxy that was reached by such a socket says so.
 * A receiver treats these as it does a family that is not told (§2.2).
 */
const otherFamilies: ReadonlySet<number> = new Set([0x12, 0x22, 0x31, 0x32]);

/** The most that a header may have: with so many bytes it is never `partial`. */
export const proxyHeaderMaxBytes = fixedBytes + variableMaxBytes;

/** @param bytes all that has come on the connection so far */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (bytes.length === 0) return partial;
  if (startsAlike(bytes, signature)) return bytes.length < fixedBytes ? partial : parseBinary(bytes);
  if (startsAlike(bytes, lineStart)) return parseLine(bytes);
  return bad('it does not begin with a PROXY header');
}

/** Whether a client that was to send something else begins with a PROXY header. */
export function beginsWithProxyHeader(bytes: Buffer): boolean {
  return [signature, lineStart].some((start) => bytes.length >= start.length && startsAlike(bytes, start));
}

function startsAlike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

function parseLine(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, lineMaxBytes).indexOf('\r\n');
  if (end < 0) return bytes.length < lineMaxBytes ? partial : bad(`its line is longer than ${lineMaxBytes} bytes`);
  const size = end + 2;
  const [, family = '', ...rest] = bytes.toString('latin1', 0, end).split(' ');
  if (family === 'UNKNOWN') return { kind: 'whole', size, address: undefined };
  const [source = '', destination = '', sourcePort = '', destinationPort = '', extra] = rest;
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIPv6 : undefined;
  if (isAddress === undefined) return bad('its family is not TCP4, TCP6 or UNKNOWN');
  const sound =
    isAddress(source) && isAddress(destination) && isPort(sourcePort) && isPort(destinationPort) && extra === undefined;
  return sound ? { kind: 'whole', size, address: plainAddress(source) } : bad('its addresses or ports are none');
}

function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function parseBinary(bytes: Buffer): ProxyHeader {
  const versionAndCommand = bytes.readUInt8(12);
  if (versionAndCommand >> 4 !== 2) return bad('its version is not 2');
  const command = versionAndCommand & 0x0f;
  if (command > 1) return bad('its command is neither LOCAL nor PROXY');
  const length = bytes.readUInt16BE(14);
  if (length > variableMaxBytes) return bad(`it is longer than ${proxyHeaderMaxBytes} bytes`);
  const size = fixedBytes + length;
  if (bytes.length < size) return partial;
  // LOCAL: what stands in the rest is to be passed over. So are the TLVs behind the addresses.
  const whole = (address: string | undefined): ProxyHeader => ({ kind: 'whole', size, address });
  if (command === 0) return whole(undefined);
  const family = bytes.readUInt8(13);
  switch (family) {
    case 0x00:
      return whole(undefined);
    case 0x11:
      return length < 12 ? bad('it has no room for its addresses') : whole(bytes.subarray(16, 20).join('.'));
    case 0x21:
      return length < 36 ? bad('it has no room for its addresses') : whole(addressOf(bytes.subarray(16, 32)));
    default:
      return otherFamilies.has(family) ? whole(undefined) : bad('its family is none that there is');
  }
}

/** As it is usually written. */
function addressOf(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  const isMapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes.readUInt16BE(10) === 0xffff;
  if (isMapped) return bytes.subarray(12).join('.');
  return (URL.parse(`http://[${groups.join(':')}]/`)?.hostname ?? '').slice(1, -1);
}

function bad(reason: string): ProxyHeader {
  return { kind: 'bad', reason };
}
