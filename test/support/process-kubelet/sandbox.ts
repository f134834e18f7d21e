/**
 * A process as a container has it: its own mounts and network, its user, no capabilities, a root that is read-only
 * where the pod says so. The root is this machine's with a layer of memory above it, the project in /app and the
 * commands `edge` and `edgecluster`: that is the image, whatever its name.
 */

import { join, relative } from 'node:path';
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import type { Variables } from './environment.ts';

export const repository = join(import.meta.dirname, '../../..');

/** As in the image. */
const imageUser = 65532;
const nodeFlags = '--max-semi-space-size=4 --initial-old-space-size=64';

export interface Mount {
  /** Of this machine, a directory or a file. */
  readonly source: string;
  /** In the container. */
  readonly target: string;
  readonly readOnly: boolean;
}

export interface SandboxSpec {
  readonly pod: V1Pod;
  readonly container: V1Container;
  /** Whose network namespace it shares. */
  readonly networkOf: number;
  /** An empty directory of this machine, for its root. */
  readonly directory: string;
  readonly mounts: readonly Mount[];
  readonly variables: Variables;
}

/** The program and its arguments that become the container's process; its id stays. */
export function sandboxCommand(spec: SandboxSpec): readonly [string, ...string[]] {
  const { networkOf, variables, container } = spec;
  const root = join(spec.directory, 'root');
  const security = { ...spec.pod.spec?.securityContext, ...container.securityContext };
  const user = security.runAsUser ?? imageUser;
  if (security.runAsNonRoot === true && user === 0)
    throw new Error('container has runAsNonRoot and image will run as root');
  const groups = [security.fsGroup, ...(security.supplementalGroups ?? [])].filter((group) => group !== undefined);
  const command = container.command ?? ['edge'];
  const process = [
    ...['setpriv', '--reuid', String(user), '--regid', String(security.runAsGroup ?? user)],
    ...(groups.length > 0 ? ['--groups', groups.join(',')] : ['--clear-groups']),
    ...['--inh-caps=-all', '--bounding-set=-all', '--no-new-privs'],
    // The kernel ends it with the test.
    ...['--pdeathsig', 'KILL'],
    ...['env', '-i', ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)],
    ...[...command, ...(container.args ?? [])].map((word) => expandArgument(word, variables)),
  ];
  const script = [
    'set -eu',
    `mount -t tmpfs tmpfs ${quote(spec.directory)}`,
    `cd ${quote(spec.directory)}`,
    'mkdir upper work root',
    'mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root',
    'for part in proc dev sys; do mount --rbind /$part root/$part; done',
    ...mountLines({ source: repository, target: '/app', readOnly: true }),
    ...Object.entries(commands()).flatMap(([name, line]) => [
      `printf '#!/bin/sh\\nexec %s "$@"\\n' ${quote(line)} > root/usr/local/bin/${name}`,
      `chmod 755 root/usr/local/bin/${name}`,
    ]),
    ...spec.mounts.flatMap((mount) => mountLines(mount)),
    ...(container.securityContext?.readOnlyRootFilesystem === true ? ['mount -o remount,ro root'] : []),
    `exec chroot ${quote(root)} ${process.map(quote).join(' ')}`,
  ].join('\n');
  return [
    ...(['nsenter', '--target', String(networkOf), '--net'] as const),
    ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script],
  ];
}

/** Links on the way to the target lead where they do within the container: /var/run for one. */
function mountLines({ source, target, readOnly }: Mount): string[] {
  const from = quote(source);
  return [
    `make='mkdir -p "$1"'; [ -d ${from} ] || make='mkdir -p "$(dirname "$1")"; touch "$1"'`,
    `at=root$(chroot root sh -c "$make"'; realpath "$1"' sh ${quote(target)})`,
    `mount --rbind ${from} "$at"`,
    ...(readOnly ? ['mount -o remount,bind,ro "$at"'] : []),
  ];
}

/** What the image has in its path. */
function commands(): Readonly<Record<string, string>> {
  const fromRepository = relative(repository, process.execPath);
  const node = fromRepository.startsWith('..') ? process.execPath : `/app/${fromRepository}`;
  return {
    node: `${node}`,
    edge: `${node} ${nodeFlags} /app/edge/main.ts`,
    edgecluster: `${node} --max-semi-space-size=4 /app/operator/edgecluster.ts`,
  };
}

function expandArgument(word: string, variables: Variables): string {
  return word.replaceAll(/\$\(([^)]+)\)/g, (all, name: string) => variables[name] ?? all);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
