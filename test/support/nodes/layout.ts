/** Where things are in a cluster of real nodes: addresses, and directories that live in memory and end with it. */

import { join } from 'node:path';

/** The network of machines; the control plane and the clients of the tests are at `gateway`. */
export const gateway = '10.99.0.1';
export const clusterCidr = '10.244.0.0/16';
export const serviceCidr = '10.96.0.0/16';
export const apiServerService = '10.96.0.1';
export const dnsService = '10.96.0.10';
export const apiServerUrl = `https://${gateway}:6443`;

export interface NodePlace {
  readonly name: string;
  /** Of the machine. */
  readonly address: string;
  /** Of its pods. */
  readonly podCidr: string;
  /** The end of its cable at the gateway. */
  readonly link: string;
}

export const nodePlaces: readonly NodePlace[] = [1, 2].map((number) => ({
  name: `node${number}`,
  address: `10.99.0.1${number}`,
  podCidr: `10.244.${number}.0/24`,
  link: `cable${number}`,
}));

/** A file system of memory that the enclosure mounts here; nothing of it reaches the machine's own. */
export const stateDirectory = '/mnt';

export const files = {
  settings: join(stateDirectory, 'settings.json'),
  tokens: join(stateDirectory, 'tokens.csv'),
  certificates: join(stateDirectory, 'certificates'),
  etcd: join(stateDirectory, 'etcd'),
  kubeconfig: (user: string): string => join(stateDirectory, `${user.replaceAll(':', '.')}.kubeconfig`),
  log: (name: string): string => join(stateDirectory, 'log', `${name}.log`),
  pid: (name: string): string => join(stateDirectory, 'pid', name),
} as const;
