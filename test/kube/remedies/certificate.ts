import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '../../support/certificate.ts';
import type { Place } from './remedy.ts';

/** The Secret `certificate` of a listener, as a person makes it. */
export async function createCertificate(place: Place): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'certificate-'));
  try {
    const { certFile, keyFile } = makeCertificate(directory, 'edges');
    await place.kubectl('create', 'secret', 'tls', 'certificate', `--cert=${certFile}`, `--key=${keyFile}`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
