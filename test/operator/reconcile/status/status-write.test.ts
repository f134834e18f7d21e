import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { EdgeClusterStatus } from '../../../../operator/api/types.ts';
import { KubeApi } from '../../../../operator/kube/api.ts';
import type { Observation } from '../../../../operator/reconcile/status/observation.ts';
import { statusOf } from '../../../../operator/reconcile/status/status.ts';
import { StatusMemory } from '../../../../operator/reconcile/status/status-memory.ts';
import { writeStatus } from '../../../../operator/reconcile/status/status-write.ts';
import { namespace, OperatorScene } from '../../../support/operator-scene.ts';
import { answering, observation, pod } from '../scenes.ts';

it('the status of an EdgeCluster that was deleted does not land on another one of its name', async (t) => {
  const scene = await OperatorScene.start(t);
  const { metadata } = scene.cluster('live');
  const cluster = observation({}).cluster;
  const former = { ...cluster, metadata: { ...metadata, namespace, uid: 'of-the-deleted-one' } };
  const api = new KubeApi(scene.kube.config());
  t.after(() => api.close());
  const definition = { refused: async () => {} };
  const deps = { api, definition, notify: () => {}, signal: AbortSignal.timeout(10_000), nowMs: () => 0, clusters: 1 };
  const status = statusOf(observation({ cluster: former }), new Date());
  await writeStatus(deps, former, status, new StatusMemory(), false);
  assert.equal(scene.edgeCluster('live')?.status, undefined);

  const present = { ...former, metadata: { ...former.metadata, uid: metadata.uid ?? '' } };
  await writeStatus(deps, present, status, new StatusMemory(), false);
  assert.equal(scene.edgeCluster('live')?.status?.configHash, status.configHash);
});

it('facts are written soon, figures every 15 s, and slight changes of many clusters less often', async () => {
  const players = (count: number, more: Partial<Observation> = {}) =>
    statusOf(observation({ edge: () => answering({ players: count }), ...more }), new Date(0));
  const before = players(50);
  const cluster = { ...observation().cluster, status: before };
  const api = { apply: () => assert.fail('a write') };
  const definition = { refused: () => assert.fail('a refusal') };
  const deps = { api, definition, notify: () => {}, signal: AbortSignal.abort() };
  const waitMs = (after: EdgeClusterStatus, made = before, clusters = 500, share = 0): Promise<number | undefined> => {
    const memory = new StatusMemory(share);
    memory.writtenAtMs = 0;
    memory.made = made;
    return writeStatus({ ...deps, nowMs: () => 100, clusters }, cluster, after, memory, false);
  };
  assert.equal(await waitMs(before), undefined);
  assert.equal(await waitMs(players(51)), 126_000 - 100);
  assert.equal(await waitMs(players(51), before, 500, 1), 294_000 - 100);
  assert.equal(await waitMs(players(51), before, 5, 1), 15_000 - 100);
  assert.equal(await waitMs(players(70)), 15_000 - 100);
  assert.equal(await waitMs(players(51, { pods: [pod('live-1')] })), 500 - 100);
  // Somebody else has written it: what we had made before differs in figures only.
  const ours = players(50, { pods: [pod('live-1')] });
  assert.equal(await waitMs(players(60, { pods: [pod('live-1')] }), ours), 15_000 - 100);
});
