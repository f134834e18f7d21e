/** A tier below another one that lets nobody in without a signature, by RTMPS: real edges in pods, keys in Secrets. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import type { V1ConfigMap, V1Pod } from '@kubernetes/client-node';
import { makeCertificate } from '../support/certificate.ts';
import { EdgeProcess } from '../support/edge-process.ts';
import { Kubernetes } from '../support/kubernetes.ts';
import { isReady, KubeClient } from '../support/kubernetes-client.ts';
import { OperatorInProcess } from '../support/operator-in-process.ts';
import { ProcessKubelet } from '../support/process-kubelet/kubelet.ts';
import { cannotRunPods, PodNetwork } from '../support/process-kubelet/network.ts';
import { suiteCleaner, temporaryDirectory } from '../support/programs.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';

const tcUrl = 'rtmp://tv.test/live';
const key = 'city:a secret of the tier above';

describe('a tier below one that asks for a signature', { skip: cannotRunPods() }, () => {
  const cleaner = suiteCleaner();
  let kubernetes: Kubernetes;
  let client: KubeClient;
  let namespace: string;

  const apply = (manifest: object): Promise<string> =>
    kubernetes.kubectl(['-n', namespace, 'apply', '-f', '-'], { input: JSON.stringify(manifest) });
  const applyTier = (name: string, spec: object): Promise<string> =>
    apply({ apiVersion: 'edgecluster.io/v1alpha1', kind: 'EdgeCluster', metadata: { name }, spec });
  const applySecret = (name: string, stringData: object, type = 'Opaque'): Promise<string> =>
    apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, type, stringData });
  /** Address of the one edge of a tier, when it is ready. */
  const edgeOf = async (tier: string): Promise<string> => {
    const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=edgecluster.io%2Fcluster%3D${tier}`;
    const [pod] = await client.until<V1Pod>(path, (pods) => pods.length === 1 && pods.every(isReady));
    return pod?.status?.podIP ?? '';
  };

  before(async () => {
    const network = new PodNetwork();
    cleaner.after(() => network.close());
    kubernetes = await Kubernetes.start({ address: network.gateway });
    cleaner.after(() => kubernetes.stop());
    const kubelet = await ProcessKubelet.start(kubernetes, network);
    cleaner.after(() => kubelet.stop());
    await kubernetes.installDefinitions();
    namespace = await kubernetes.createNamespace('levels');
    client = new KubeClient(kubernetes.config());
    cleaner.after(() => client.close());

    const operator = new OperatorInProcess(kubernetes, { namespace });
    cleaner.after(() => operator.stop());

    const origin = await EdgeProcess.start(originConfig().replace('127.0.0.1:0', `${network.gateway}:0`));
    cleaner.after(() => origin.kill());
    const publisher = await RtmpPeer.publisher({ host: network.gateway, port: origin.port(), tcUrl }, 'show');
    cleaner.after(() => publisher.reset());
    const broadcast = new Broadcast([publisher]);
    cleaner.after(() => broadcast.stop());

    const { keyFile, certFile } = makeCertificate(temporaryDirectory(cleaner), 'region.test');
    const [tlsKey, certificate] = [keyFile, certFile].map((file) => readFileSync(file, 'utf8'));
    await applySecret('region-tls', { 'tls.key': tlsKey, 'tls.crt': certificate }, 'kubernetes.io/tls');
    await applySecret('region-keys', { keys: `web:another secret, for a site\n${key}\n` });
    await applySecret('city-key', { keys: `${key}\n` });
    await applyTier('region', {
      replicas: 1,
      origins: [{ name: 'main', servers: [`${network.gateway}:${origin.port()}`] }],
      vhosts: [{ name: '__defaultVhost__', token: { keysSecretName: 'region-keys' } }],
      listeners: { rtmps: { secretName: 'region-tls' } },
    });
    await applyTier('city', {
      replicas: 1,
      origins: [
        {
          name: 'region',
          edgeCluster: { name: 'region' },
          tls: { serverName: 'localhost', caBundle: certificate },
          keysSecretName: 'city-key',
        },
      ],
    });
  });

  it('above nobody plays without one', async () => {
    const peer = await RtmpPeer.connect({ host: await edgeOf('region'), port: 1935, tcUrl });
    cleaner.after(() => peer.reset());
    peer.play('show');
    assert.equal((await peer.status('NetStream.Play.Failed')).description, 'token: the URL has none');
  });

  it('below everybody plays and publishes, who show nothing', async () => {
    const host = await edgeOf('city');
    const config = await client.get<V1ConfigMap>(`/api/v1/namespaces/${namespace}/configmaps/city`);
    assert.match(JSON.stringify(config.data), /rtmps:\/\/.*origin_keys_file \/etc\/edge-token-keys\/city-key\/keys;/);
    const player = await RtmpPeer.player({ host, port: 1935, tcUrl }, 'show');
    cleaner.after(() => player.reset());
    await player.frames(10);
    const publisher = await RtmpPeer.publisher({ host, port: 1935, tcUrl }, 'own');
    cleaner.after(() => publisher.reset());
    const broadcast = new Broadcast([publisher]);
    cleaner.after(() => broadcast.stop());
    const other = await RtmpPeer.player({ host, port: 1935, tcUrl }, 'own');
    cleaner.after(() => other.reset());
    await other.frames(10);
  });
});
