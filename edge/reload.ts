/**
 * Takes a changed configuration while the edge runs: when asked to, and when the files change. What cannot be read
 * leaves the running configuration in force.
 */

import type { Logger } from 'pino';
import { type Difference, needsRestart } from './conf/diff.ts';
import type { Loaded } from './conf/load.ts';
import type { EdgeConfig } from './conf/model.ts';
import { formatProblem } from './conf/problem.ts';
import { watchFiles } from './config-watch.ts';
import type { ConfigInForce, ReloadOutcome } from './server/http/deps.ts';

export interface ReloaderOptions {
  /** The configuration to start with. */
  readonly loaded: Loaded;
  /** Reads the configuration; throws ConfigError. */
  readonly read: () => Loaded;
  /** Applies it, and says what has changed. */
  readonly apply: (config: EdgeConfig) => Promise<Difference>;
  readonly log: Logger;
}

export class Reloader {
  readonly #options: ReloaderOptions;
  /** One reload at a time: the next begins when the last is done. */
  #running: Promise<ReloadOutcome | undefined> = Promise.resolve(undefined);
  #last: ReloadOutcome | undefined;
  #inForce: ConfigInForce;
  #unwatch: (() => void) | undefined;
  #closed = false;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#inForce = { hash: options.loaded.hash, needsRestart: [] };
  }

  get inForce(): ConfigInForce {
    return this.#inForce;
  }

  /** How the last reload went, if there was one. */
  get last(): ReloadOutcome | undefined {
    return this.#last;
  }

  /** Reads and applies the configuration; never fails, but says how it went. */
  reload(): Promise<ReloadOutcome> {
    const next = this.#running.then(() => this.#reload());
    this.#running = next;
    return next;
  }

  /** From here on a change of the files is taken by itself, if the configuration says so. */
  watch({ config, files }: Loaded = this.#options.loaded): void {
    this.#unwatch?.();
    const watched = config.autoReload && !this.#closed;
    this.#unwatch = watched ? watchFiles(files, () => void this.reload()) : undefined;
  }

  close(): void {
    this.#closed = true;
    this.#unwatch?.();
  }

  async #reload(): Promise<ReloadOutcome> {
    const { read, apply, log } = this.#options;
    try {
      const loaded = read();
      const difference = await apply(loaded.config);
      for (const warning of loaded.warnings) log.warn(formatProblem(warning));
      this.watch(loaded);
      this.#inForce = { hash: loaded.hash, needsRestart: needsRestart(difference).map(({ path }) => path) };
      this.#last = { ok: true, atMs: Date.now(), difference };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.error({ reason }, 'reload failed: the running configuration stays in force');
      this.#last = { ok: false, atMs: Date.now(), error: reason };
    }
    return this.#last;
  }
}
