/**
 * Certificates for the time of a measurement: RSA with 2,048 bits, which most sites have, or ECDSA with P-256.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { run } from './processes.ts';

export interface Certificate {
  readonly keyFile: string;
  readonly certFile: string;
}

const newKey = {
  rsa: ['-newkey', 'rsa:2048'],
  ecdsa: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
} as const;

export type KeyKind = keyof typeof newKey;

export async function makeCertificate(folder: string, kind: KeyKind): Promise<Certificate> {
  const [keyFile, certFile] = [path.join(folder, `${kind}-key.pem`), path.join(folder, `${kind}-cert.pem`)];
  if (!existsSync(certFile)) {
    const what = ['-x509', ...newKey[kind], '-nodes', '-days', '2', '-subj', '/CN=localhost'];
    await run('openssl', ['req', ...what, '-keyout', keyFile, '-out', certFile]);
  }
  return { keyFile, certFile };
}
