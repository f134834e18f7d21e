/**
 * The servers compared: how each is configured and started. Where nothing is said, a server's own defaults hold.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import type { Certificate } from './certificate.ts';
import type { Tools } from './load.ts';
import { freePort, type Program, start, untilListening } from './processes.ts';

/** `before`: another version of ours, built in the checkout that `EDGE_BEFORE` names. */
export type ServerName = 'floor' | 'nginx' | 'srs' | 'before' | 'ours';

/** What a server is to do. An edge pulls what is played from the origins and pushes what is published to them. */
export type Duty =
  | { readonly kind: 'origin'; readonly minLatency: boolean }
  | {
      readonly kind: 'edge';
      readonly minLatency: boolean;
      readonly origins: readonly number[];
      /** All edges ask the same origin for a stream, which they find by its name. Ours alone can. */
      readonly byHash?: boolean;
      /** Serves RTMPS and HTTPS, too. */
      readonly certificate?: Certificate;
      /** Tells Prometheus of itself. Ours alone is asked to: SRS's exporter says nothing that is looked at here. */
      readonly exporter?: boolean;
    };

export interface Server {
  readonly name: ServerName;
  readonly program: Program;
  readonly rtmpPort: number;
  readonly httpPort: number;
  readonly rtmpsPort: number;
  readonly httpsPort: number;
  readonly exporterPort?: number;
  /** Until it accepts connections; throws when it does not come to that. */
  ready(timeoutMs?: number): Promise<void>;
  stop(): Promise<void>;
}

const ROOT = path.join(import.meta.dirname, '../..');
/** How the package starts the compiled edge: Node's own options, then the program. */
const [, ...START] = manifest.scripts.start.split(' ');
const NGINX_MODULE = '/usr/lib/nginx/modules/ngx_rtmp_module.so';

/** The compiled edge of a checkout. */
function edgeProgram(checkout: string): string {
  return path.join(checkout, START.at(-1) ?? '');
}

/** Why a server cannot take part here, or undefined when it can. */
export function whyAbsent(name: ServerName): string | undefined {
  if (name === 'ours' && !existsSync(edgeProgram(ROOT))) return 'it is not built: npm run build';
  if (name === 'before' && !process.env.EDGE_BEFORE) return 'EDGE_BEFORE names no checkout of another version';
  if (name === 'before' && !existsSync(edgeProgram(process.env.EDGE_BEFORE ?? ''))) {
    return `${process.env.EDGE_BEFORE} is not built: npm run build`;
  }
  if (name === 'nginx' && !existsSync(NGINX_MODULE)) return 'libnginx-mod-rtmp is not installed';
  if (name === 'srs' && !process.env.SRS_BIN) return 'SRS_BIN does not say where SRS is';
  if (name === 'srs' && !existsSync(process.env.SRS_BIN ?? ''))
    return `SRS_BIN is ${process.env.SRS_BIN}: no such file`;
  return undefined;
}

interface Ports {
  readonly rtmp: number;
  readonly http: number;
  readonly rtmps: number;
  readonly https: number;
}

function nginxConfiguration(folder: string, ports: Ports, duty: Duty): string {
  const applications =
    duty.kind === 'origin'
      ? 'application live { live on; }'
      : `application live { live on; pull rtmp://127.0.0.1:${duty.origins[0]}/live; }
        application push { live on; push rtmp://127.0.0.1:${duty.origins[0]}/live; }`;
  return `load_module ${NGINX_MODULE};
    worker_processes 1;
    daemon off;
    pid ${folder}/${ports.rtmp}.pid;
    error_log stderr error;
    worker_rlimit_nofile 20000;
    events { worker_connections 16000; }
    rtmp {
      access_log off;
      server {
        listen 127.0.0.1:${ports.rtmp};
        ping 10m;
        ${applications}
      }
    }
    http {
      access_log off;
      server { listen 127.0.0.1:${ports.http}; location /stat { rtmp_stat all; } }
    }`;
}

function tlsListen({ keyFile, certFile }: Certificate, port: number): string {
  return `enabled on; listen 127.0.0.1:${port}; key ${keyFile}; cert ${certFile};`;
}

/** What SRS and ours have in common: their language, and all but `global` and `lowLatency` of what is said in it. */
function srsConfiguration(folder: string, ports: Ports, duty: Duty, global: string, lowLatency: string): string {
  const cluster =
    duty.kind === 'edge'
      ? `cluster { mode remote; origin ${duty.origins.map((port) => `127.0.0.1:${port}`).join(' ')}; }`
      : '';
  const certificate = duty.kind === 'edge' ? duty.certificate : undefined;
  return `listen 127.0.0.1:${ports.rtmp};
    max_connections 12000;
    daemon off;
    pid ${folder}/${ports.rtmp}.pid;
    ${global}
    http_api { enabled on; listen 127.0.0.1:${ports.http}; }
    http_server {
      enabled on;
      listen 127.0.0.1:${ports.http};
      dir ${folder};
      ${certificate ? `https { ${tlsListen(certificate, ports.https)} }` : ''}
    }
    vhost __defaultVhost__ {
      ${duty.minLatency ? `min_latency on; tcp_nodelay on; ${lowLatency}` : ''}
      ${cluster}
      ${duty.kind === 'edge' && duty.byHash ? 'edge { balance hash; }' : ''}
      http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }
    }`;
}

