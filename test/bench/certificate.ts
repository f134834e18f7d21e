/**
 * A certificate for the time of a measurement: RSA with 2,048 bits, which most sites have.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { run } from './processes.ts';

export interface Certificate {
  readonly keyFile: string;
  readonly certFile: string;
}

export async function makeCertificate(folder: string): Promise<Certificate> {
  const [keyFile, certFile] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  if (!existsSync(certFile)) {
    const what = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
    await run('openssl', ['req', ...what, '-keyout', keyFile, '-out', certFile]);
  }
  return { keyFile, certFile };
}
