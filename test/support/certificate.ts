/**
 * Self-signed certificates for TLS listeners, made by openssl.
 */

import { join } from 'node:path';
import { run } from './programs.ts';

export interface CertificateFiles {
  readonly keyFile: string;
  readonly certFile: string;
}

/** Writes a key and a certificate for `localhost` and 127.0.0.1; `name` is its common name. Overwrites earlier ones. */
export function makeCertificate(directory: string, name: string): CertificateFiles {
  const keyFile = join(directory, 'tls.key');
  const certFile = join(directory, 'tls.crt');
  run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ...['-keyout', keyFile, '-out', certFile],
  ]);
  return { keyFile, certFile };
}
