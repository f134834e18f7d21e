/**
 * Notices that the configuration has changed: a file written in place, replaced, or (as Kubernetes does with a
 * mounted ConfigMap) reached by a symlink that is swapped. Whatever happens to files and folders, watching goes on.
 */

import { type FSWatcher, lstatSync, readlinkSync, statSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Fingerprint, fingerprintOfAll } from './conf/fingerprint.ts';

/** Writers make several changes in a row; this long after the last one the files are read. */
const settleMs = 100;

/** How often a look is taken without a hint of the system: folders may be gone, or not tell of changes. */
const lookEveryMs = 2_000;

/** Links followed from one file: the kernel's own limit. */
const linksMax = 40;

/** Changes in a folder come in crowds, of a log file for instance: the files are looked at once for all of them. */
const crowdMs = 10;

interface WatchedFolder {
  readonly watcher: FSWatcher;
  readonly identity: string;
}

export class ConfigWatch {
  readonly #files: readonly string[];
  readonly #changed: () => void;
  readonly #folders = new Map<string, WatchedFolder>();
  readonly #clock: NodeJS.Timeout;
  #lookTimer: NodeJS.Timeout | undefined;
  #settleTimer: NodeJS.Timeout | undefined;
  #known: Fingerprint;

  /**
   * Calls `changed` after a file, or a link on the way to it, has changed.
   * @param known what the files were when they were read: a change since then counts
   */
  constructor(files: readonly string[], known: Fingerprint, changed: () => void) {
    this.#files = files;
    this.#known = known;
    this.#changed = changed;
    this.#clock = setInterval(() => this.#look(), lookEveryMs).unref();
    this.#look();
  }

  close(): void {
    clearInterval(this.#clock);
    clearTimeout(this.#lookTimer);
    clearTimeout(this.#settleTimer);
    for (const folder of this.#folders.keys()) this.#unwatch(folder);
  }

  #look(): void {
    clearTimeout(this.#lookTimer);
    this.#lookTimer = undefined;
    this.#watchFolders();
    const now = fingerprintOfAll(this.#files);
    if (now === this.#known) return;
    this.#known = now;
    clearTimeout(this.#settleTimer);
    this.#settleTimer = setTimeout(this.#changed, settleMs);
  }

  /** Links may lead elsewhere by now, and folders may have gone or come back. */
  #watchFolders(): void {
    const wanted = new Set(this.#files.flatMap(foldersOf));
    for (const [folder, { identity: known }] of this.#folders) {
      if (!wanted.has(folder) || identity(folder) !== known) this.#unwatch(folder);
    }
    for (const folder of wanted) if (!this.#folders.has(folder)) this.#watch(folder);
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => {
        this.#lookTimer ??= setTimeout(() => this.#look(), crowdMs);
      });
      watcher.on('error', () => this.#unwatch(folder));
      this.#folders.set(folder, { watcher, identity: identity(folder) });
    } catch {
      // It is gone, or the system has no watchers left: the clock looks at it.
    }
  }

  #unwatch(folder: string): void {
    this.#folders.get(folder)?.watcher.close();
    this.#folders.delete(folder);
  }
}

/** The folders in which a change of this name is seen, or of a link on the way to it. None of them is reached by links. */
function foldersOf(file: string): string[] {
  const folders: string[] = [];
  let path = resolve(file);
  for (let links = 0; links < linksMax; links++) {
    const { at, leadsTo } = walk(path);
    folders.push(dirname(at));
    if (leadsTo === undefined) break;
    path = leadsTo;
  }
  return folders;
}

/** Goes along a path to the first part that is a link or missing, or to its end. */
function walk(path: string): { readonly at: string; readonly leadsTo?: string } {
  const parts = path.split('/');
  for (let length = 2; length <= parts.length; length++) {
    const at = parts.slice(0, length).join('/');
    try {
      if (!lstatSync(at).isSymbolicLink()) continue;
      return { at, leadsTo: resolve(dirname(at), readlinkSync(at), ...parts.slice(length)) };
    } catch {
      return { at };
    }
  }
  return { at: path };
}

/** Tells a folder from one that has taken its place. */
function identity(folder: string): string {
  try {
    const { dev, ino } = statSync(folder, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return '';
  }
}
