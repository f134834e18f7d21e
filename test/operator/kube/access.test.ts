/** Who we are to the API server: service accounts whose token rotates, kubeconfigs, TLS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { loadAccess, serviceAccountAccess } from '../../../operator/kube/access.ts';
import { KubeApi } from '../../../operator/kube/api.ts';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import { makeCertificate } from '../../support/certificate.ts';

let directory: string;
let server: Server;
let port: number;
/** What the API server lets in. */
let token: string;
let seen: string[];

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'access-'));
  const { keyFile, certFile } = makeCertificate(directory, 'api');
  writeFileSync(join(directory, 'ca.crt'), readFileSync(certFile));
  server = createServer({ key: readFileSync(keyFile), cert: readFileSync(certFile) }, (request, response) => {
    const { authorization = '' } = request.headers;
    seen.push(authorization);
    const allowed = authorization === `Bearer ${token}`;
    response.writeHead(allowed ? 200 : 401, { 'Content-Type': 'application/json' });
    response.end(allowed ? '{"items":[],"metadata":{"resourceVersion":"1"}}' : '{"kind":"Status","code":401}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});

after(() => {
  server.close();
  server.closeAllConnections();
  rmSync(directory, { recursive: true, force: true });
});

beforeEach(() => {
  seen = [];
  token = 'first';
  writeFileSync(join(directory, 'token'), 'first\n');
});

const inPod = () => ({ KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) });

function kubeconfig(user: object, cluster: object = {}): string {
  const ca = readFileSync(join(directory, 'ca.crt')).toString('base64');
  const file = join(directory, 'kubeconfig');
  const config = {
    clusters: [
      { name: 'c', cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': ca, ...cluster } },
    ],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

test('in a pod: the mounted token, which is read again when it is no longer good', async () => {
  const access = await serviceAccountAccess(inPod(), directory);
  assert.equal(access?.server, `https://127.0.0.1:${port}`);
  const api = new KubeApi(access!);
  await api.list(RESOURCES.Secret);
  token = 'second';
  writeFileSync(join(directory, 'token'), 'second\n');
  await api.list(RESOURCES.Secret);
  await api.list(RESOURCES.Secret);
  assert.deepEqual(seen, ['Bearer first', 'Bearer first', 'Bearer second', 'Bearer second']);
  token = 'third';
  await assert.rejects(api.list(RESOURCES.Secret), { status: 401 });
  api.close();
});

test('in a pod with IPv6; and outside of one', async () => {
  const six = await serviceAccountAccess({ ...inPod(), KUBERNETES_SERVICE_HOST: 'fd00::1' }, directory);
  assert.equal(six?.server, `https://[fd00::1]:${port}`);
  assert.equal(await serviceAccountAccess({}, directory), undefined);
  assert.equal(await serviceAccountAccess(inPod(), join(directory, 'nothing')), undefined);
});

test('a kubeconfig with a token', async () => {
  const api = new KubeApi(await loadAccess(kubeconfig({ token: 'first' })));
  await api.list(RESOURCES.Secret);
  assert.deepEqual(seen, ['Bearer first']);
  api.close();
});

test('a kubeconfig with an exec plugin', async () => {
  const credential = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: 'first' },
  };
  const exec = { apiVersion: credential.apiVersion, command: 'echo', args: [JSON.stringify(credential)] };
  const api = new KubeApi(await loadAccess(kubeconfig({ exec })));
  await api.list(RESOURCES.Secret);
  assert.deepEqual(seen, ['Bearer first']);
  api.close();
});

test('an API server that cannot prove who it is, is not believed', async () => {
  const user = { token: 'first' };
  const strangers = new KubeApi(await loadAccess(kubeconfig(user, { 'certificate-authority-data': undefined })));
  await assert.rejects(strangers.list(RESOURCES.Secret), { reason: 'Unreachable', message: /certificate/ });
  assert.deepEqual(seen, []);
  strangers.close();
  const insecure = { 'certificate-authority-data': undefined, 'insecure-skip-tls-verify': true };
  const trusting = new KubeApi(await loadAccess(kubeconfig(user, insecure)));
  await trusting.list(RESOURCES.Secret);
  trusting.close();
});

test('a kubeconfig without a current cluster says so', async () => {
  const file = kubeconfig({});
  writeFileSync(file, readFileSync(file, 'utf8').replace('"current-context":"x"', '"current-context":"nothing"'));
  await assert.rejects(loadAccess(file), /current context 'nothing' names no cluster/);
});

test('credentials that do not come do not hold a request for longer than its time', async () => {
  const access = { server: `https://127.0.0.1:${port}`, credentials: () => new Promise<never>(() => {}) };
  const api = new KubeApi(access, { requestTimeoutMs: 20 });
  await assert.rejects(api.list(RESOURCES.Secret), { reason: 'Timeout' });
});
