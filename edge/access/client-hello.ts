/** Where the first message of a TLS handshake ends. */

const handshakeRecord = 22;
const recordHeaderBytes = 5;
/** Type and length of a handshake message. */
const messageHeaderBytes = 4;

/**
 * Whether these bytes, the first of a connection, have all of a ClientHello: it may be spread over several records
 * (RFC 8446 §5.1). True as well for what is no TLS: there is nothing to wait for.
 */
export function hasWholeHello(bytes: Buffer): boolean {
  let wantedBytes = messageHeaderBytes;
  let messageBytes = 0;
  let header = Buffer.alloc(0);
  for (let at = 0; ; ) {
    if (at < bytes.length && bytes[at] !== handshakeRecord) return true;
    if (at + recordHeaderBytes > bytes.length) return false;
    const start = at + recordHeaderBytes;
    at = start + bytes.readUInt16BE(at + 3);
    // TLS waits for the whole record, whatever is in it.
    if (at > bytes.length) return false;
    const fragment = bytes.subarray(start, at);
    if (header.length < messageHeaderBytes) {
      header = Buffer.concat([header, fragment.subarray(0, messageHeaderBytes - header.length)]);
      if (header.length === messageHeaderBytes) wantedBytes += header.readUIntBE(1, 3);
    }
    messageBytes += fragment.length;
    if (messageBytes >= wantedBytes) return true;
    // An empty record would be one of endless many.
    if (at === start) return true;
  }
}