/** Starts a server with its files in `folder` and waits until it listens: on `rtmpPort`, or a port of its own. */
export async function startServer(...parameters: Parameters<typeof launchServer>): Promise<Server> {
  const server = await launchServer(...parameters);
  await server.ready();
  return server;
}

/** The same without the waiting. */
export async function launchServer(
  name: ServerName,
  duty: Duty,
  tools: Tools,
  parent: string,
  rtmpPort?: number,
): Promise<Server> {
  const ports: Ports = {
    rtmp: rtmpPort ?? (await freePort()),
    http: await freePort(),
    rtmps: await freePort(),
    https: await freePort(),
  };
  // An edge watches the folder of its configuration: hundreds in one would wake each other.
  const folder = path.join(parent, `${name}-${duty.kind}-${ports.rtmp}`);
  mkdirSync(folder, { recursive: true });
  const log = path.join(folder, 'log');
  const file = path.join(folder, 'conf');
  const launch = (command: string, args: string[], configuration: string): Program => {
    writeFileSync(file, configuration);
    return start(command, args, { log });
  };
  let program: Program;
  let exporterPort: number | undefined;
  switch (name) {
    case 'floor': {
      // The bytes of the clip, at the clip's own pace.
      const bytesPerSecond = (tools.clip.payloadBytes + 12 * tools.clip.messages) / (tools.clip.durationMs / 1000);
      program = start(tools.floor, [String(ports.rtmp), String(Math.round(bytesPerSecond)), tools.clip.file], { log });
      break;
    }
    case 'nginx':
      program = launch('nginx', ['-c', file, '-p', folder], nginxConfiguration(folder, ports, duty));
      break;
    case 'srs': {
      const quiet = `srs_log_tank file; srs_log_file ${log}; srs_log_level_v2 warn;`;
      const noMerging = 'play { mw_latency 0; mw_msgs 0; } publish { mr off; }'; // which min_latency alone leaves on
      program = launch(
        process.env.SRS_BIN ?? 'srs',
        ['-c', file],
        srsConfiguration(folder, ports, duty, quiet, noMerging),
      );
      break;
    }
    case 'before':
    case 'ours': {
      const certificate = duty.kind === 'edge' ? duty.certificate : undefined;
      if (duty.kind === 'edge' && duty.exporter) exporterPort = await freePort();
      const exporter = exporterPort ? `exporter { enabled on; listen 127.0.0.1:${exporterPort}; }` : '';
      const rtmps = certificate ? `rtmps { ${tlsListen(certificate, ports.rtmps)} }` : ''; // SRS 7.0 has none
      program = launch(
        process.execPath,
        [...START.slice(0, -1), edgeProgram(name === 'ours' ? ROOT : (process.env.EDGE_BEFORE ?? '')), '-c', file],
        srsConfiguration(folder, ports, duty, `srs_log_tank console; ${rtmps} ${exporter}`, ''),
      );
      break;
    }
  }
  return {
    name,
    program,
    rtmpPort: ports.rtmp,
    httpPort: ports.http,
    rtmpsPort: ports.rtmps,
    httpsPort: ports.https,
    ...(exporterPort === undefined ? {} : { exporterPort }),
    ready: async (timeoutMs) => {
      await untilListening(ports.rtmp, program, log, timeoutMs);
      if (duty.kind === 'edge' && duty.certificate) await untilListening(ports.https, program, log, timeoutMs);
    },
    stop: () => program.stop(),
  };
}

export type Protocol = 'rtmp' | 'http-flv' | 'ws-flv' | 'rtmps' | 'https-flv';

/** Where to play stream `name` at a server. */
export function playUrl(server: Server, stream: string, protocol: Protocol): string {
  if (server.name === 'floor') return `raw://127.0.0.1:${server.rtmpPort}`;
  switch (protocol) {
    case 'rtmp':
      return `rtmp://127.0.0.1:${server.rtmpPort}/live/${stream}`;
    case 'http-flv':
      return `http://127.0.0.1:${server.httpPort}/live/${stream}.flv`;
    case 'ws-flv':
      return `ws://127.0.0.1:${server.httpPort}/live/${stream}.flv`;
    case 'rtmps':
      return `rtmps://127.0.0.1:${server.rtmpsPort}/live/${stream}`;
    case 'https-flv':
      return `https://127.0.0.1:${server.httpsPort}/live/${stream}.flv`;
  }
}

/** Where to publish stream `name` at an edge that pushes it on. nginx has an application for each direction. */
export function pushUrl(server: Server, stream: string): string {
  return `rtmp://127.0.0.1:${server.rtmpPort}/${server.name === 'nginx' ? 'push' : 'live'}/${stream}`;
}

/** Bytes that an nginx server has received over RTMP since it started. */
export async function receivedBytes(server: Server): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${server.httpPort}/stat`)).text();
  return Number(/<bytes_in>(\d+)<\/bytes_in>/.exec(text)?.[1]);
}
