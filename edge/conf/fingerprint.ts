/** Tells whether files have changed without reading them. */

import { statSync } from 'node:fs';

/** Of one file or several: differs whenever one of them has changed. */
export type Fingerprint = string;

/** Never throws: a circle of links, a folder that is gone, missing rights are states of a file, too. */
export function fingerprint(file: string): Fingerprint {
  try {
    const stat = statSync(file, { bigint: true });
    return `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}

export function fingerprintOfAll(files: readonly string[]): Fingerprint {
  return files.map(fingerprint).join('\n');
}
