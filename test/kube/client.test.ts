/** The client on a real API server: the tests that its double passes, too; and how much alike the two are. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { KubernetesObject } from '@kubernetes/client-node';
import { admitText } from '../../operator/api/admission.ts';
import type { EdgeCluster } from '../../operator/api/types.ts';
import { kubeConfigAccess } from '../../operator/kube/access.ts';
import { KubeApi } from '../../operator/kube/api.ts';
import { render } from '../../operator/render/render.ts';
import { testsOfTheApi } from '../support/kube-api/contract.ts';
import { type KubeApiDouble, startKubeApi } from '../support/kube-api/kube-api.ts';
import { Kubernetes, keepsApiServer } from '../support/kubernetes.ts';
import { chosenRelease, pinnedRelease } from '../support/kubernetes-versions.ts';

testsOfTheApi(async () => {
  const kubernetes = await Kubernetes.start();
  const outage = { goAway: () => kubernetes.killApiServer(), comeBack: () => kubernetes.startApiServer() };
  return {
    access: kubeConfigAccess(kubernetes.config()),
    namespace: await kubernetes.createNamespace('client'),
    outage: keepsApiServer ? undefined : outage,
    stop: () => kubernetes.stop(),
  };
});

/** What other versions default, drop and add is not in the double. */
const isOtherVersion = chosenRelease() !== pinnedRelease() && `the double is like Kubernetes ${pinnedRelease()}`;

// Controllers would write to the status of what we look at.
const skip = keepsApiServer || isOtherVersion;
describe('the double makes of what we render what the API server makes of it', { skip }, () => {
  let kubernetes: Kubernetes;
  let real: KubeApi;
  let double: KubeApiDouble;
  let fake: KubeApi;

  before(async () => {
    kubernetes = await Kubernetes.start({ controllers: false });
    await kubernetes.installDefinitions();
    real = new KubeApi(kubeConfigAccess(kubernetes.config()));
    double = await startKubeApi();
    fake = new KubeApi(double.config());
  });

  after(async () => {
    real?.close();
    fake?.close();
    await double?.stop();
    await kubernetes?.stop();
  });

  const directory = join(import.meta.dirname, '../../crds/examples');
  for (const file of readdirSync(directory)) {
    test(file, async () => {
      for (const admission of admitText(readFileSync(join(directory, file), 'utf8'), file)) {
        assert.ok(admission.ok);
        assert.deepEqual(await applied(fake, admission.cluster), await applied(real, admission.cluster));
      }
    });
  }
});

/** What becomes of an EdgeCluster and all that it owns, applied twice; without what differs each time. */
async function applied(api: KubeApi, given: EdgeCluster): Promise<unknown[]> {
  const { uid: _, ...metadata } = given.metadata;
  const cluster = await api.apply<EdgeCluster>({
    ...given,
    metadata: { ...metadata, namespace: 'default' },
  } as KubernetesObject);
  const origins = new Map(cluster.spec.origins.map(({ name }) => [name, ['192.0.2.1:1935']]));
  const { objects } = render({
    cluster,
    origins,
    settings: { edgeImage: 'edge:1', podMonitors: false, masterKeys: undefined },
  });
  const made: unknown[] = [];
  for (const object of objects) {
    const first = await api.apply<KubernetesObject & { readonly spec?: object }>(object);
    const again = await api.apply(object);
    assert.equal(again.metadata?.resourceVersion, first.metadata?.resourceVersion, `${first.kind} applied again`);
    const {
      uid: _u,
      resourceVersion: _v,
      creationTimestamp: _t,
      managedFields,
      ownerReferences,
      ...lasting
    } = first.metadata ?? {};
    const fields = managedFields?.map(({ time: _, ...entry }) => entry);
    const owners = ownerReferences?.map(({ uid: _, ...owner }) => owner);
    const text = JSON.stringify([{ ...first, metadata: lasting, owners }, fields]);
    made.push(JSON.parse(text.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UID'), allocated));
  }
  return made;
}

/** Addresses and ports that the API server chooses. */
function allocated(name: string, value: unknown): unknown {
  return ['clusterIP', 'clusterIPs', 'nodePort', 'healthCheckNodePort'].includes(name) ? 'chosen' : value;
}
