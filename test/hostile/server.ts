/**
 * The edge (or an origin) as a process whose memory and log are watched from outside. Its log goes to a file: a pipe
 * would make the reader a part of what is measured. Linux only: figures come from /proc.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EdgeSetup } from './attack.ts';

const mainFile = join(import.meta.dirname, '../../edge/main.ts');
/** As the image starts it. */
const nodeOptions = ['--max-semi-space-size=4', '--initial-old-space-size=64'];
const startPatienceMs = 30_000;
const stopPatienceMs = 5_000;

export class MeasuredServer {
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #logFile: string;

  private constructor(config: (directory: string) => string, { heapMb, openFiles }: EdgeSetup) {
    this.#directory = mkdtempSync(join(tmpdir(), 'hostile-'));
    const configFile = join(this.#directory, 'edge.conf');
    this.#logFile = join(this.#directory, 'edge.log');
    writeFileSync(configFile, config(this.#directory));
    const log = openSync(this.#logFile, 'a');
    const heap = heapMb === undefined ? [] : [`--max-old-space-size=${heapMb}`];
    const command = [process.execPath, ...nodeOptions, ...heap, mainFile, '-c', configFile];
    const limit = openFiles === undefined ? '' : `ulimit -n ${openFiles}; `;
    this.#child = spawn('sh', ['-c', `${limit}exec "$@"`, 'sh', ...command], { stdio: ['ignore', log, log] });
    closeSync(log);
    process.once('exit', this.#kill);
  }

  /** @param config makes its configuration; it may put files into the directory it is given */
  static async start(config: (directory: string) => string, setup: EdgeSetup = {}): Promise<MeasuredServer> {
    const server = new MeasuredServer(config, setup);
    for (const deadlineMs = performance.now() + startPatienceMs; !server.log().includes('"started"'); await delay(50)) {
      if (server.ended !== undefined) throw new Error(`a server ended while starting: ${server.log().slice(-2_000)}`);
      if (performance.now() > deadlineMs) throw new Error('a server did not start');
    }
    return server;
  }

  /** How it ended by itself; undefined while it runs. */
  get ended(): string | undefined {
    const { exitCode, signalCode } = this.#child;
    return signalCode ?? (exitCode === null ? undefined : `exit ${exitCode}`);
  }

  /** Of its first listener of a kind. */
  port(protocol: string): number {
    for (const line of this.log().split('\n')) {
      if (!line.includes('"listening"')) continue;
      const fields = JSON.parse(line) as { readonly protocol: string; readonly port: number };
      if (fields.protocol === protocol) return fields.port;
    }
    throw new Error(`the server does not listen for ${protocol}`);
  }

  log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** Bytes of its log so far. */
  get logBytes(): number {
    return statSync(this.#logFile).size;
  }

  /** What it has logged behind so many bytes. */
  logSince(bytes: number): Buffer {
    return readFileSync(this.#logFile).subarray(bytes);
  }

  /** Resident memory in MB: now, and the most since the last `resetPeak`. Undefined when it has ended. */
  memory(): { readonly nowMb: number; readonly peakMb: number } | undefined {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
      const megabytes = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1000;
      const [nowMb, peakMb] = [megabytes('VmRSS'), megabytes('VmHWM')];
      return Number.isNaN(nowMb) ? undefined : { nowMb, peakMb };
    } catch {
      return undefined;
    }
  }

  resetPeak(): void {
    try {
      writeFileSync(`/proc/${this.#child.pid}/clear_refs`, '5');
    } catch {
      // It has ended; whoever asks for its memory learns that.
    }
  }

  kill(): void {
    this.#kill();
  }

  /** Asks it to stop at once, as SIGINT does; one that does not is killed. */
  async stop(): Promise<void> {
    if (this.ended === undefined) {
      const exited = once(this.#child, 'exit');
      this.#child.kill('SIGINT');
      await Promise.race([exited, delay(stopPatienceMs)]);
      this.#kill();
    }
    process.off('exit', this.#kill);
    if (process.env.HOSTILE_KEEP === undefined) rmSync(this.#directory, { recursive: true, force: true });
  }

  readonly #kill = (): void => void this.#child.kill('SIGKILL');
}
