/**
 * nginx as a TLS relay: it takes TLS off and passes the bytes of another server on. The usual way to have TLS in front of
 * a server that has none.
 */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Certificate } from './certificate.ts';
import { freePort, start, untilListening } from './processes.ts';
import type { Server } from './servers.ts';

const MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so';

export function whyNoRelay(): string | undefined {
  return existsSync(MODULE) ? undefined : 'libnginx-mod-stream is not installed';
}

/** One worker, which is to have two descriptors for each player. */
function configuration(folder: string, behind: Server, certificate: Certificate, rtmps: number, https: number): string {
  const pass = (port: number, to: number) =>
    `server { listen 127.0.0.1:${port} ssl backlog=4096; proxy_pass 127.0.0.1:${to}; }`;
  return `load_module ${MODULE};
    worker_processes 1;
    daemon off;
    pid ${folder}/relay-${rtmps}.pid;
    error_log stderr error;
    worker_rlimit_nofile 20000;
    events { worker_connections 20000; }
    stream {
      ssl_certificate ${certificate.certFile};
      ssl_certificate_key ${certificate.keyFile};
      ssl_session_cache shared:players:10m;
      tcp_nodelay on;
      ${pass(rtmps, behind.rtmpPort)}
      ${pass(https, behind.httpPort)}
    }`;
}

export async function startRelay(behind: Server, certificate: Certificate, folder: string): Promise<Server> {
  const [rtmpsPort, httpsPort] = [await freePort(), await freePort()];
  const file = path.join(folder, `relay-${rtmpsPort}.conf`);
  const log = path.join(folder, `relay-${rtmpsPort}.log`);
  writeFileSync(file, configuration(folder, behind, certificate, rtmpsPort, httpsPort));
  const program = start('nginx', ['-c', file, '-p', folder], { log });
  const ready = () => untilListening(rtmpsPort, program, log);
  await ready();
  const { rtmpPort, httpPort } = behind;
  return { name: 'nginx', program, rtmpPort, httpPort, rtmpsPort, httpsPort, ready, stop: () => program.stop() };
}
