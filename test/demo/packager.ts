/**
 * What makes HLS of the stream of one origin: nginx with its RTMP module, and its HTTP server. It is killed with its
 * origin, and comes back with it.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findNginx } from '../../operator/up/local-hls.ts';

const moduleFile = '/usr/lib/nginx/modules/ngx_rtmp_module.so';

/** The publisher sends a key frame as often, and a segment begins at each. */
export const segmentMs = 2_000;

const probeMs = 20;
const loadTimeoutMs = 10_000;

/** The file of nginx, or why there is no HLS here. */
export function findPackager(): { readonly nginx: string } | { readonly missing: string } {
  const nginx = findNginx();
  if (nginx !== undefined && existsSync(moduleFile)) {
    const fault = loadFault(nginx);
    return fault === undefined ? { nginx } : { missing: `nginx cannot load its RTMP module: ${fault}` };
  }
  const what = nginx === undefined ? 'nginx is not installed' : "nginx's RTMP module is not installed";
  return { missing: `${what} (Debian: apt-get install nginx libnginx-mod-rtmp)` };
}

/** Why nginx does not take the module, which may be of another version; undefined when it does. */
function loadFault(nginx: string): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'edgecluster-nginx-'));
  try {
    const file = join(directory, 'nginx.conf');
    writeFileSync(
      file,
      `load_module ${moduleFile};\npid ${directory}/nginx.pid;\nerror_log stderr error;\nevents {}\n`,
    );
    const options = { encoding: 'utf8', timeout: loadTimeoutMs } as const;
    const { status, signal, stderr, error } = spawnSync(nginx, ['-t', '-q', '-e', 'stderr', '-c', file], options);
    if (status === 0) return undefined;
    return error?.message ?? (stderr.trim() || `it ended with ${signal ?? `status ${status}`}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export interface PackagerPlace {
  readonly nginx: string;
  readonly directory: string;
  /** `host:port` to publish to, and of its HTTP server. */
  readonly rtmp: string;
  readonly http: string;
}

export class Packager {
  readonly name: string;
  readonly place: PackagerPlace;
  #child: ChildProcess | undefined;

  private constructor(name: string, place: PackagerPlace) {
    this.name = name;
    this.place = place;
  }

  /** Resolves when it takes a publisher. Throws with what nginx said when it ends instead. */
  static async start(name: string, place: PackagerPlace): Promise<Packager> {
    const packager = new Packager(name, place);
    mkdirSync(packager.#media, { recursive: true });
    writeFileSync(packager.#configFile, configuration(place));
    await packager.#start();
    return packager;
  }

  /** To publish to. */
  get address(): string {
    return this.place.rtmp;
  }

  /** As the kernel would, its workers, too. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const exited = once(child, 'exit');
    killGroup(child);
    await exited;
  }

  /**
   * Starts it anew with what another one has by now, so that both number the same segments alike: caches go from one to
   * the other. That one has just ended a segment then, and the publisher sends all of the one after it.
   */
  async revive(other: Packager | undefined): Promise<void> {
    if (other !== undefined) {
      await other.#untilNextSegment();
      rmSync(this.#media, { recursive: true, force: true });
      cpSync(other.#media, this.#media, { recursive: true, force: true });
    }
    await this.#start();
  }

  stop(): Promise<void> {
    return this.kill();
  }

  get #media(): string {
    return join(this.place.directory, 'www/live');
  }

  get #configFile(): string {
    return join(this.place.directory, 'nginx.conf');
  }

  get #playlist(): string {
    const file = join(this.#media, 'demo.m3u8');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** Gives up when none comes. */
  async #untilNextSegment(): Promise<void> {
    const before = this.#playlist;
    for (let waitedMs = 0; waitedMs < 2 * segmentMs && this.#playlist === before; waitedMs += probeMs)
      await delay(probeMs);
  }

  async #start(): Promise<void> {
    const { nginx, directory, http } = this.place;
    const child = spawn(nginx, ['-e', 'stderr', '-p', directory, '-c', this.#configFile], {
      stdio: ['ignore', 'ignore', 'pipe'],
      // Ctrl-C reaches the demo alone; and all of its processes can be killed together.
      detached: true,
    });
    this.#child = child;
    const end = (): void => killGroup(child);
    process.once('exit', end);
    child.once('exit', () => process.off('exit', end));
    let said = '';
    child.stderr.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`nginx ended while starting: ${said.trim()}`);
      const answer = await fetch(`http://${http}/`).catch(() => undefined);
      if (answer !== undefined) return;
      await delay(probeMs);
    }
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function configuration({ directory, rtmp, http }: PackagerPlace): string {
  return `load_module ${moduleFile};
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr error;
events { worker_connections 256; }
rtmp {
  access_log off;
  server {
    listen ${rtmp};
    application live {
      live on;
      hls on;
      hls_path ${directory}/www/live;
      hls_fragment ${segmentMs / 2}ms;
      hls_playlist_length ${6 * segmentMs}ms;
      hls_fragment_naming timestamp;
    }
  }
}
http {
  access_log off;
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy; fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
  types { application/vnd.apple.mpegurl m3u8; video/mp2t ts; }
  server {
    listen ${http};
    root ${directory}/www;
  }
}
`;
}
