/** A process without file descriptors must not blame its origins. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

/** Opens files until it may open no more, and then wants to connect to these hosts. */
const script = `
  import { closeSync, openSync } from 'node:fs';
  import { openSocket } from '${new URL('../../edge/upstream/connection/socket.ts', import.meta.url)}';
  const options = { connectTimeoutMs: 5000, keepaliveMs: 0, tlsVerify: true, tlsCaFile: '' };
  const dial = async (host) => {
    const address = { scheme: 'rtmp', host, port: 1 };
    await openSocket(address, options, new AbortController().signal).catch(({ failure, reason }) => console.log(failure, reason));
  };
  const open = [];
  try {
    for (;;) open.push(openSync('/dev/null'));
  } catch {}
  for (const host of ['127.0.0.1', 'localhost', 'origin.invalid']) await dial(host);
  // A look-up needs more than one.
  closeSync(open.pop());
  await dial('origin.invalid');
  for (const file of open) closeSync(file);
  await dial('127.0.0.1');
`;

test('without file descriptors an origin that cannot be connected to is not held to be unreachable', async () => {
  const command = 'ulimit -n 64; exec "$0" --input-type=module-typescript -e "$1"';
  // A thread of Node reads these certificates while the script runs, and gives a descriptor back when it likes.
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: '' };
  const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, script], { env });
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, 5, stdout);
  for (const line of lines.slice(0, 4)) assert.match(line, /^exhausted this edge has no file descriptors left/);
  assert.match(lines[4] ?? '', /^unreachable connection refused/);
});
