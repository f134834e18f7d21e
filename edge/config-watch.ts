/**
 * Notices that the configuration has changed: a file written in place, replaced, or (as Kubernetes does with a
 * mounted ConfigMap) reached by a symlink that is swapped.
 */

import { type FSWatcher, realpathSync, watch } from 'node:fs';
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
  const watchers: FSWatcher[] = [];
  const notice = (): void => {
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

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
