/**
 * Runs the edge's own command as a child process, on ports that the system picks, so that it can be killed, stopped
 * and measured like the real thing.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** One line of the edge's log. */
export interface LogLine {
  readonly msg: string;
  readonly level: number;
  readonly [field: string]: unknown;
}

export interface StartOptions {
  /** Ctrl-C in the terminal does not reach it: who started it ends it. */
  readonly detached?: boolean;
  /** Beside those of the test. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The sources' own by default. */
  readonly program?: string;
}

const mainFile = join(import.meta.dirname, '../../edge/main.ts');

export class EdgeProcess {
  readonly child: ChildProcess;
  readonly configFile: string;
  readonly log: LogLine[] = [];
  readonly #directory: string;
  readonly #waiting = new Set<(line: LogLine) => void>();
  /** Standard error, for what is said before there is a log. */
  stderr = '';

  private constructor(config: string, { detached = false, environment = {}, program = mainFile }: StartOptions) {
    this.#directory = mkdtempSync(join(tmpdir(), 'edge-'));
    this.configFile = join(this.#directory, 'edge.conf');
    writeFileSync(this.configFile, config);
    this.child = spawn(process.execPath, [program, '-c', this.configFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached,
      env: { ...process.env, ...environment },
    });
    this.child.stderr?.on('data', (bytes: Buffer) => {
      this.stderr += bytes.toString();
    });
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (text) => {
      const line = JSON.parse(text) as LogLine;
      this.log.push(line);
      for (const waiting of [...this.#waiting]) waiting(line);
    });
    this.child.once('exit', () => rmSync(this.#directory, { recursive: true, force: true }));
  }

  /**
   * Starts an edge and waits until it listens everywhere it should.
   * @param config SRS-style text; use `listen 127.0.0.1:0;` for a port of the system's choice
   */
  static async start(config: string, options: StartOptions = {}): Promise<EdgeProcess> {
    const edge = new EdgeProcess(config, options);
    const ended = once(edge.child, 'exit').then(() => {
      throw new Error(`the edge ended while starting: ${edge.stderr}`);
    });
    await Promise.race([edge.logged((line) => line.msg === 'started'), ended]);
    return edge;
  }

  /** The port of its first listener of a kind: `rtmp`, `rtmps`, `http`, `https`, `api`, `exporter`. */
  port(protocol = 'rtmp'): number {
    const line = this.log.find(({ msg, ...fields }) => msg === 'listening' && fields.protocol === protocol);
    if (line === undefined) throw new Error(`the edge does not listen for ${protocol}`);
    return line.port as number;
  }

  /** `rtmp://127.0.0.1:PORT/path` */
  rtmp(path: string): string {
    return `rtmp://127.0.0.1:${this.port()}/${path}`;
  }

  /** Resolves with the first log line, from the start or from `since` on, that satisfies `test`. */
  async logged(test: (line: LogLine) => boolean, since = 0): Promise<LogLine> {
    const known = this.log.slice(since).find(test);
    if (known !== undefined) return known;
    return new Promise((resolve, reject) => {
      const check = (line: LogLine): void => {
        if (!test(line)) return;
        this.#waiting.delete(check);
        this.child.off('exit', onExit);
        resolve(line);
      };
      const onExit = (): void => reject(new Error(`the edge ended: ${this.stderr}`));
      this.child.once('exit', onExit);
      this.#waiting.add(check);
    });
  }

  /** Writes a new configuration in place; the edge sees it by itself. */
  configure(config: string): void {
    writeFileSync(this.configFile, config);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Kills it as the kernel would; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  /** Resolves with its exit code, or null when a signal ended it. */
  async exit(): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const [code] = (await once(this.child, 'exit')) as [number | null];
    return code;
  }
}
