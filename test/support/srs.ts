/**
 * SRS as an origin, where it has been built: `SRS_BIN` names its program.
 */

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { untilListening } from './nginx.ts';
import { type Cleaner, freePort, Program, temporaryDirectory } from './programs.ts';

const program = process.env.SRS_BIN ?? '';

/** For `skip` of node:test: why SRS cannot take part here, or false when it can. */
export function srsMissing(): string | false {
  if (program === '') return 'SKIPPED: no SRS here. Build it (ossrs/srs, trunk) and say SRS_BIN=…/objs/srs';
  return !existsSync(program) && `SKIPPED: SRS_BIN names a file that is not there: ${program}`;
}

export class SrsOrigin {
  readonly port: number;
  /** Of HTTP-FLV. */
  readonly httpPort: number;
  readonly program: Program;

  private constructor(port: number, httpPort: number, running: Program) {
    this.port = port;
    this.httpPort = httpPort;
    this.program = running;
  }

  /** @param vhost directives for the default vhost, `http_hooks { }` for instance */
  static async start(cleaner: Cleaner, vhost = ''): Promise<SrsOrigin> {
    const folder = temporaryDirectory(cleaner);
    const port = await freePort();
    const httpPort = await freePort();
    const file = join(folder, 'srs.conf');
    writeFileSync(
      file,
      `listen 127.0.0.1:${port};
      max_connections 200;
      daemon off;
      srs_log_tank console;
      pid ${folder}/srs.pid;
      work_dir ${folder};
      http_server { enabled on; listen 127.0.0.1:${httpPort}; dir ${folder}; }
      vhost __defaultVhost__ {
        tcp_nodelay on; min_latency on; http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }
        ${vhost}
      }
      `,
    );
    const running = new Program(cleaner, program, ['-c', file]);
    // Nobody reads its log: it must not fill the pipe.
    running.child.stdout?.resume();
    await untilListening(port, running);
    await untilListening(httpPort, running);
    return new SrsOrigin(port, httpPort, running);
  }
}
