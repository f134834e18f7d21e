/**
 * How the servers of the control plane are run: their files, and their command lines.
 */

import { generateKeyPairSync, randomBytes, randomInt } from 'node:crypto';
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { Daemon } from './kubernetes-daemon.ts';
import type { Tools } from './kubernetes-tools.ts';

export interface Plane {
  readonly etcd: Daemon;
  readonly apiServer: Daemon;
  readonly controllers: Daemon | undefined;
}

/** etcd waits for the disk at each write: in memory, where there is enough of it. */
export function roomyDirectory(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    if (bavail * bsize > 2 ** 30) return '/dev/shm';
  } catch {
    // Not Linux.
  }
  return tmpdir();
}

export interface PlaneOptions {
  readonly controllers: boolean;
  readonly address?: string | undefined;
  readonly apiServerArgs?: readonly string[] | undefined;
}

/** A loopback address that nobody else uses; only Linux has them all. */
function ownAddress(): string {
  const part = () => randomInt(1, 255);
  return process.platform === 'linux' ? `127.${part()}.${part()}.${part()}` : '127.0.0.1';
}

/** Writes all files and says how each program is run. */
export function layOut(directory: string, tools: Tools, options: PlaneOptions): Plane {
  const { controllers, address = ownAddress(), apiServerArgs = [] } = options;
  const at = (port: number, scheme = 'https') => `${scheme}://${address}:${port}`;
  const file = (name: string) => join(directory, name);
  const certificates = file('certificates');
  mkdirSync(certificates);

  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(file('accounts.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  writeFileSync(file('accounts.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  const users = { admin: 'system:masters', 'system:kube-controller-manager': '' };
  const tokens = Object.entries(users).map(([user, group]) => ({
    user,
    group,
    token: randomBytes(16).toString('hex'),
  }));
  writeFileSync(
    file('tokens.csv'),
    tokens.map(({ token, user, group }) => `${token},${user},${user}${group && `,${group}`}\n`).join(''),
    { mode: 0o600 },
  );
  // Made by the API server itself: its certificate, and below that the authority's.
  const authority = join(certificates, 'apiserver.crt');
  const kubeconfigs = tokens.map(({ user, token }) => {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'test', server: at(6443), caFile: authority, skipTLSVerify: false },
      { name: user, token },
    );
    const path = file(user === 'admin' ? 'admin.kubeconfig' : 'controllers.kubeconfig');
    writeFileSync(path, config.exportConfig(), { mode: 0o600 });
    return path;
  });

  const etcd = new Daemon({
    program: tools.etcd,
    args: [
      `--data-dir=${file('etcd')}`,
      `--listen-client-urls=${at(2379, 'http')}`,
      `--advertise-client-urls=${at(2379, 'http')}`,
      `--listen-peer-urls=${at(2380, 'http')}`,
      `--initial-advertise-peer-urls=${at(2380, 'http')}`,
      `--initial-cluster=default=${at(2380, 'http')}`,
      '--quota-backend-bytes=2147483648',
    ],
    log: file('etcd.log'),
    health: { url: `${at(2379, 'http')}/health` },
  });
  const apiServer = new Daemon({
    program: tools['kube-apiserver'],
    args: [
      `--etcd-servers=${at(2379, 'http')}`,
      `--bind-address=${address}`,
      `--advertise-address=${address}`,
      '--secure-port=6443',
      `--cert-dir=${certificates}`,
      '--authorization-mode=RBAC',
      '--anonymous-auth=true',
      `--token-auth-file=${file('tokens.csv')}`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${file('accounts.pub')}`,
      `--service-account-signing-key-file=${file('accounts.key')}`,
      '--service-cluster-ip-range=10.0.0.0/16',
      '--allow-privileged=true',
      // End points may not be on the loopback interface.
      '--endpoint-reconciler-type=none',
      // Nobody runs several of it, so nobody has to wait for those that are still asked.
      '--shutdown-delay-duration=0s',
      ...apiServerArgs,
    ],
    log: file('kube-apiserver.log'),
    health: { url: `${at(6443)}/readyz`, caFile: authority },
  });
  const manager = new Daemon({
    program: tools['kube-controller-manager'],
    args: [
      `--kubeconfig=${kubeconfigs[1]}`,
      `--bind-address=${address}`,
      `--cert-dir=${file('controller-certificates')}`,
      '--leader-elect=false',
      '--use-service-account-credentials=true',
      `--service-account-private-key-file=${file('accounts.key')}`,
      `--root-ca-file=${authority}`,
      '--kube-api-qps=500',
      '--kube-api-burst=1000',
      // A pod that is gone is gone at once from what it counted for.
      '--horizontal-pod-autoscaler-sync-period=2s',
    ],
    log: file('kube-controller-manager.log'),
    health: {
      url: `${at(10257)}/healthz`,
      caFile: join(file('controller-certificates'), 'kube-controller-manager.crt'),
    },
  });
  return { etcd, apiServer, controllers: controllers ? manager : undefined };
}
