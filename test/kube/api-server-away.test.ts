/** The API server is away, or hangs, for longer than a lease: an operator finds it when it is back, and catches up. */

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1ConfigMap } from '@kubernetes/client-node';
import { CONFIG_KEY } from '../../operator/api/labels.ts';
import type { EdgeCluster } from '../../operator/api/types.ts';
import { Kubernetes, keepsApiServer } from '../support/kubernetes.ts';
import { KubeClient } from '../support/kubernetes-client.ts';
import { OperatorInProcess } from '../support/operator-in-process.ts';

/** Of a watch: after so many, pauses between them are as long as they get. */
const attempts = 8;
/** A server that has just started does much at once, on a machine that may be busy. */
const patienceMs = 120_000;

describe('without an API server', { skip: keepsApiServer }, () => {
  let kubernetes: Kubernetes;
  let client: KubeClient;
  /** One that has its lease, and one that needs none. */
  let leader: OperatorInProcess;
  let single: OperatorInProcess;
  let namespaces: readonly string[];

  before(async () => {
    kubernetes = await Kubernetes.start();
    await kubernetes.installDefinitions();
    client = new KubeClient(kubernetes.config());
  });
  after(async () => {
    client?.close();
    await kubernetes?.stop();
  });
  beforeEach(async () => {
    const [first, second] = [await kubernetes.createNamespace('away'), await kubernetes.createNamespace('away')];
    leader = new OperatorInProcess(kubernetes, { namespace: first, options: { leaderElection: true } });
    single = new OperatorInProcess(kubernetes, { namespace: second });
    namespaces = [first, second];
    for (const namespace of namespaces) {
      await client.post(pathOf(namespace), manifest);
      await until(namespace, ({ metadata, status }) => status?.observedGeneration === metadata.generation);
    }
  });
  afterEach(async () => {
    await Promise.all([leader.stop(), single.stop()]);
  });

  const pathOf = (namespace: string): string => `/apis/edgecluster.io/v1alpha1/namespaces/${namespace}/edgeclusters`;

  async function until(namespace: string, test: (cluster: EdgeCluster) => boolean): Promise<void> {
    await client.until<EdgeCluster>(pathOf(namespace), ([live]) => live !== undefined && test(live));
  }

  async function untilItLeadsNoLonger(): Promise<void> {
    while (!leader.log.some(({ msg }) => msg === 'leads no longer')) await delay(100);
  }

  /** A change is in the configuration of edges. If not, what the operators have logged is told. */
  async function isApplied(t: TestContext): Promise<void> {
    try {
      await untilApplied(t);
    } catch (error) {
      for (const { log } of [leader, single]) for (const line of log.slice(-40)) t.diagnostic(JSON.stringify(line));
      throw error;
    }
  }

  async function untilApplied(t: TestContext): Promise<void> {
    const backMs = performance.now();
    await Promise.all(
      namespaces.map(async (namespace) => {
        await client.patch(`${pathOf(namespace)}/live`, { spec: { origins: elsewhere } });
        await client.until<V1ConfigMap>(
          `/api/v1/namespaces/${namespace}/configmaps`,
          (maps) => maps.some(({ data }) => data?.[CONFIG_KEY]?.includes('elsewhere:1935')),
          patienceMs,
        );
        t.diagnostic(`${namespace}: in force ${((performance.now() - backMs) / 1000).toFixed(1)} s after it was back`);
        await until(namespace, ({ metadata, status }) => status?.observedGeneration === metadata.generation);
      }),
    );
  }

  it('is away: what is changed afterwards is done', async (t) => {
    await kubernetes.killApiServer();
    await untilItLeadsNoLonger();
    while ((await single.unanswered('watch edgeclusters')) < attempts) await delay(100);
    assert.equal(single.operator.ready, true);
    await kubernetes.startApiServer();
    await isApplied(t);
  });

  it('hangs: what is changed afterwards is done', async (t) => {
    kubernetes.pauseApiServer();
    await untilItLeadsNoLonger();
    kubernetes.resumeApiServer();
    await isApplied(t);
  });
});

const elsewhere = [{ name: 'main', servers: ['elsewhere:1935'] }];
const manifest = {
  apiVersion: 'edgecluster.io/v1alpha1',
  kind: 'EdgeCluster',
  metadata: { name: 'live' },
  spec: { origins: [{ name: 'main', servers: ['origin-a.media:1935'] }] },
};
