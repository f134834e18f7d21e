/** What the API server does to an operator. In none does a write repeat without end or memory grow. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import { namespace, OperatorScene } from '../../support/operator-scene.ts';

/**
 * A ConfigMap and the spec were changed: only they and status were written, and once or twice each, as the changes were
 * seen one after the other or together.
 */
function assertFewWrites(scene: OperatorScene): void {
  const written = scene.writes().filter(({ name }) => name === 'live');
  assert.deepEqual(new Set(written.map(({ resource }) => resource)), new Set(['configmaps', 'edgeclusters']));
  assert.ok(written.length <= 5, JSON.stringify(written));
}

const elsewhere = { origins: [{ name: 'main', servers: ['elsewhere:1935'] }] };

describe('an API server that answers with errors', () => {
  for (const [what, effect] of [
    ['500', { status: 500 }],
    ['503 with Retry-After', { status: 503, retryAfterSeconds: 0 }],
    ['429', { status: 429, retryAfterSeconds: 0 }],
    ['a lost connection', { connection: 'reset' }],
    ['a lost answer', { connection: 'lose-answer' }],
    ['a conflict', { status: 409 }],
  ] as const) {
    it(`${what}, again and again: all is made in the end, with few writes more`, async (t) => {
      const scene = await OperatorScene.start(t);
      const fault = scene.kube.fault({ verb: ['apply'], times: 4, effect });
      const running = scene.operator();
      scene.cluster('live');
      await scene.settled('live', running);
      await scene.kube.until(() => scene.deployment('live') !== undefined);
      await scene.idle(running);
      assert.equal(fault.hits, 4);
      assert.equal(scene.condition('live', 'Degraded')?.reason, 'AsExpected');
      // Seven are needed; a failed reconcile may repeat those after the one that failed.
      assert.ok(scene.writes().length <= 7 + 4 * 2, `${scene.writes().length} writes`);
    });
  }

  it('a storm of conflicts: pauses grow, other EdgeClusters go on, and people are told', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t);
    const storm = scene.kube.fault({
      verb: 'apply',
      resource: 'configmaps',
      name: 'live',
      times: 1000,
      effect: { status: 409 },
    });
    scene.cluster('live', elsewhere);
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'ApplyRefused');
    scene.cluster('other');
    await scene.settled('other', running);
    // 100, 200, 400 ms, … at least the half of each: few in the time that this took.
    assert.ok(storm.hits <= 6, `${storm.hits} attempts`);
    storm.end();
    await scene.kube.until(() => /elsewhere/.test(scene.conf('live')));
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'AsExpected');
  });

  it('a conflict of a status alone: it is written again', async (t) => {
    const scene = await OperatorScene.start(t);
    const conflict = scene.kube.fault({
      verb: 'apply',
      resource: 'edgeclusters',
      subresource: 'status',
      effect: { status: 409 },
    });
    const running = scene.operator();
    scene.cluster('live');
    await scene.settled('live', running);
    assert.equal(conflict.hits, 1);
  });

  it('conflicts of a deletion: it is done again, and keeps nothing else from being done', async (t) => {
    const { scene } = await OperatorScene.settledWith(t, { networkPolicy: { enabled: true } });
    const effect = { status: 409 };
    const conflict = scene.kube.fault({ verb: 'delete', resource: 'networkpolicies', times: 1000, effect });
    scene.cluster('live', { networkPolicy: { enabled: false } });
    await scene.kube.until(() => conflict.hits >= 3 && scene.condition('live', 'Degraded')?.reason === 'ApplyRefused');
    assert.match(scene.condition('live', 'Degraded')?.message ?? '', /^NetworkPolicy live: delete /);
    assert.equal(scene.edgeCluster('live')?.status?.observedGeneration, 2);
    conflict.end();
    await scene.kube.until(() => scene.get(RESOURCES.NetworkPolicy, 'live') === undefined);
  });

  it('what it refuses is told with its words, and does not keep the rest from being made', async (t) => {
    const scene = await OperatorScene.start(t);
    const refuse = scene.kube.fault({
      verb: 'apply',
      resource: 'poddisruptionbudgets',
      times: 1000,
      effect: { status: 403, reason: 'Forbidden' },
    });
    const running = scene.operator();
    scene.cluster('live');
    await scene.settled('live', running);
    assert.ok(scene.deployment('live'));
    assert.equal(scene.condition('live', 'Degraded')?.reason, 'ApplyRefused');
    assert.match(scene.condition('live', 'Degraded')?.message ?? '', /PodDisruptionBudget live: .*403: a fault/);
    assert.equal(refuse.hits, 1);
    // Whatever happens meanwhile, it is left for a while.
    scene.cluster('live', elsewhere);
    await scene.settled('live', running);
    assert.equal(refuse.hits, 1);
  });
});

