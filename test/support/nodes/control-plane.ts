/** The control plane of a cluster of real nodes: who may call it, and how its servers are run. */

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import type { Tool, Tools } from '../kubernetes-tools.ts';
import { run } from '../programs.ts';
import type { NodeBinaries } from './binaries.ts';
import { apiServerUrl, files, gateway, nodePlaces, serviceCidr, stateDirectory } from './layout.ts';
import { Server } from './server.ts';

const users: Readonly<Record<string, string>> = {
  admin: 'system:masters',
  'system:kube-controller-manager': '',
  'system:kube-scheduler': '',
  'system:kube-proxy': '',
  ...Object.fromEntries(nodePlaces.map(({ name }) => [`system:node:${name}`, 'system:nodes'])),
};

export const kubeProxyUser = 'system:kube-proxy';
export const adminKubeconfig = files.kubeconfig('admin');

/** Made by the API server itself: its certificate, and below that the authority's. */
const authority = join(files.certificates, 'apiserver.crt');
const file = (name: string): string => join(files.certificates, name);

/** Keys, certificates, tokens, and a kubeconfig for each user. */
export function layOutCredentials(): void {
  mkdirSync(files.certificates, { recursive: true });
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(file('accounts.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  writeFileSync(file('accounts.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  makeFrontProxyCertificate();
  const rows = Object.entries(users).map(([user, group]) => {
    const token = randomBytes(16).toString('hex');
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'e2e', server: apiServerUrl, caFile: authority, skipTLSVerify: false },
      { name: user, token },
    );
    writeFileSync(files.kubeconfig(user), config.exportConfig(), { mode: 0o600 });
    return `${token},${user},${user}${group && `,${group}`}\n`;
  });
  writeFileSync(files.tokens, rows.join(''), { mode: 0o600 });
}

/** The API server shows it to other API servers, such as that of metrics, in the name of whom it asks for. */
function makeFrontProxyCertificate(): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const pair = (name: string): string[] => ['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)];
  run('openssl', ['req', '-x509', ...key, '-subj', '/CN=front-proxy-authority', ...pair('front-authority')]);
  run('openssl', ['req', ...key, '-subj', '/CN=front-proxy', '-keyout', file('front.key'), '-out', file('front.csr')]);
  const signer = ['-CA', file('front-authority.crt'), '-CAkey', file('front-authority.key'), '-CAcreateserial'];
  run('openssl', ['x509', '-req', '-days', '2', '-in', file('front.csr'), ...signer, '-out', file('front.crt')]);
}

export interface ControlPlane {
  readonly etcd: Server;
  readonly apiServer: Server;
  readonly controllerManager: Server;
  readonly scheduler: Server;
}

export function controlPlane(tools: Tools<Tool>, binaries: NodeBinaries): ControlPlane {
  const etcdUrl = 'http://127.0.0.1:2379';
  const peerUrl = 'http://127.0.0.1:2380';
  const asUser = (user: string): string[] =>
    ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
      (flag) => `--${flag}=${files.kubeconfig(user)}`,
    );
  const etcd = new Server({
    name: 'etcd',
    command: [
      tools.etcd,
      `--data-dir=${files.etcd}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
    ],
    isReady: () => answers(fetch(`${etcdUrl}/health`)),
  });
  const apiServer = new Server({
    name: 'kube-apiserver',
    command: [
      tools['kube-apiserver'],
      `--etcd-servers=${etcdUrl}`,
      `--bind-address=${gateway}`,
      `--advertise-address=${gateway}`,
      `--cert-dir=${files.certificates}`,
      `--service-cluster-ip-range=${serviceCidr}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      `--token-auth-file=${files.tokens}`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${file('accounts.pub')}`,
      `--service-account-signing-key-file=${file('accounts.key')}`,
      '--kubelet-preferred-address-types=InternalIP',
      `--requestheader-client-ca-file=${file('front-authority.crt')}`,
      '--requestheader-allowed-names=front-proxy',
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      `--proxy-client-cert-file=${file('front.crt')}`,
      `--proxy-client-key-file=${file('front.key')}`,
      '--enable-aggregator-routing',
      '--allow-privileged',
      // Nobody runs several of it, so nobody has to wait for those that are still asked.
      '--shutdown-delay-duration=0s',
    ],
    isReady: () => existsSync(authority) && isHealthy(`${apiServerUrl}/readyz`, authority),
  });
  const controllerManager = new Server({
    name: 'kube-controller-manager',
    command: [
      tools['kube-controller-manager'],
      ...asUser('system:kube-controller-manager'),
      '--bind-address=127.0.0.1',
      `--cert-dir=${join(stateDirectory, 'controller-certificates')}`,
      '--leader-elect=false',
      '--use-service-account-credentials=true',
      `--service-account-private-key-file=${file('accounts.key')}`,
      `--root-ca-file=${authority}`,
    ],
    isReady: () => isHealthy('https://127.0.0.1:10257/healthz'),
  });
  const scheduler = new Server({
    name: 'kube-scheduler',
    command: [
      binaries['kube-scheduler'],
      ...asUser('system:kube-scheduler'),
      '--bind-address=127.0.0.1',
      `--cert-dir=${join(stateDirectory, 'scheduler-certificates')}`,
      '--leader-elect=false',
    ],
    isReady: () => isHealthy('https://127.0.0.1:10259/healthz'),
  });
  return { etcd, apiServer, controllerManager, scheduler };
}

async function answers(answer: Promise<Response>): Promise<boolean> {
  return answer.then(({ ok }) => ok).catch(() => false);
}

/** @param caFile where it is left out, whoever answers will do: certificates of those servers are nobody's to check */
function isHealthy(url: string, caFile?: string): Promise<boolean> {
  const tls = caFile === undefined ? { rejectUnauthorized: false } : { ca: readFileSync(caFile) };
  return new Promise((resolve) => {
    const request = get(url, { ...tls, agent: false, timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}
