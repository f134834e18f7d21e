/**
 * An address that takes no connection and says nothing, as one that nobody has, or that a firewall drops: a socket that
 * listens, whose owner stands still, and whose queue is full. The kernel drops what comes then.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Cleaner } from './programs.ts';

/** With this backlog Linux lets two connections wait. */
const backlog = 1;
const waiting = backlog + 1;

const listener = `
  const server = require('node:net').createServer();
  server.listen({ host: process.argv[1], port: Number(process.argv[2]), backlog: ${backlog} }, () => {
    require('node:fs').writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;

/** Makes one until the test ends. @param port 0 for any. @returns the port */
export async function deafAddress(cleaner: Cleaner, host: string, port = 0): Promise<number> {
  const child = spawn(process.execPath, ['-e', listener, host, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleaner.after(() => void child.kill('SIGKILL'));
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const taken = Number(said);
  for (let i = 0; i < waiting; i++) {
    const socket = connect(taken, host);
    socket.on('error', () => {});
    cleaner.after(() => void socket.destroy());
    await once(socket, 'connect');
  }
  return taken;
}
