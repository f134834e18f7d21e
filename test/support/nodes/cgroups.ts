/** Control groups for the pods of nodes: a folder below each hierarchy, as kubelets find theirs and runc fills them. */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const mountPoint = '/sys/fs/cgroup';

/** Version 2 has one hierarchy, version 1 one for each controller. */
const isUnified = existsSync(join(mountPoint, 'cgroup.controllers'));

/** A hybrid's hierarchy of version 2 limits nothing. */
function hierarchies(): readonly string[] {
  if (isUnified) return [mountPoint];
  const names = readdirSync(mountPoint).filter((name) => name !== 'unified');
  return names.map((name) => join(mountPoint, name)).filter((directory) => statSync(directory).isDirectory());
}

/** What a kubelet gives to all pods of a machine of two cores: as much as two processes that are no pods. */
const cpuShares = '2048';

/** @param path such as `e2e-1/node1`; what is above it is made, too */
export function makeCgroup(path: string): void {
  for (const hierarchy of hierarchies()) {
    let directory = hierarchy;
    for (const name of path.split('/')) {
      const above = directory;
      directory = join(directory, name);
      mkdirSync(directory, { recursive: true });
      // A new folder has no processors and no memory until it is given some.
      for (const file of ['cpuset.cpus', 'cpuset.mems'])
        if (!isUnified && existsSync(join(directory, file)))
          writeFileSync(join(directory, file), readFileSync(join(above, file)));
      if (!isUnified && existsSync(join(directory, 'cpu.shares')))
        writeFileSync(join(directory, 'cpu.shares'), cpuShares);
    }
  }
}

/** Removes a folder and all below it; there must be no process left in them. */
export function removeCgroup(path: string): void {
  for (const hierarchy of hierarchies()) removeBelow(join(hierarchy, path));
}

/** Names of folders at the top that begin with `prefix`. */
export function cgroupsOf(prefix: string): readonly string[] {
  const names = hierarchies().flatMap((hierarchy) => readdirSync(hierarchy));
  return [...new Set(names.filter((name) => name.startsWith(prefix)))];
}

/** Their files go with a folder: rmdir, which is no recursive removal. */
function removeBelow(directory: string): void {
  if (!existsSync(directory)) return;
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) removeBelow(join(directory, entry.name));
  rmdirSync(directory);
}
