/** HAProxy in front of an edge: it tells by the PROXY protocol whose connection it passes on. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { untilListening } from './nginx.ts';
import { type Cleaner, freePort, Program, temporaryDirectory } from './programs.ts';

export interface Passed {
  /** Where the edge listens. */
  readonly port: number;
  readonly version: 1 | 2;
}

/** Starts it with a port for each of `passed`, in their order; it connects to the edge from 127.0.0.1. */
export async function startHaproxy(cleaner: Cleaner, passed: readonly Passed[]): Promise<readonly number[]> {
  const ports = await Promise.all(passed.map(() => freePort()));
  const listeners = passed.map(({ port, version }, index) => {
    const send = version === 1 ? 'send-proxy' : 'send-proxy-v2';
    return `listen passed${index}
      bind 127.0.0.1:${ports[index]}
      server edge 127.0.0.1:${port} source 127.0.0.1 ${send} check check-send-proxy inter 100ms`;
  });
  const file = join(temporaryDirectory(cleaner), 'haproxy.cfg');
  const defaults = 'defaults\n mode tcp\n timeout connect 2s\n timeout client 30s\n timeout server 30s\n';
  writeFileSync(file, `${defaults}${listeners.join('\n')}\n`);
  const program = new Program(cleaner, 'haproxy', ['-db', '-f', file]);
  for (const port of ports) await untilListening(port, program);
  return ports;
}
