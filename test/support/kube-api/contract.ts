/**
 * What the client and the API server do together: the same tests on the double (test/operator/kube/) and on a real API
 * server (test/kube/), which shows that the double tells the truth in these.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { V1ConfigMap, V1Deployment, V1OwnerReference, V1Service } from '@kubernetes/client-node';
import { type ApiError, isConflict, KubeApi } from '../../../operator/kube/api.ts';
import { RESOURCES, type Resource } from '../../../operator/kube/resources.ts';
import { type Subject, testsOfFollowing, until } from './contract-following.ts';

const { ConfigMap, Deployment, Namespace, PodMonitor } = RESOURCES;
export function testsOfTheApi(start: () => Promise<Subject>): void {
  describe('the API', () => {
    let subject: Subject;
    let namespace: string;
    let api: KubeApi;
    let other: KubeApi;

    before(async () => {
      subject = await start();
      namespace = subject.namespace;
      api = new KubeApi(subject.access, { fieldManager: 'edgecluster' });
      other = new KubeApi(subject.access, { fieldManager: 'other' });
    });

    after(async () => {
      api?.close();
      other?.close();
      await subject?.stop();
    });

    const configMap = (name: string, data: Record<string, string>, labels?: Record<string, string>): V1ConfigMap => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace, ...(labels && { labels }) },
      data,
    });

    const deployment = (name: string, container: object, replicas?: number): V1Deployment => {
      const template = {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'edge', image: 'edge:1', ...container }] },
      };
      const selector = { matchLabels: { app: name } };
      return {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, namespace },
        spec: { selector, template, ...(replicas !== undefined && { replicas }) },
      };
    };

    const containerOf = ({ spec }: V1Deployment) => spec!.template.spec!.containers[0]!;

    test('applied, there, applied again: the same version', async () => {
      assert.equal(await api.get(ConfigMap, namespace, 'same'), undefined);
      const first = await api.apply<V1ConfigMap>(configMap('same', { a: '1' }));
      assert.ok(first.metadata?.uid && first.metadata.creationTimestamp);
      assert.deepEqual(await api.get(ConfigMap, namespace, 'same'), first);
      assert.deepEqual(await api.apply(configMap('same', { a: '1' })), first);
      const changed = await api.apply<V1ConfigMap>(configMap('same', { a: '2' }));
      assert.notEqual(changed.metadata?.resourceVersion, first.metadata.resourceVersion);
      assert.equal(changed.metadata?.uid, first.metadata.uid);
    });

    test('generation moves with the spec, and with nothing else', async () => {
      const made = await api.apply<V1Deployment>(deployment('generation', {}));
      assert.equal(made.metadata?.generation, 1);
      const labelled = {
        ...deployment('generation', {}),
        metadata: { name: 'generation', namespace, labels: { a: 'b' } },
      };
      assert.equal((await api.apply<V1Deployment>(labelled)).metadata?.generation, 1);
      const status = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'generation', namespace } };
      const withStatus = { ...status, status: { collisionCount: 3 } };
      const written = await api.apply<V1Deployment>(withStatus, { subresource: 'status', fieldManager: 'status' });
      assert.equal(written.metadata?.generation, 1);
      assert.equal(written.status?.collisionCount, 3);
      const changed = await api.apply<V1Deployment>(deployment('generation', { image: 'edge:2' }));
      assert.equal(changed.metadata?.generation, 2);
      assert.equal(changed.metadata?.labels, undefined, 'a label no longer applied is gone');
      assert.equal(changed.status?.collisionCount, 3, 'the status is not for such a write');
    });

    test('a field that we stop to apply is removed; what others set stays', async () => {
      await api.apply(configMap('shared', { ours: '1', both: '1', gone: '1' }));
      await other.apply(configMap('shared', { theirs: '1', both: '1' }));
      const left = await api.apply<V1ConfigMap>(configMap('shared', { ours: '1' }));
      assert.deepEqual(left.data, { ours: '1', theirs: '1', both: '1' });
      const last = await other.apply<V1ConfigMap>(configMap('shared', {}));
      assert.deepEqual(last.data, { ours: '1' });
    });

    test('lists by key: containers, ports and variables are merged one by one', async () => {
      const ports = [{ containerPort: 1935 }, { containerPort: 8080, name: 'http' }];
      await api.apply(deployment('keyed', { ports, env: [{ name: 'A', value: '1' }] }));
      const theirs = deployment('keyed', { env: [{ name: 'B', value: '2' }] });
      theirs.spec!.template.spec!.containers.push({ name: 'sidecar', image: 'sidecar:1' });
      await other.apply(theirs);
      const live = await api.apply<V1Deployment>(
        deployment('keyed', { ports: [ports[0]], env: [{ name: 'A', value: '3' }] }),
      );
      const names = live.spec?.template.spec?.containers.map(({ name }) => name);
      assert.deepEqual(names, ['edge', 'sidecar']);
      assert.deepEqual(containerOf(live).ports, [{ containerPort: 1935, protocol: 'TCP' }]);
      assert.deepEqual(containerOf(live).env, [
        { name: 'A', value: '3' },
        { name: 'B', value: '2' },
      ]);
      const { containers: _, ...spec } = theirs.spec!.template.spec!;
      assert.deepEqual(spec, {});
    });

    test('what another manager applied is a conflict, unless forced; then it is ours', async () => {
      await other.apply(configMap('contested', { a: 'theirs' }));
      await assert.rejects(api.apply(configMap('contested', { a: 'ours' }), { force: false }), isConflict);
      await api.apply(configMap('contested', { a: 'theirs' }), { force: false });
      const forced = await api.apply<V1ConfigMap>(configMap('contested', { a: 'ours' }));
      assert.deepEqual(forced.data, { a: 'ours' });
      await assert.rejects(other.apply(configMap('contested', { a: 'theirs' }), { force: false }), isConflict);
      const managers = forced.metadata?.managedFields?.map(({ manager, operation }) => `${manager} ${operation}`);
      assert.deepEqual(managers, ['edgecluster Apply']);
    });

    test('a field edited by a patch belongs to who edited it', async () => {
      await api.apply(deployment('edited', { image: 'edge:1' }, 2));
      const replicas = { spec: { replicas: 5 } };
      await other.mergePatch(Deployment, namespace, 'edited', replicas);
      const wanted = deployment('edited', { image: 'edge:1' }, 2);
      await assert.rejects(api.apply(wanted, { force: false }), isConflict);
      const left = await api.apply<V1Deployment>(deployment('edited', { image: 'edge:1' }), { force: false });
      assert.equal(left.spec?.replicas, 5, 'left to who owns it');
      const back = await api.apply<V1Deployment>(wanted);
      assert.equal(back.spec?.replicas, 2);
    });

    test('merge patch: null removes; an old resourceVersion is a conflict', async () => {
      const { metadata } = await api.apply<V1ConfigMap>(configMap('patched', { a: '1', b: '2' }));
      const at = { resourceVersion: metadata?.resourceVersion };
      const patched = await api.mergePatch<V1ConfigMap>(ConfigMap, namespace, 'patched', {
        metadata: at,
        data: { a: null },
      });
      assert.deepEqual(patched.data, { b: '2' });
      await assert.rejects(
        api.mergePatch(ConfigMap, namespace, 'patched', { metadata: at, data: { c: '3' } }),
        (error: ApiError) => error.status === 409 && isConflict(error),
      );
      await assert.rejects(api.mergePatch(ConfigMap, namespace, 'nobody', { data: {} }), {
        status: 404,
        reason: 'NotFound',
      });
    });

    test('apply with a uid is for that object alone', async () => {
      const { metadata } = await api.apply<V1ConfigMap>(configMap('uid', { a: '1' }));
      const withUid = (name: string, uid: string | undefined) => ({
        ...configMap(name, { a: '2' }),
        metadata: { name, namespace, ...(uid && { uid }) },
      });
      const stranger = '11111111-2222-3333-4444-555555555555';
      await assert.rejects(api.apply(withUid('uid', stranger)), { status: 422, reason: 'Invalid' });
      await assert.rejects(api.apply(withUid('uid-absent', stranger)), isConflict);
      assert.deepEqual((await api.apply<V1ConfigMap>(withUid('uid', metadata?.uid))).data, { a: '2' });
    });

    test('delete: by uid, by name, and what is not there', async () => {
      const { metadata } = await api.apply<V1ConfigMap>(configMap('deleted', {}));
      const stranger = '11111111-2222-3333-4444-555555555555';
      await assert.rejects(api.delete(ConfigMap, namespace, 'deleted', { uid: stranger }), isConflict);
      assert.equal(await api.delete(ConfigMap, namespace, 'deleted', { uid: metadata?.uid }), true);
      assert.equal(await api.get(ConfigMap, namespace, 'deleted'), undefined);
      assert.equal(await api.delete(ConfigMap, namespace, 'deleted'), false);
    });

    test('create: once, and in a namespace that is there', async () => {
      await api.create(configMap('created', {}));
      await assert.rejects(api.create(configMap('created', {})), { status: 409, reason: 'AlreadyExists' });
      const lost = { ...configMap('created', {}), metadata: { name: 'created', namespace: 'nowhere' } };
      await assert.rejects(api.create(lost), { status: 404, reason: 'NotFound' });
      await assert.rejects(api.apply(lost), { status: 404, reason: 'NotFound' });
    });

    test('lists come in pages that show one moment; selectors select', async () => {
      for (let n = 0; n < 7; n++) await api.apply(configMap(`page-${n}`, {}, { page: n < 5 ? 'yes' : 'no' }));
      const options = { namespace, labelSelector: 'page=yes', limit: 2 };
      const first = await api.list<V1ConfigMap>(ConfigMap, options);
      assert.equal(first.items[0]?.kind, 'ConfigMap');
      await api.delete(ConfigMap, namespace, 'page-4');
      const names = first.items.map(({ metadata }) => metadata?.name);
      let page = first;
      while (page.continue !== undefined) {
        page = await api.list<V1ConfigMap>(ConfigMap, { ...options, continue: page.continue });
        names.push(...page.items.map(({ metadata }) => metadata?.name));
        assert.equal(page.resourceVersion, first.resourceVersion);
      }
      assert.deepEqual(names, ['page-0', 'page-1', 'page-2', 'page-3', 'page-4']);
      const count = async (selection: object) => (await api.list(ConfigMap, { namespace, ...selection })).items.length;
      assert.equal(await count({ labelSelector: 'page' }), 6);
      assert.equal(await count({ labelSelector: 'page!=yes,page' }), 2);
      assert.equal(await count({ labelSelector: 'page in (yes,no),page notin (no)' }), 4);
      assert.equal(await count({ labelSelector: 'page,!other', fieldSelector: 'metadata.name=page-6' }), 1);
      await assert.rejects(count({ fieldSelector: 'data.a=1' }), { status: 400 });
    });

    test('scale: read and written beside the object', async () => {
      await api.apply(deployment('scaled', {}, 2));
      const scale = await api.mergePatch<V1Deployment>(
        Deployment,
        namespace,
        'scaled',
        { spec: { replicas: 4 } },
        { subresource: 'scale' },
      );
      assert.equal(scale.kind, 'Scale');
      assert.equal(scale.spec?.replicas, 4);
      const live = await api.get<V1Deployment>(Deployment, namespace, 'scaled');
      assert.equal(live?.spec?.replicas, 4);
      assert.equal(live?.metadata?.generation, 2);
    });

    test('a Service has ports by number and protocol, and an address that stays', async () => {
      const service = (ports: object[]) =>
        ({
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'ports', namespace },
          spec: { selector: { app: 'edge' }, ports },
        }) as V1Service;
      const made = await api.apply<V1Service>(
        service([
          { name: 'rtmp', port: 1935 },
          { name: 'http', port: 80 },
        ]),
      );
      assert.deepEqual(made.spec?.ports?.[0], { name: 'rtmp', port: 1935, protocol: 'TCP', targetPort: 1935 });
      const fewer = await api.apply<V1Service>(service([{ name: 'rtmp', port: 1935, targetPort: 1936 }]));
      assert.deepEqual(fewer.spec?.ports, [{ name: 'rtmp', port: 1935, protocol: 'TCP', targetPort: 1936 }]);
      assert.equal(fewer.spec?.clusterIP, made.spec?.clusterIP);
      const more = await api.apply<V1Service>(
        service([
          { name: 'http', port: 80 },
          { name: 'rtmp', port: 1935 },
        ]),
      );
      const names = more.spec?.ports?.map(({ name }) => name);
      assert.deepEqual(names, ['http', 'rtmp'], 'in the order of what is applied');
    });

    test('what an object owns goes with it', async () => {
      const { metadata } = await api.apply<V1ConfigMap>(configMap('owner', {}));
      const owner: V1OwnerReference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: metadata?.uid ?? '' };
      const owned = { ...configMap('owned', {}), metadata: { name: 'owned', namespace, ownerReferences: [owner] } };
      await api.apply(owned);
      const again = await api.apply<V1ConfigMap>(owned);
      assert.equal(again.metadata?.ownerReferences?.length, 1);
      await api.delete(ConfigMap, namespace, 'owner');
      await until('the owned one is gone', async () => (await api.get(ConfigMap, namespace, 'owned')) === undefined);
    });

    test('which resources there are', async () => {
      assert.equal(await api.serves(Deployment), true);
      assert.equal(await api.serves(PodMonitor), false);
      assert.equal(await api.serves({ ...Deployment, plural: 'nothings' } as Resource), false);
    });

    test('a namespace that is deleted takes nothing new, and all in it goes', async () => {
      const doomed = `${namespace}-doomed`;
      const own = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: doomed } };
      await api.apply(own);
      const inside = {
        ...configMap('inside', {}),
        metadata: { name: 'inside', namespace: doomed, finalizers: ['test/hold'] },
      };
      await api.apply(inside);
      assert.equal(await api.delete(Namespace, undefined, doomed), true);
      const refusal = { status: 403, reason: 'Forbidden' };
      await until('it is being deleted', async () => {
        return (await api.get<V1ConfigMap>(ConfigMap, doomed, 'inside'))?.metadata?.deletionTimestamp;
      });
      await assert.rejects(api.apply({ ...inside, metadata: { name: 'late', namespace: doomed } }), refusal);
      await api.mergePatch(ConfigMap, doomed, 'inside', { metadata: { finalizers: null } });
      await until('all is gone', async () => (await api.get(Namespace, undefined, doomed)) === undefined);
    });

    testsOfFollowing(() => ({ subject, api }));
  });
}
