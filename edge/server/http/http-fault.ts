/** What a client sent that is no HTTP, in words that say what to do. Pure. */

/** The beginning of a PROXY header, version 1 and 2. */
const proxyHeaders = [Buffer.from('PROXY '), Buffer.from('0d0a0d0a000d0a515549540a', 'hex')];

/** Undefined where the connection has just ended. */
export function httpFault(
  error: NodeJS.ErrnoException & { readonly reason?: unknown; readonly rawPacket?: unknown },
): string | undefined {
  const { code = '', reason, rawPacket } = error;
  if (!code.startsWith('HPE_') || code === 'HPE_INVALID_EOF_STATE') return undefined;
  const sent = Buffer.isBuffer(rawPacket) ? rawPacket : Buffer.alloc(0);
  if (sent[0] === 0x16) return 'this is TLS; use http://, or a listener of https';
  if (sent[0] === 3) return 'this is RTMP; it has a port of its own';
  if (proxyHeaders.some((header) => sent.subarray(0, header.length).equals(header))) {
    return 'this is a PROXY header; `edge { proxy_protocol on; }` takes the PROXY protocol';
  }
  return typeof reason === 'string' ? reason : error.message;
}
