/**
 * Takes a changed configuration while the edge runs: when asked to, and when the files change. What cannot be read
 * leaves the running configuration in force.
 */

import { setImmediate } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type Difference, needsRestart } from './conf/diff.ts';
import type { Loaded } from './conf/load.ts';
import type { EdgeConfig } from './conf/model.ts';
import { ConfigError, type FilesRead, formatProblem } from './conf/problem.ts';
import { ConfigWatch } from './config-watch.ts';
import type { ConfigInForce, ReloadOutcome } from './server/http/deps.ts';

export interface ReloaderOptions {
  /** The configuration to start with. */
  readonly loaded: Loaded;
  /** Reads the configuration; throws ConfigError. */
  readonly read: () => Loaded;
  /** Applies it, and says what has changed. */
  readonly apply: (config: EdgeConfig) => Promise<Difference>;
  readonly log: Logger;
  /** Told how each reload went. */
  readonly done: (outcome: ReloadOutcome) => void;
}

/** A file that a configuration names is not there: the configuration can be used when it is. */
export class FileMissing extends Error {
  override readonly name = 'FileMissing';
  readonly missing: FilesRead;

  constructor(message: string, missing: FilesRead) {
    super(message);
    this.missing = missing;
  }
}

export class Reloader {
  readonly #options: ReloaderOptions;
  /** One reload at a time: the next begins when the last is done. */
  #running: Promise<unknown> = Promise.resolve();
  /** The one that begins next: whoever asks meanwhile gets its outcome, as it reads the files after that. */
  #next: Promise<ReloadOutcome> | undefined;
  #last: ReloadOutcome | undefined;
  #inForce: ConfigInForce;
  /** Vhosts of the configuration in force. */
  #vhosts: number;
  /** Whether changes of the files are to be taken, and what sees them. */
  #watched: boolean;
  #watch: ConfigWatch | undefined;
  #closed = false;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#watched = options.loaded.config.autoReload;
    this.#inForce = { hash: options.loaded.hash, needsRestart: [] };
    this.#vhosts = options.loaded.config.vhosts.length;
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
    this.#next ??= this.#running.then(async () => {
      // Signals that come in the same moment, a hundred perhaps, are read one after the other.
      await setImmediate();
      this.#next = undefined;
      return await this.#reload();
    });
    this.#running = this.#next;
    return this.#next;
  }

  /** From here on a change of the files is taken by itself, if the configuration says so. */
  watch(): void {
    // A reload may have come first: by the API, which is there before the last listener is.
    if (this.#watch === undefined) this.#watchFiles(this.#options.loaded);
  }

  close(): void {
    this.#closed = true;
    this.#watch?.close();
  }

  async #reload(): Promise<ReloadOutcome> {
    const { read, apply, log } = this.#options;
    let loaded: Loaded | undefined;
    try {
      loaded = read();
      this.#refuseLoss(loaded);
      const difference = await apply(loaded.config);
      for (const warning of loaded.warnings) log.warn(formatProblem(warning));
      this.#watched = loaded.config.autoReload;
      this.#watchFiles(loaded);
      this.#vhosts = loaded.config.vhosts.length;
      this.#inForce = { hash: loaded.hash, needsRestart: needsRestart(difference).map(({ path }) => path) };
      this.#last = { ok: true, atMs: Date.now(), difference };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.error({ reason }, 'reload failed: the running configuration stays in force');
      this.#last = { ok: false, atMs: Date.now(), error: reason };
      // The file to be mended may be one that was included just now.
      if (error instanceof ConfigError && error.source !== undefined) this.#watchFiles(error.source);
      if (error instanceof FileMissing && loaded !== undefined) this.#watchFiles(together(loaded, error.missing));
    }
    this.#options.done(this.#last);
    return this.#last;
  }

  /** A file that is empty or written by half is no wish to serve nobody any more. */
  #refuseLoss({ config, files, fingerprint }: Loaded): void {
    if (config.vhosts.length > 0 || this.#vhosts === 0) return;
    const [file = ''] = files;
    const at = { file, line: 1, column: 1 };
    const remedy = 'write at least one vhost, or stop the edge';
    const problem = { at, what: 'it has no vhost, while the running configuration has some', remedy };
    throw new ConfigError([problem], { files, fingerprint });
  }

  #watchFiles({ files, fingerprint }: FilesRead): void {
    this.#watch?.close();
    this.#watch = undefined;
    if (!this.#watched || this.#closed) return;
    this.#watch = new ConfigWatch(files, fingerprint, () => void this.reload());
  }
}

function together(one: FilesRead, other: FilesRead): FilesRead {
  return { files: [...one.files, ...other.files], fingerprint: `${one.fingerprint}\n${other.fingerprint}` };
}
