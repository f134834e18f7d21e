/**
 * Certificates of TLS listeners: read from PEM files, and read again when the files change, without a restart and
 * without touching the connections that are there. Kubernetes and ACME clients renew certificates this way.
 */

import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import type { Logger } from 'pino';
import type { TlsListen } from '../conf/model.ts';

/**
 * How often the files are looked at. Looking follows every symbolic link on the way, which watching by the kernel
 * does not: a mounted Secret changes by a link to its directory being swapped.
 */
const lookEveryMs = 2_000;

/** What takes a new certificate for its connections to come: `tls.Server` and `https.Server`. */
export interface CertificateUser {
  setSecureContext(options: SecureContextOptions): void;
}

/** The key and certificate of a listener. Throws an Error that names the file that cannot be read. */
export function tlsOptions(listen: TlsListen): SecureContextOptions {
  return { key: readFileSync(listen.keyFile), cert: readFileSync(listen.certFile) };
}

/**
 * Hands a server its new certificate whenever the files change; returns what stops that. Key and certificate that do
 * not fit (one of them is written, the other not yet) leave the server as it is until the next change.
 */
export function watchCertificate(
  listen: TlsListen,
  server: CertificateUser,
  log: Logger,
  everyMs: number = lookEveryMs,
): () => void {
  const files = [listen.keyFile, listen.certFile];
  function renew(): void {
    try {
      server.setSecureContext(tlsOptions(listen));
      log.info({ files }, 'certificate renewed');
    } catch (error) {
      log.warn({ files, error: (error as Error).message }, 'certificate changed but cannot be used: the old one stays');
    }
  }
  for (const file of files) watchFile(file, { interval: everyMs, persistent: false }, renew);
  return () => {
    for (const file of files) unwatchFile(file, renew);
  };
}
