/**
 * What runs beside the nginx of a cache: it keeps the addresses of origins up to date, has nginx read what has changed,
 * and counts requests.
 */
import { createHash } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NGINX_CONF, ORIGINS_FILE, PID_FILE, STATUS_SOCKET, UPSTREAMS_FILE } from '../render/hls/names.ts';
import { type HlsGroup, renderUpstreams } from '../render/hls/upstreams.ts';
import { Addresses, type Network, network } from './addresses.ts';
import { CacheMetrics } from './metrics.ts';
import { parseOriginsFile } from './origins-file.ts';

export interface AgentOptions {
  /** Directory of nginx.conf and of the list of origins. */
  readonly configDirectory: string;
  /** Directory that nginx and the agent share: addresses, pid, status. */
  readonly runDirectory: string;
  /** Directory of certificate and key; undefined: no HTTPS. */
  readonly tlsDirectory?: string | undefined;
  /** UDP port of the loopback interface that takes nginx's access log; 0: any. */
  readonly accessPort: number;
  /** Told what happens, in a line. */
  readonly log: (line: string) => void;
  readonly lookEveryMs?: number;
  readonly network?: Network;
}

export class HlsAgent {
  readonly metrics: CacheMetrics;
  readonly #options: AgentOptions;
  readonly #addresses: Addresses;
  readonly #stopping = new AbortController();
  #socket: Socket | undefined;
  #groups: readonly HlsGroup[] = [];
  /** What nginx was last told to read. */
  #read = '';
  #problem = '';
  #running: Promise<void> = Promise.resolve();

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#addresses = new Addresses(options.network ?? network);
    this.metrics = new CacheMetrics(join(options.runDirectory, STATUS_SOCKET));
  }

  /** Resolves when all that nginx needs to start is there. Rejects when the list of origins is wrong. */
  async start(): Promise<void> {
    await mkdir(this.#options.runDirectory, { recursive: true });
    if (this.#socket === undefined) await this.listen();
    await this.#writeUpstreams();
    this.#read = await this.#fingerprint();
    this.#running = this.#run();
  }

  /** Port of the access log. */
  get accessPort(): number {
    return this.#socket?.address().port ?? this.#options.accessPort;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#socket?.close();
    await this.#running;
  }

  /** Takes the port of the access log, which nginx.conf names. */
  async listen(): Promise<void> {
    const socket = createSocket('udp4');
    socket.on('message', (datagram) => this.metrics.count(datagram.toString('latin1')));
    socket.bind(this.#options.accessPort, '127.0.0.1');
    await once(socket, 'listening');
    socket.on('error', (error) => this.#tell(`access log: ${error.message}`));
    this.#socket = socket;
  }

  async #run(): Promise<void> {
    const { lookEveryMs = 2_000 } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await delay(lookEveryMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        await this.#look();
        this.#problem = '';
      } catch (error) {
        this.#tell((error as Error).message);
      }
    }
  }

  async #look(): Promise<void> {
    await this.#writeUpstreams();
    const fingerprint = await this.#fingerprint();
    if (fingerprint === this.#read) return;
    if (await this.#reload()) this.#read = fingerprint;
  }

  /** nginx tries what it reads first, and goes on with what it has where that is wrong. */
  async #reload(): Promise<boolean> {
    const pid = Number(await readFile(join(this.#options.runDirectory, PID_FILE), 'utf8').catch(() => ''));
    // nginx is about to start, and reads it anyway.
    if (!Number.isInteger(pid) || pid <= 1) return false;
    process.kill(pid, 'SIGHUP');
    this.#options.log('nginx reads its configuration again');
    return true;
  }

  /** At once or not at all. Unchanged where the list of origins cannot be read. */
  async #writeUpstreams(): Promise<void> {
    const { configDirectory, runDirectory } = this.#options;
    this.#groups = parseOriginsFile(await readFile(join(configDirectory, ORIGINS_FILE), 'utf8'));
    const text = renderUpstreams(this.#groups, await this.#addresses.of(this.#groups));
    const file = join(runDirectory, UPSTREAMS_FILE);
    if ((await readFile(file, 'utf8').catch(() => undefined)) === text) return;
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  }

  /** Of all that nginx reads. */
  async #fingerprint(): Promise<string> {
    const { configDirectory, runDirectory, tlsDirectory } = this.#options;
    const hash = createHash('sha256');
    const certificates = (await readdir(configDirectory)).filter((name) => name.endsWith('.pem')).toSorted();
    const files = [
      join(runDirectory, UPSTREAMS_FILE),
      ...[NGINX_CONF, ...certificates].map((name) => join(configDirectory, name)),
      ...(tlsDirectory === undefined ? [] : ['tls.crt', 'tls.key'].map((name) => join(tlsDirectory, name))),
    ];
    for (const file of files) hash.update(file).update(await readFile(file));
    return hash.digest('hex');
  }

  /** The same problem once. */
  #tell(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#options.log(problem);
  }
}
