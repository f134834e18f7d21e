/**
 * Notices that the configuration has changed: a file written in place, replaced, or (as Kubernetes does with a
 * mounted ConfigMap) reached by a symlink that is swapped.
 */

import { type FSWatcher, realpathSync, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';

/** Writers make several changes in a row; this long after the last one the files are read. */
const settleMs = 100;

/**
 * Calls `changed` after a file, or a link on the way to it, has changed.
 * @returns a function that ends the watch
 */
export function watchFiles(files: readonly string[], changed: () => void): () => void {
  const directories = new Set(files.flatMap((file) => [dirname(file), dirname(realPath(file))]));
  let timer: NodeJS.Timeout | undefined;
  let known = fingerprint(files);
  const watchers: FSWatcher[] = [];
  // What else happens in these directories, to a log file for instance, is none of our business.
  const notice = (): void => {
    const now = fingerprint(files);
    if (now === known) return;
    known = now;
    clearTimeout(timer);
    timer = setTimeout(changed, settleMs);
  };
  for (const directory of directories) {
    try {
      const watcher = watch(directory, { persistent: false }, notice);
      watcher.on('error', notice);
      watchers.push(watcher);
    } catch {
      // A directory that is gone cannot be watched; its successor is, after the next reload.
    }
  }
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}

/** Differs whenever one of the files does, as far as that can be told without reading them. */
function fingerprint(files: readonly string[]): string {
  return files.map(fingerprintOf).join('\n');
}

function fingerprintOf(file: string): string {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
