/** The part of contract.ts that is about informers, leaders and events. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubernetesObject, V1ConfigMap, V1Lease } from '@kubernetes/client-node';
import type { ClusterAccess } from '../../../operator/kube/access.ts';
import type { ApiError, KubeApi } from '../../../operator/kube/api.ts';
import { EventRecorder } from '../../../operator/kube/events.ts';
import { Informer } from '../../../operator/kube/informer.ts';
import { LeaderElection, microTime } from '../../../operator/kube/lease.ts';
import { RESOURCES } from '../../../operator/kube/resources.ts';

export interface Subject {
  readonly access: ClusterAccess;
  /** A namespace of this test alone. */
  readonly namespace: string;
  stop(): Promise<void>;
  /** Undefined where the API server must stay. */
  readonly outage?: { goAway(): Promise<void>; comeBack(): Promise<void> } | undefined;
}

const { ConfigMap, Event, Lease } = RESOURCES;

interface Reported extends KubernetesObject {
  readonly note?: string;
  readonly reason?: string;
  readonly series?: { readonly count?: number };
}

const PATIENCE_MS = 30_000;

/** Asks again and again, as nothing tells us when the real API server is done. */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> {
  for (const endMs = performance.now() + PATIENCE_MS; performance.now() < endMs; ) {
    const found = await ask();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`still not so: ${what}`);
}

export function testsOfFollowing(context: () => { readonly subject: Subject; readonly api: KubeApi }): void {
  const parts = () => {
    const { subject, api } = context();
    const { namespace, outage } = subject;
    const configMap = (name: string, data: Record<string, string>, labels?: Record<string, string>): V1ConfigMap => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace, ...(labels && { labels }) },
      data,
    });
    return { api, namespace, outage, configMap };
  };

  test('an informer is told of all that changes, also of objects that begin and cease to match', async () => {
    const { api, namespace, configMap } = parts();
    await api.apply(configMap('seen-0', { v: '0' }, { seen: 'yes' }));
    const told: string[] = [];
    const informer = new Informer<V1ConfigMap>(api, {
      resource: ConfigMap,
      namespace,
      labelSelector: 'seen=yes',
      onChange: ({ metadata, data }, previous, deleted) => {
        told.push(`${deleted ? '-' : previous === undefined ? '+' : '~'}${metadata?.name} ${data?.v}`);
      },
    });
    const stop = new AbortController();
    const running = informer.run(stop.signal);
    await informer.synced;
    await api.apply(configMap('seen-1', { v: '0' }, { seen: 'yes' }));
    await api.apply(configMap('seen-0', { v: '1' }, { seen: 'yes' }));
    await api.apply(configMap('seen-2', { v: '0' }, { seen: 'no' }));
    await api.apply(configMap('seen-2', { v: '1' }, { seen: 'yes' }));
    await api.apply(configMap('seen-0', { v: '2' }, { seen: 'no' }));
    await api.delete(ConfigMap, namespace, 'seen-1');
    await until('the last change is told', async () => told.length >= 6);
    stop.abort();
    await running;
    const version2 = told.findIndex((line) => line.startsWith('-seen-0'));
    assert.match(told[version2] ?? '', /^-seen-0 [12]$/);
    told.splice(version2, 1);
    assert.deepEqual(told, ['+seen-0 0', '+seen-1 0', '~seen-0 1', '+seen-2 1', '-seen-1 0']);
  });

  test('two candidates: one leads; it stops, and the other leads', async () => {
    const { api, namespace } = parts();
    const history: string[] = [];
    const times = { leaseMs: 3000, renewMs: 2000, retryMs: 200 };
    const runs = ['a', 'b'].map((identity) => {
      const stop = new AbortController();
      const election = new LeaderElection(api, { namespace, name: 'leader', identity, ...times });
      const running = election.run(stop.signal, async (signal) => {
        history.push(`+${identity}`);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        history.push(`-${identity}`);
      });
      return { identity, stop, running };
    });
    await until('somebody leads', async () => history.length === 1);
    const [leader, next] = history[0] === '+a' ? runs : runs.toReversed();
    leader?.stop.abort();
    await leader?.running;
    await until('the other leads', async () => history.length === 3);
    assert.deepEqual(history, [`+${leader?.identity}`, `-${leader?.identity}`, `+${next?.identity}`]);
    const { spec } = (await api.get<V1Lease>(Lease, namespace, 'leader')) ?? {};
    assert.equal(spec?.holderIdentity, next?.identity);
    assert.equal(spec?.leaseTransitions, 1);
    next?.stop.abort();
    await next?.running;
  });

  test('the API server goes away and comes back: the informer is told what it missed', async (t) => {
    const { api, namespace, configMap, outage } = parts();
    if (outage === undefined) return t.skip('the API server must stay');
    await api.apply(configMap('outage', { v: '1' }));
    const told: string[] = [];
    let problems = 0;
    const informer = new Informer<V1ConfigMap>(api, {
      resource: ConfigMap,
      namespace,
      fieldSelector: 'metadata.name=outage',
      onChange: ({ data }) => told.push(data?.v ?? ''),
      onProblem: () => problems++,
    });
    const stop = new AbortController();
    const running = informer.run(stop.signal);
    await informer.synced;
    await api.apply(configMap('outage', { v: '2' }));
    await until('the change is told', async () => told.length === 2);
    await outage.goAway();
    await until('it is noticed', async () => problems > 2);
    await assert.rejects(api.apply(configMap('outage', { v: '3' })), { reason: 'Unreachable' });
    await outage.comeBack();
    await api.apply(configMap('outage', { v: '3' }));
    await api.apply(configMap('outage', { v: '4' }));
    await until('the last change is told', async () => told.at(-1) === '4');
    stop.abort();
    await running;
  });

  test('a Lease takes times with microseconds', async () => {
    const { api, namespace } = parts();
    const spec = { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime: microTime() };
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'times', namespace },
      spec,
    };
    await api.create(lease);
    assert.deepEqual((await api.get<V1Lease>(Lease, namespace, 'times'))?.spec, spec);
  });

  test('events are written, and repeats counted', async () => {
    const { api, namespace, configMap } = parts();
    const object = await api.apply<V1ConfigMap>(configMap('eventful', {}));
    const problems: ApiError[] = [];
    const recorder = new EventRecorder(api, {
      component: 'edgecluster.io/operator',
      instance: 'operator-0',
      onProblem: (error) => problems.push(error),
    });
    for (let n = 0; n < 3; n++) recorder.record(object, 'Warning', 'Tested', 'this is a test');
    recorder.record(object, 'Normal', 'TestedToo', 'é'.repeat(3000));
    await recorder.close();
    assert.deepEqual(problems, []);
    const { items } = await api.list<Reported>(Event, {
      namespace,
    });
    const found = items.filter(({ reason }) => reason?.startsWith('Tested'));
    assert.deepEqual(found.map(({ reason, note, series }) => [reason, note?.length, series?.count]).sort(), [
      ['Tested', 14, 3],
      ['TestedToo', 511, undefined],
    ]);
  });
}
