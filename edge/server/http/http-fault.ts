/** What a client sent that is no HTTP, in words that say what to do. Pure. */

import { beginsWithProxyHeader } from '../../access/proxy-header.ts';

/** Undefined where the connection has just ended. */
export function httpFault(
  error: NodeJS.ErrnoException & { readonly reason?: unknown; readonly rawPacket?: unknown },
): string | undefined {
  const { code = '', reason, rawPacket } = error;
  if (!code.startsWith('HPE_') || code === 'HPE_INVALID_EOF_STATE') return undefined;
  const sent = Buffer.isBuffer(rawPacket) ? rawPacket : Buffer.alloc(0);
  if (sent[0] === 0x16) return 'this is TLS; use http://, or a listener of https';
  if (sent[0] === 3) return 'this is RTMP; it has a port of its own';
  if (beginsWithProxyHeader(sent)) {
    return 'this is a PROXY header; `edge { proxy_protocol on; }` takes the PROXY protocol';
  }
  return typeof reason === 'string' ? reason : error.message;
}
