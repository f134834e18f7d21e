import assert from 'node:assert/strict';
import { it } from 'node:test';
import { KubeApi } from '../../../../operator/kube/api.ts';
import { statusOf } from '../../../../operator/reconcile/status/status.ts';
import { StatusMemory } from '../../../../operator/reconcile/status/status-memory.ts';
import { writeStatus } from '../../../../operator/reconcile/status/status-write.ts';
import { namespace, OperatorScene } from '../../../support/operator-scene.ts';
import { observation } from '../scenes.ts';

it('the status of an EdgeCluster that was deleted does not land on another one of its name', async (t) => {
  const scene = await OperatorScene.start(t);
  const { metadata } = scene.cluster('live');
  const cluster = observation({}).cluster;
  const former = { ...cluster, metadata: { ...metadata, namespace, uid: 'of-the-deleted-one' } };
  const api = new KubeApi(scene.kube.config());
  t.after(() => api.close());
  const deps = { api, notify: () => {}, signal: AbortSignal.timeout(10_000), nowMs: () => 0 };
  const status = statusOf(observation({ cluster: former }), new Date());
  await writeStatus(deps, former, status, new StatusMemory(), false);
  assert.equal(scene.edgeCluster('live')?.status, undefined);

  const present = { ...former, metadata: { ...former.metadata, uid: metadata.uid ?? '' } };
  await writeStatus(deps, present, status, new StatusMemory(), false);
  assert.equal(scene.edgeCluster('live')?.status?.configHash, status.configHash);
});
