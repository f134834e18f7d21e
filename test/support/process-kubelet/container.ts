/** A container of a pod: its process, started again whenever it ends, and what its probes say. */

import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, on, once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1Container, V1ContainerState, V1ContainerStatus } from '@kubernetes/client-node';
import { watchProbe } from './probe.ts';

export interface ContainerOptions {
  readonly container: V1Container;
  /** The pod's. */
  readonly address: string;
  /** The program and its arguments, once all it needs is there. */
  readonly command: () => Promise<readonly [string, ...string[]]>;
  /** Its status is another. */
  readonly changed: () => void;
}

const longestPauseMs = 5_000;

export class Container {
  /** All lines it wrote, of every process it had. */
  readonly lines: string[] = [];
  readonly #options: ContainerOptions;
  readonly #output = new EventEmitter<{ line: [string] }>();
  readonly #stopping = new AbortController();
  #child: ChildProcess | undefined;
  #state: V1ContainerState = { waiting: { reason: 'ContainerCreating' } };
  #lastState: V1ContainerState | undefined;
  #started = false;
  #ready = false;
  #restarts = -1;

  constructor(options: ContainerOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.container.name;
  }

  /** Undefined while none runs. */
  get pid(): number | undefined {
    return this.#state.running === undefined ? undefined : this.#child?.pid;
  }

  get ready(): boolean {
    return this.#ready;
  }

  status(): V1ContainerStatus {
    const { name, image = '' } = this.#options.container;
    return {
      name,
      image,
      imageID: image,
      ready: this.#ready,
      started: this.#started,
      restartCount: Math.max(0, this.#restarts),
      state: this.#state,
      ...(this.#lastState === undefined ? {} : { lastState: this.#lastState }),
    };
  }

  /** Runs it again and again, until `stop`. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#restarts++;
      const startedAt = new Date();
      const code = await this.#runOnce();
      this.#lastState = {
        terminated: { exitCode: code, reason: code === 0 ? 'Completed' : 'Error', startedAt, finishedAt: new Date() },
      };
      [this.#started, this.#ready] = [false, false];
      if (signal.aborted) this.#state = this.#lastState;
      else this.#state = { waiting: { reason: 'CrashLoopBackOff', message: this.lines.slice(-5).join('\n') } };
      this.#options.changed();
      const pauseMs = Math.min(longestPauseMs, 500 * 2 ** this.#restarts);
      if (!signal.aborted) await delay(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Resolves with the first line, from the `since`th on, that a pattern is in. */
  async logged(pattern: RegExp, since = 0): Promise<string> {
    const known = this.lines.slice(since).find((line) => pattern.test(line));
    if (known !== undefined) return known;
    for await (const [line] of on(this.#output, 'line') as AsyncIterable<[string]>) {
      if (pattern.test(line)) return line;
    }
    throw new Error(`${this.name} never wrote ${pattern}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** SIGTERM, and SIGKILL when that takes longer than `graceMs`; resolves when it is gone for good. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(graceMs > 0 ? 'SIGTERM' : 'SIGKILL');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await gone;
    clearTimeout(timer);
  }

  /** Resolves with its exit code, 128 and the signal's number like a shell's for one that was killed. */
  async #runOnce(): Promise<number> {
    const [program, ...args] = await this.#options.command();
    if (this.#stopping.signal.aborted) return 0;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const output of [child.stdout, child.stderr]) {
      createInterface({ input: output }).on('line', (line) => {
        this.lines.push(line);
        this.#output.emit('line', line);
      });
    }
    this.#state = { running: { startedAt: new Date() } };
    const probing = new AbortController();
    const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    void this.#probe(AbortSignal.any([probing.signal, this.#stopping.signal]));
    const [code, signal] = await exited;
    probing.abort();
    return code ?? (signal === 'SIGKILL' ? 137 : 143);
  }

  /** The startup probe first; then readiness and liveness at the same time. */
  async #probe(signal: AbortSignal): Promise<void> {
    const { container, address, changed } = this.#options;
    const { startupProbe, readinessProbe, livenessProbe } = container;
    if (startupProbe !== undefined) {
      const starting = new AbortController();
      await watchProbe(startupProbe, container, address, AbortSignal.any([signal, starting.signal]), (good) => {
        if (!good) this.signal('SIGKILL');
        starting.abort();
      });
    }
    if (signal.aborted) return;
    this.#started = true;
    this.#ready = readinessProbe === undefined;
    changed();
    if (livenessProbe !== undefined) {
      void watchProbe(livenessProbe, container, address, signal, (good) => {
        if (!good) this.signal('SIGKILL');
      });
    }
    if (readinessProbe !== undefined) {
      await watchProbe(readinessProbe, container, address, signal, (good) => {
        this.#ready = good;
        changed();
      });
    }
  }
}
