/**
 * The caches of HLS on this machine: one nginx, where it is installed, with the configuration that the operator would
 * render, and the agent that runs beside it in a pod.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { EdgeCluster, Hls } from '../api/types.ts';
import { HlsAgent } from '../hls/agent.ts';
import { caBundles } from '../render/hls/config-map.ts';
import { NGINX_CONF, ORIGINS_FILE } from '../render/hls/names.ts';
import { type Place, renderNginxConf } from '../render/hls/nginx-conf.ts';
import { hlsGroupsOf } from '../render/hls/upstreams.ts';
import { findAddress } from './address.ts';

export interface LocalHlsOptions {
  /** Where configuration, cache and log are kept. */
  readonly directory: string;
  /** Address to listen at. */
  readonly host: string;
  /** `host:port` of the HTTP servers of each group. */
  readonly httpOrigins: ReadonlyMap<string, readonly string[]>;
  /** Directories with `tls.key` and `tls.crt` to use for Secrets, by the Secret's name. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly log: (line: string) => void;
  /** How often the agent looks for what has changed; default as in pods. */
  readonly lookEveryMs?: number;
}

/** `host:port` of each listener. */
export interface HlsAddresses {
  readonly http: string;
  readonly https?: string;
}

const startupProbeMs = 20;

/** Debian keeps it where the PATH of users does not lead. */
const systemDirectories = ['/usr/sbin', '/usr/local/sbin'];

/** The file of nginx; undefined where it is not installed. */
export function findNginx(): string | undefined {
  return [...(process.env.PATH ?? '').split(delimiter), ...systemDirectories]
    .map((directory) => join(directory, 'nginx'))
    .find((file) => existsSync(file));
}

export class LocalHls {
  readonly addresses: HlsAddresses;
  readonly agent: HlsAgent;
  readonly #options: LocalHlsOptions;
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;

  private constructor(options: LocalHlsOptions, addresses: HlsAddresses, agent: HlsAgent, nginx: string) {
    this.#options = options;
    this.addresses = addresses;
    this.agent = agent;
    this.#child = spawn(nginx, ['-e', 'stderr', '-p', options.directory, '-c', join(options.directory, NGINX_CONF)], {
      stdio: ['ignore', 'ignore', 'pipe'],
      // Ctrl-C reaches this process alone.
      detached: true,
    });
    const log = createWriteStream(join(options.directory, 'nginx.log'), { flags: 'a' });
    this.#child.stderr?.pipe(log);
    // Workers of an nginx that was killed would stay: it ends them itself.
    const end = (): void => void this.#child.kill('SIGTERM');
    process.once('exit', end);
    this.#gone = Promise.race([once(this.#child, 'exit'), once(this.#child, 'error')]).then(() => {
      process.off('exit', end);
    });
  }

  /** Resolves when it answers. Throws with what nginx said when it ends instead. */
  static async start(nginx: string, cluster: EdgeCluster, hls: Hls, options: LocalHlsOptions): Promise<LocalHls> {
    const { directory, host, log, lookEveryMs } = options;
    const { http, https } = hls.listeners;
    mkdirSync(join(directory, 'cache'), { recursive: true });
    const addresses: HlsAddresses = {
      http: await findAddress(host, http.port),
      ...(https && { https: await findAddress(host, https.port) }),
    };
    const agent = new HlsAgent({
      configDirectory: directory,
      runDirectory: directory,
      tlsDirectory: https && options.secrets.get(https.secretName),
      accessPort: 0,
      log,
      ...(lookEveryMs !== undefined && { lookEveryMs }),
    });
    await agent.listen();
    try {
      write(cluster, hls, addresses, agent.accessPort, options);
      await agent.start();
      const local = new LocalHls(options, addresses, agent, nginx);
      await local.#ready();
      return local;
    } catch (error) {
      await agent.stop();
      throw error;
    }
  }

  /** Of nginx's master. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What has changed is read within seconds. Listeners stay where they are. */
  apply(cluster: EdgeCluster, hls: Hls, httpOrigins: LocalHlsOptions['httpOrigins']): void {
    write(cluster, hls, this.addresses, this.agent.accessPort, { ...this.#options, httpOrigins });
  }

  async stop(): Promise<void> {
    await this.agent.stop();
    this.#child.kill('SIGTERM');
    await this.#gone;
  }

  async #ready(): Promise<void> {
    let said = '';
    const listen = (bytes: Buffer): void => {
      said += bytes.toString();
    };
    this.#child.stderr?.on('data', listen);
    let ended = false;
    void this.#gone.then(() => {
      ended = true;
    });
    for (;;) {
      const answer = await fetch(`http://${this.addresses.http}/healthz`).catch(() => undefined);
      if (answer?.ok === true) break;
      if (ended) throw new Error(`nginx ended while starting: ${said.trim() || 'it said nothing'}`);
      await delay(startupProbeMs);
    }
    this.#child.stderr?.off('data', listen);
  }
}

/** Whether caches take the change from changed files; else another nginx is needed. */
export function needsAnotherCache(from: Hls, to: Hls): boolean {
  return !isDeepStrictEqual(from.listeners, to.listeners) || !isDeepStrictEqual(from.cache, to.cache);
}

function write(
  cluster: EdgeCluster,
  hls: Hls,
  addresses: HlsAddresses,
  accessPort: number,
  { directory, httpOrigins, secrets }: LocalHlsOptions,
): void {
  const files = {
    ...caBundles(cluster),
    [ORIGINS_FILE]: JSON.stringify({ groups: hlsGroupsOf(cluster, httpOrigins) }),
    [NGINX_CONF]: renderNginxConf(cluster, hls, placeOf(hls, addresses, accessPort, directory, secrets)),
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(directory, `${name}.new`), text);
    renameSync(join(directory, `${name}.new`), join(directory, name));
  }
}

function placeOf(
  hls: Hls,
  { http, https }: HlsAddresses,
  accessPort: number,
  directory: string,
  secrets: LocalHlsOptions['secrets'],
): Place {
  const secretName = hls.listeners.https?.secretName;
  return {
    http,
    ...(https !== undefined && { https: { listen: https, ...certificateOf(secretName, secrets) } }),
    accessLog: `127.0.0.1:${accessPort}`,
    configDirectory: directory,
    runDirectory: directory,
    cacheDirectory: join(directory, 'cache'),
    ...(process.getuid?.() === 0 && { user: 'root' }),
  };
}

function certificateOf(secretName = '', secrets: LocalHlsOptions['secrets']): { certFile: string; keyFile: string } {
  const directory = secrets.get(secretName);
  if (directory === undefined) {
    throw new Error(
      `Secret ${secretName} is not here: say --secret ${secretName}=DIRECTORY, with tls.key and tls.crt in it`,
    );
  }
  return { certFile: join(directory, 'tls.crt'), keyFile: join(directory, 'tls.key') };
}
