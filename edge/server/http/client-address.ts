/**
 * Whose request it is: the address of the TCP peer, or what proxies say that we trust (`edge { trusted_proxies }`).
 * Everybody else may write into these headers what they like.
 */

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP, isIPv4 } from 'node:net';
import { isIn, plainAddress } from '../../access/addresses.ts';
import type { Network } from '../../conf/model.ts';
import { addressOf } from '../gate.ts';

/** The client's address, without `::ffff:`; empty when the connection is gone. */
export function clientAddress(request: IncomingMessage, trustedProxies: readonly Network[]): string {
  let address = addressOf(request.socket);
  if (trustedProxies.length === 0 || !isIn(trustedProxies, address)) return address;
  // Each proxy adds its peer at the end, so only what stands behind trusted proxies is true.
  for (const hop of forwardedFor(request.headers).reverse()) {
    const named = hopAddress(hop);
    if (named === undefined) return address;
    address = named;
    if (!isIn(trustedProxies, address)) return address;
  }
  return address;
}

/** Whether the peer is a process of this machine and speaks for itself: no header says that it is a proxy. */
export function isLoopbackClient({ socket, headers }: IncomingMessage): boolean {
  const peer = addressOf(socket);
  const local = peer === '::1' || (isIPv4(peer) && peer.startsWith('127.'));
  return local && !Object.keys(headers).some(isForwardingHeader);
}

const forwardingHeaders: ReadonlySet<string> = new Set([
  'forwarded',
  'via',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-original-forwarded-for',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
]);

function isForwardingHeader(name: string): boolean {
  return name.startsWith('x-forwarded') || forwardingHeaders.has(name);
}

/** What proxies have written, the nearest one last. */
function forwardedFor(headers: IncomingHttpHeaders): string[] {
  const { 'x-forwarded-for': list, 'x-real-ip': real, forwarded } = headers;
  if (list !== undefined) return [list].flat().join(',').split(',');
  if (forwarded !== undefined) return forwarded.split(',').map(forOf);
  return [real ?? []].flat();
}

/** The `for` of one element of `Forwarded` (RFC 7239 §4). */
function forOf(element: string): string {
  return /(?:^|;)\s*for=("?)([^";]*)\1/i.exec(element.trim())?.[2] ?? '';
}

/** The address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`; undefined for anything else. */
function hopAddress(text: string): string | undefined {
  const hop = text.trim();
  const address = /^\[([^\]]*)\](?::\d+)?$/.exec(hop)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(hop)?.[1] ?? hop;
  return isIP(address) === 0 || address.includes('%') ? undefined : plainAddress(address);
}
