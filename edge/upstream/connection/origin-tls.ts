/**
 * What TLS connections to origins share: the authorities, which take milliseconds to parse, and sessions that are
 * resumed. A file that has changed is read again at the next connect.
 */

import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, rootCertificates, type SecureContext, type TLSSocket } from 'node:tls';

interface Shared {
  /** Tells a file from what it was. */
  readonly version: string;
  readonly context: SecureContext;
  /** By origin. They belong to the context: what other authorities vouched for is not resumed. */
  readonly sessions: Map<string, Buffer>;
}

const sessionsMax = 1_000;

export class OriginTls {
  readonly #shared = new Map<string, Shared>();

  /**
   * Options for `tls.connect`. Throws where the file cannot be read or holds no certificates.
   * @param caFile PEM file of authorities to trust beside the system's; empty for none
   */
  options(origin: string, caFile: string, verify: boolean): { secureContext: SecureContext; session?: Buffer } {
    const shared = this.#sharedBy(caFile, verify);
    const session = shared.sessions.get(origin);
    return { secureContext: shared.context, ...(session !== undefined && { session }) };
  }

  /** Keeps the sessions that this connection is given. */
  watch(socket: TLSSocket, origin: string, caFile: string, verify: boolean): void {
    const { sessions } = this.#sharedBy(caFile, verify);
    socket.on('session', (session) => {
      sessions.delete(origin);
      sessions.set(origin, session);
      const [oldest] = sessions.keys();
      if (sessions.size > sessionsMax && oldest !== undefined) sessions.delete(oldest);
    });
  }

  #sharedBy(caFile: string, verify: boolean): Shared {
    const key = `${verify} ${caFile}`;
    const version = caFile === '' ? '' : versionOf(caFile);
    const known = this.#shared.get(key);
    if (known?.version === version) return known;
    const ca = caFile === '' ? {} : { ca: [...rootCertificates, readFileSync(caFile, 'utf8')] };
    const shared = { version, context: createSecureContext(ca), sessions: new Map<string, Buffer>() };
    this.#shared.set(key, shared);
    return shared;
  }
}

function versionOf(file: string): string {
  const { ino, size, mtimeMs } = statSync(file);
  return `${ino} ${size} ${mtimeMs}`;
}
