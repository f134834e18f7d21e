/** The spec in force outlives the operator: a manifest that is not valid and an operator that starts again stop nothing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V1ControllerRevision } from '@kubernetes/client-node';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import { namespace, OperatorScene } from '../../support/operator-scene.ts';
import { originService, originSlice } from '../../support/origin-service.ts';

const broken = { extraDirectives: 'no_such_directive on;' };
const byService = { origins: [{ name: 'main', service: { name: 'srs' } }] };

const revisions = (scene: OperatorScene): V1ControllerRevision[] =>
  scene.kube.objects<V1ControllerRevision>(RESOURCES.ControllerRevision);

/** Settled with `valid`, then given `invalid`, which the operator saw or did not; then its operator stopped. */
async function stopped(
  t: { after(fn: () => void): void },
  { valid, invalid, seen }: { valid: object; invalid: object; seen: boolean },
): Promise<OperatorScene> {
  const scene = await OperatorScene.start(t);
  scene.kube.put(originService('srs'));
  scene.kube.put(originSlice('srs', ['10.0.0.1']));
  const first = scene.operator();
  scene.cluster('live', valid);
  await scene.settled('live', first);
  if (seen) {
    scene.cluster('live', invalid);
    await scene.settled('live', first);
  }
  await first.stop();
  scene.cluster('live', invalid);
  scene.kube.forgetRequests();
  return scene;
}

