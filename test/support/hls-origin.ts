/** A real origin of HLS: nginx with its RTMP module makes it of what is published, and its HTTP server has it. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CertificateFiles } from './certificate.ts';
import { untilListening } from './nginx.ts';
import { type Cleaner, freePort, Program, temporaryDirectory } from './programs.ts';

/** Of its segments: a key frame comes as often. */
export const segmentSeconds = 1;

export interface HlsOriginPorts {
  readonly rtmp: number;
  readonly http: number;
}

export interface OriginRequest {
  readonly path: string;
  readonly query: string;
  readonly status: number;
  readonly range: string;
  readonly host: string;
  /** The name that was asked for in the TLS handshake; empty by HTTP. */
  readonly tlsName: string;
}

export class HlsOrigin {
  readonly ports: HlsOriginPorts;
  readonly program: Program;
  readonly #prefix: string;

  private constructor(ports: HlsOriginPorts, program: Program, prefix: string) {
    this.ports = ports;
    this.program = program;
    this.#prefix = prefix;
  }

  /** @param tls its HTTP server speaks HTTPS, with this certificate */
  static async start(
    cleaner: Cleaner,
    wish?: HlsOriginPorts,
    cacheControl = 'no-cache',
    tls?: CertificateFiles,
  ): Promise<HlsOrigin> {
    const ports = wish ?? { rtmp: await freePort(), http: await freePort() };
    const prefix = temporaryDirectory(cleaner);
    mkdirSync(join(prefix, 'www/live'), { recursive: true });
    const file = join(prefix, 'nginx.conf');
    writeFileSync(file, configuration(prefix, ports, cacheControl, tls));
    const program = new Program(cleaner, 'nginx', ['-p', prefix, '-c', file]);
    await untilListening(ports.rtmp, program);
    return new HlsOrigin(ports, program, prefix);
  }

  /** `rtmp://127.0.0.1:PORT/live/demo` */
  rtmp(stream: string): string {
    return `rtmp://127.0.0.1:${this.ports.rtmp}/live/${stream}`;
  }

  get http(): string {
    return `127.0.0.1:${this.ports.http}`;
  }

  /** A file that its HTTP server has besides. */
  put(path: string, text: string): void {
    writeFileSync(join(this.#prefix, 'www', path), text);
  }

  /** All that it was asked for by HTTP so far. */
  get requests(): readonly OriginRequest[] {
    const lines = readFileSync(join(this.#prefix, 'access.log'), 'utf8').split('\n');
    return lines
      .filter((line) => line !== '')
      .map((line) => {
        const [path = '', query = '', status = '', range = '', host = '', tlsName = ''] = line.split('\t');
        return { path, query, status: Number(status), range, host, tlsName };
      });
  }
}

function configuration(
  prefix: string,
  { rtmp, http }: HlsOriginPorts,
  cacheControl: string,
  tls: CertificateFiles | undefined,
): string {
  return `load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    daemon off;
    master_process off;
    pid ${prefix}/nginx.pid;
    error_log stderr error;
    events { worker_connections 1024; }
    rtmp {
      access_log off;
      server {
        listen 127.0.0.1:${rtmp};
        application live {
          live on;
          hls on;
          hls_path ${prefix}/www/live;
          hls_fragment ${segmentSeconds}s;
          hls_playlist_length 10s;
          hls_fragment_naming timestamp;
        }
      }
    }
    http {
      log_format each '$uri\\t$args\\t$status\\t$http_range\\t$http_host\\t$ssl_server_name';
      access_log ${prefix}/access.log each;
      client_body_temp_path ${prefix}/body; proxy_temp_path ${prefix}/proxy; fastcgi_temp_path ${prefix}/fastcgi;
      uwsgi_temp_path ${prefix}/uwsgi; scgi_temp_path ${prefix}/scgi;
      types { application/vnd.apple.mpegurl m3u8; video/mp2t ts; }
      server {
        listen 127.0.0.1:${http}${tls === undefined ? '' : ' ssl'};
        ${tls === undefined ? '' : `ssl_certificate ${tls.certFile}; ssl_certificate_key ${tls.keyFile};`}
        root ${prefix}/www;
        ${cacheControl === '' ? '' : `add_header Cache-Control ${cacheControl};`}
        add_header Set-Cookie session=secret;
      }
    }`;
}
