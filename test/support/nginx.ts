/**
 * nginx with its RTMP module, as an origin of another make.
 */

import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Cleaner, freePort, missing, Program, temporaryDirectory } from './programs.ts';

const moduleFile = '/usr/lib/nginx/modules/ngx_rtmp_module.so';

/** For `skip` of node:test: why nginx cannot take part here, or false when it can. */
export function nginxMissing(): string | false {
  const why = missing('nginx');
  if (why !== false) return why;
  return !existsSync(moduleFile) && `not installed: nginx's RTMP module, ${moduleFile}`;
}

export class NginxOrigin {
  readonly port: number;
  readonly program: Program;

  private constructor(port: number, program: Program) {
    this.port = port;
    this.program = program;
  }

  /**
   * Starts nginx with application `live`, and `strict`, where playing a stream that nobody publishes is refused.
   * @param port one that is free, or that of an nginx which has ended
   * @param directives further ones of its `server`
   */
  static async start(
    cleaner: Cleaner,
    { port, directives = '' }: { readonly port?: number; readonly directives?: string } = {},
  ): Promise<NginxOrigin> {
    const prefix = temporaryDirectory(cleaner);
    const listen = port ?? (await freePort());
    const file = join(prefix, 'nginx.conf');
    writeFileSync(file, configuration(prefix, listen, directives));
    const program = new Program(cleaner, 'nginx', ['-p', prefix, '-c', file]);
    await untilListening(listen, program);
    return new NginxOrigin(listen, program);
  }

  /** `rtmp://127.0.0.1:PORT/path` */
  rtmp(path: string): string {
    return `rtmp://127.0.0.1:${this.port}/${path}`;
  }
}

function configuration(prefix: string, port: number, directives: string): string {
  return `load_module ${moduleFile};
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    daemon off;
    master_process off;
    pid ${prefix}/nginx.pid;
    error_log stderr error;
    events { worker_connections 256; }
    rtmp {
      access_log off;
      server {
        listen 127.0.0.1:${port};
        ${directives}
        application live { live on; }
        application strict { live on; idle_streams off; }
      }
    }`;
}

/** nginx says nothing when it listens: it is asked until it answers. */
/** Resolves when somebody listens; throws when the program has ended. */
export async function untilListening(port: number, program: Program): Promise<void> {
  for (;;) {
    if (!program.running) throw new Error(`the program ended while starting: ${program.stderr}`);
    if (await accepts(port)) return;
    await delay(20);
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const accepted = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  socket.destroy();
  return accepted;
}