describe('a spec that is not valid, and an operator that starts again', () => {
  for (const seen of [true, false]) {
    const when = seen ? 'which the one before saw' : 'which came while none ran';
    it(`${when}: origins that change reach the edges, what is deleted comes back, edges are scaled`, async (t) => {
      // What is asked for now refers to nothing: the Services of what is in force are followed all the same.
      const scene = await stopped(t, { valid: byService, invalid: { ...broken, replicas: 7 }, seen });
      const deployment = scene.deployment('live');
      for (const resource of [RESOURCES.ConfigMap, RESOURCES.Service]) scene.kube.remove(resource, namespace, 'live');
      scene.kube.put(originSlice('srs', ['10.0.0.2']));
      const running = scene.operator();
      await scene.kube.until(() => /10\.0\.0\.2:1935/.test(scene.conf('live')));
      await scene.settled('live', running);
      assert.ok(scene.get(RESOURCES.Service, 'live'));
      assert.equal(scene.deployment('live')?.spec?.replicas, 7);
      assert.deepEqual(scene.deployment('live')?.spec?.template, deployment?.spec?.template);
      assert.equal(scene.condition('live', 'ConfigValid')?.reason, 'InvalidDirectives');
      scene.kube.put(originSlice('srs', ['10.0.0.3']));
      await scene.kube.until(() => /10\.0\.0\.3:1935/.test(scene.conf('live')));
      scene.kube.remove(RESOURCES.Deployment, namespace, 'live');
      await scene.kube.until(() => scene.deployment('live') !== undefined);
    });
  }

  it('where nothing has changed, nothing is written', async (t) => {
    const scene = await stopped(t, { valid: byService, invalid: broken, seen: true });
    const running = scene.operator();
    await scene.kube.until(() => running.operator.ready);
    await scene.idle(running);
    assert.deepEqual(scene.writes(), []);
  });

  it('what is in force is kept once, put back, and replaced by what is valid next; scaling makes no other', async (t) => {
    const scene = await stopped(t, { valid: byService, invalid: broken, seen: true });
    const [kept] = revisions(scene);
    assert.ok(kept);
    assert.equal(revisions(scene).length, 1);
    const data = kept.data as { spec: { origins: unknown; extraDirectives?: unknown; replicas?: unknown } };
    assert.equal(data.spec.extraDirectives, undefined);
    assert.equal(data.spec.replicas, undefined);
    const running = scene.operator();
    scene.cluster('live', { ...broken, replicas: 5 });
    await scene.settled('live', running);
    scene.kube.remove(RESOURCES.ControllerRevision, namespace, kept.metadata?.name ?? '');
    await scene.kube.until(() => revisions(scene).length === 1);
    assert.deepEqual(revisions(scene)[0]?.data, kept.data);

    scene.cluster('live', { origins: [{ name: 'main', servers: ['elsewhere:1935'] }] });
    await scene.settled('live', running);
    await scene.kube.until(() => revisions(scene).every(({ metadata }) => metadata?.name !== kept.metadata?.name));
    assert.deepEqual(
      revisions(scene).map(({ revision }) => revision),
      [kept.revision + 1],
    );
    assert.ok(running.log.every(({ level }) => Number(level) < 40));
  });

  it('a revision goes only after the next one is there', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live');
    await scene.settled('live', running);
    const [kept] = revisions(scene);
    const refusal = { status: 403, reason: 'Forbidden' } as const;
    scene.kube.fault({ verb: 'apply', resource: 'controllerrevisions', times: 1e6, effect: refusal });
    scene.cluster('live', byService);
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'ApplyRefused');
    assert.deepEqual(revisions(scene), [kept]);
    assert.match(scene.conf('live'), /srs\.media\.svc/, 'all else goes on');
  });

  it('of two, as an operator that was killed leaves them, the newer counts; one that nobody can read is left out', async (t) => {
    const scene = await stopped(t, { valid: byService, invalid: broken, seen: true });
    const [kept] = revisions(scene);
    assert.ok(kept);
    const spec = { ...(kept.data as { spec: object }).spec, origins: [{ name: 'main', servers: ['older:1935'] }] };
    const { uid: _, resourceVersion: __, ...metadata } = kept.metadata ?? {};
    const another = (name: string, revision: number, data: object): void => {
      scene.kube.put({ ...kept, metadata: { ...metadata, name }, revision, data } as never, 'edgecluster');
    };
    another('live-older', kept.revision - 1, { spec });
    another('live-odd', kept.revision + 5, { spec: { origins: 'none' } });
    scene.kube.put(originSlice('srs', ['10.0.0.2']));
    scene.operator();
    await scene.kube.until(() => /10\.0\.0\.2:1935/.test(scene.conf('live')));
    await scene.kube.until(() => revisions(scene).length === 1);
    assert.equal(revisions(scene)[0]?.metadata?.name, kept.metadata?.name);
  });

  it('of a revision that another release wrote, fields that it did not know have their defaults, and others are none', async (t) => {
    const scene = await stopped(t, { valid: byService, invalid: broken, seen: true });
    const [kept] = revisions(scene);
    assert.ok(kept);
    const { maxConnections: _, ...spec } = (kept.data as { spec: Record<string, unknown> }).spec;
    scene.kube.change<V1ControllerRevision>(
      RESOURCES.ControllerRevision,
      namespace,
      kept.metadata?.name ?? '',
      (one) => ({
        ...one,
        data: { spec: { ...spec, ofAnotherRelease: true } },
      }),
    );
    const conf = scene.conf('live');
    scene.kube.remove(RESOURCES.ConfigMap, namespace, 'live');
    scene.operator();
    await scene.kube.until(() => scene.conf('live') !== '');
    assert.equal(scene.conf('live'), conf);
  });

  it('a spec that came while it was paused was never in force; pausing makes no revision', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live', { origins: [{ name: 'main', servers: ['first:1935'] }] });
    await scene.settled('live', running);
    const kept = revisions(scene);
    scene.cluster('live', { paused: true, origins: [{ name: 'main', servers: ['second:1935'] }] });
    await scene.settled('live', running);
    scene.cluster('live', broken);
    await scene.settled('live', running);
    assert.match(scene.conf('live'), /first:1935/);
    assert.deepEqual(
      revisions(scene).map(({ metadata }) => metadata?.name),
      kept.map(({ metadata }) => metadata?.name),
    );
  });

  it('what is nobody’s, or another EdgeCluster’s of that name, counts for nothing', async (t) => {
    const scene = await stopped(t, { valid: byService, invalid: broken, seen: true });
    const [kept] = revisions(scene);
    assert.ok(kept);
    const { ownerReferences: _, ...metadata } = kept.metadata ?? {};
    scene.kube.put({ ...kept, metadata: { ...metadata, resourceVersion: undefined } } as never);
    scene.kube.put(originSlice('srs', ['10.0.0.2']));
    const running = scene.operator();
    await scene.kube.until(() => running.operator.ready);
    await scene.idle(running);
    assert.match(scene.conf('live'), /10\.0\.0\.1:1935/);
  });
});