describe('an API server that goes away', () => {
  it('and comes back: what has changed meanwhile is done, and nothing else', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t);
    await scene.kube.goAway();
    scene.kube.remove(RESOURCES.ConfigMap, namespace, 'live');
    scene.cluster('live', elsewhere);
    assert.equal(running.operator.ready, true, 'a restart would help nobody');
    await scene.kube.comeBack();
    await scene.kube.until(() => /elsewhere/.test(scene.conf('live')));
    await scene.settled('live', running);
    assertFewWrites(scene);
  });

  it('in the middle of a reconcile: it is finished afterwards', async (t) => {
    const scene = await OperatorScene.start(t);
    scene.kube.fault({ verb: 'apply', resource: 'services', effect: { connection: 'reset' } });
    const running = scene.operator();
    await scene.kube.until(() => scene.kube.watches() > 0);
    scene.cluster('live');
    await scene.kube.until(() => scene.kube.count({ resource: 'services', verb: 'apply' }) > 0);
    await scene.kube.goAway();
    await scene.kube.comeBack();
    await scene.settled('live', running);
    assert.ok(scene.deployment('live'));
  });

  it('before the operator starts: it waits for it', async (t) => {
    const scene = await OperatorScene.start(t);
    await scene.kube.goAway();
    const running = scene.operator();
    assert.equal(running.operator.ready, false);
    await scene.kube.comeBack();
    scene.cluster('live');
    await scene.settled('live', running);
    assert.equal(running.operator.ready, true);
  });
});

describe('watches', () => {
  for (const [what, end] of [
    ['dropped', (scene: OperatorScene) => scene.kube.dropWatches()],
    [
      'ended with 410, with nothing to resume from',
      (scene: OperatorScene) => {
        scene.kube.compact();
        scene.kube.expireWatches();
      },
    ],
  ] as const) {
    it(`${what}: nothing is missed, nothing is written that need not be`, async (t) => {
      const { scene, running } = await OperatorScene.settledWith(t);
      await scene.kube.until(() => scene.kube.watches() >= 9);
      end(scene);
      // Between the watches.
      scene.kube.remove(RESOURCES.ConfigMap, namespace, 'live');
      scene.cluster('live', elsewhere);
      scene.cluster('new');
      await scene.kube.until(() => /elsewhere/.test(scene.conf('live')));
      await scene.settled('new', running);
      await scene.settled('live', running);
      assertFewWrites(scene);
    });
  }

  it('an EdgeCluster is changed between them, and then its status written by us: the change is done', async (t) => {
    const { scene } = await OperatorScene.settledWith(t);
    await scene.kube.until(() => scene.kube.watches() >= 9);
    const away = scene.kube.fault({
      verb: ['list', 'watch'],
      resource: 'edgeclusters',
      times: 1000,
      effect: { connection: 'reset' },
    });
    scene.kube.dropWatches('edgeclusters');
    scene.cluster('live', elsewhere);
    scene.rolledOut('live');
    await scene.kube.until(() => scene.kube.count({ verb: 'apply', resource: 'edgeclusters' }) > 0);
    scene.kube.compact();
    away.end();
    // What is listed then has the version of our own write.
    await scene.kube.until(() => /elsewhere/.test(scene.conf('live')));
  });

  it('an object that we made between them, and that somebody deleted then, is made again', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    await scene.kube.until(() => scene.kube.watches() >= 9);
    const away = scene.kube.fault({
      verb: ['list', 'watch'],
      resource: 'configmaps',
      times: 1000,
      effect: { connection: 'reset' },
    });
    scene.kube.dropWatches('configmaps');
    scene.cluster('live');
    await scene.settled('live', running);
    scene.kube.remove(RESOURCES.ConfigMap, namespace, 'live');
    scene.kube.compact();
    away.end();
    // No watch and no list has ever shown it.
    await scene.kube.until(() => scene.conf('live') !== '');
    await scene.idle(running);
    assert.equal(scene.kube.count({ verb: 'apply', resource: 'configmaps', status: 201 }), 2);
  });

  it('an EdgeCluster deleted between them is forgotten', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t);
    await scene.kube.until(() => scene.kube.watches() >= 9);
    scene.kube.compact();
    scene.kube.expireWatches();
    scene.kube.remove(RESOURCES.EdgeCluster, namespace, 'live');
    const forgotten = () => running.operator.sizes?.remembered === 0 && running.operator.sizes.caches === 0;
    await scene.kube.until(() => forgotten());
    // Objects may be seen to go before their owner: each is put back once at most, and collected.
    assert.ok(scene.writes().length <= 6, JSON.stringify(scene.writes()));
  });
});

describe('a clock', () => {
  it('that jumps changes nothing', async (t) => {
    const { scene, running } = await OperatorScene.settledWith(t);
    const before = scene.edgeCluster('live')?.status;
    for (const now of ['2001-01-01', '2040-01-01', '2026-06-01']) {
      t.mock.timers.enable({ apis: ['Date'], now: new Date(now) });
      scene.kube.change(RESOURCES.Deployment, namespace, 'live', (deployment) => ({
        ...deployment,
        metadata: { ...deployment.metadata, labels: { ...deployment.metadata?.labels, 'their/label': now } },
      }));
      await scene.idle(running);
      t.mock.timers.reset();
    }
    assert.deepEqual(scene.writes(), []);
    assert.deepEqual(scene.edgeCluster('live')?.status, before);
  });
});
