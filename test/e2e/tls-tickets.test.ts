/** A client that goes from one edge to another resumes its TLS session, as OpenSSL's own client sees it. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, type TestContext, test } from 'node:test';
import { type CertificateFiles, makeCertificate } from '../support/certificate.ts';
import type { EdgeProcess } from '../support/edge-process.ts';
import { missing, temporaryDirectory } from '../support/programs.ts';
import { originConfig } from '../support/rtmp-config.ts';
import { reload, startEdge, testOptions } from '../support/rtmp-scene.ts';

const protocols = ['rtmps', 'https'] as const;
const versions = ['-tls1_2', '-tls1_3'] as const;

/** @param own directives of the process's block */
function config({ keyFile, certFile }: CertificateFiles, own: string): string {
  const tls = `enabled on; listen 127.0.0.1:0; key ${keyFile}; cert ${certFile};`;
  const root = `rtmps { ${tls} } http_server { enabled on; listen 127.0.0.1:0; dir /nonexistent; https { ${tls} } } edge { ${own} }`;
  return originConfig({ root });
}

interface Visit {
  readonly port: number;
  readonly version: (typeof versions)[number];
  readonly session: string;
}

/** Whether the handshake was short. `out` writes the session to its file, `in` shows the one in it. */
async function isResumed({ port, version, session }: Visit, how: 'in' | 'out'): Promise<boolean> {
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, version, `-sess_${how}`, session];
  const client = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: client.stdout });
  let said: string | undefined;
  lines.on('line', (line) => {
    said ??= /^(New|Reused), TLS/.exec(line)?.[1];
    // A ticket of TLS 1.3 comes behind the handshake. What is neither RTMP nor HTTP has the edge close the connection.
    if (line.includes('Verify return code')) client.stdin.write('neither\n');
  });
  // The line comes again with each ticket; by then the connection, and the client with it, may have ended.
  client.stdin.on('error', () => {});
  await once(lines, 'close');
  client.stdin.end();
  assert.ok(said);
  return said === 'Reused';
}

/** Runs `look` for each kind of listener and version of TLS, with a file for the session. */
async function each(
  t: TestContext,
  look: (protocol: (typeof protocols)[number], visit: Pick<Visit, 'version' | 'session'>) => Promise<void>,
): Promise<void> {
  const directory = temporaryDirectory(t);
  for (const protocol of protocols) {
    for (const version of versions)
      await look(protocol, { version, session: join(directory, `${protocol}${version}`) });
  }
}

describe('edges with one file of ticket keys', { skip: missing('openssl') }, () => {
  test('resume the sessions of each other, with RTMPS and HTTPS, and after a reload', testOptions, async (t) => {
    const directory = temporaryDirectory(t);
    const certificate = makeCertificate(directory, 'edge.test');
    const [ours, theirs] = [join(directory, 'ours'), join(directory, 'theirs')];
    writeFileSync(ours, `${'a'.repeat(44)}\n`);
    writeFileSync(theirs, `${'b'.repeat(44)}\n`);
    const start = (file: string): Promise<EdgeProcess> =>
      startEdge(t, config(certificate, `tls_ticket_keys_file ${file};`));
    const [first, second, stranger] = [await start(ours), await start(ours), await start(theirs)];
    await each(t, async (protocol, visit) => {
      assert.equal(await isResumed({ ...visit, port: first.port(protocol) }, 'out'), false);
      assert.equal(await isResumed({ ...visit, port: first.port(protocol) }, 'in'), true);
      assert.equal(await isResumed({ ...visit, port: second.port(protocol) }, 'in'), true);
      assert.equal(await isResumed({ ...visit, port: stranger.port(protocol) }, 'in'), false);
    });
    // A reload that names another file takes its keys, at once and for both kinds of listeners; another one keeps them.
    await reload(second, config(certificate, `tls_ticket_keys_file ${ours}; client_timeout 9000;`));
    await reload(stranger, config(certificate, `tls_ticket_keys_file ${ours};`));
    await each(t, async (protocol, visit) => {
      await isResumed({ ...visit, port: first.port(protocol) }, 'out');
      assert.equal(await isResumed({ ...visit, port: second.port(protocol) }, 'in'), true);
      assert.equal(await isResumed({ ...visit, port: stranger.port(protocol) }, 'in'), true);
    });
  });
});
