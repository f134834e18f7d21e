/** Operators that are stopped, killed, or not alone. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import type { KubernetesObject } from '@kubernetes/client-node';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import { OperatorProcess } from '../../support/operator-process.ts';
import { namespace, OperatorScene } from '../../support/operator-scene.ts';

const options = { timeout: 60_000 };
const short = { leaseMs: 2000, renewMs: 1000, retryMs: 100 };

const holder = (scene: OperatorScene): string | undefined =>
  scene.kube.object<KubernetesObject & { spec?: { holderIdentity?: string } }>(
    RESOURCES.Lease,
    'default',
    'edgecluster-operator',
  )?.spec?.holderIdentity;

describe('several operators', options, () => {
  it('one acts; when it is stopped, the other does at once', async (t) => {
    const scene = await OperatorScene.start(t);
    // Of a lease that is not released, nobody else would have heard for a minute.
    const lease = { leaseMs: 60_000, renewMs: 40_000, retryMs: 100 };
    const first = scene.operator({ leaderElection: true, identity: 'first', times: { lease } });
    await scene.kube.until(() => holder(scene) === 'first');
    const second = scene.operator({ leaderElection: true, identity: 'second', times: { lease } });
    scene.cluster('live');
    await scene.settled('live', first);
    assert.equal(second.operator.sizes, undefined, 'a standby keeps no caches');
    assert.equal(second.operator.ready, true);
    assert.equal(scene.writes().length, 10, 'the master key, eight objects, the status');
    scene.kube.forgetRequests();

    await first.stop();
    await scene.kube.until(() => holder(scene) === 'second');
    scene.cluster('other');
    await scene.settled('other', second);
    assert.equal(scene.writes().filter(({ name }) => name === 'live').length, 0, 'what is settled stays');
  });

  it('who cannot renew stops to act before another may begin', async (t) => {
    const scene = await OperatorScene.start(t);
    const first = scene.operator({ leaderElection: true, identity: 'first', times: { lease: short } });
    scene.cluster('live');
    await scene.settled('live', first);
    // The lease cannot be written, all else can.
    const cut = scene.kube.fault({ resource: 'leases', times: 10_000, effect: { status: 500 } });
    await scene.kube.until(() => first.log.some(({ msg }) => msg === 'leads no longer'));
    assert.equal(first.operator.sizes, undefined);
    cut.end();
    await scene.kube.until(() => first.operator.sizes !== undefined);
    scene.cluster('other');
    await scene.settled('other', first);
  });

  it('one killed in the middle of a reconcile is followed by another, which finishes it', async (t) => {
    const scene = await OperatorScene.start(t);
    scene.kube.fault({ verb: 'apply', resource: 'deployments', effect: { connection: 'hang' } });
    const first = OperatorProcess.start(t, scene.kube.url);
    scene.cluster('live');
    await scene.kube.until(() => scene.kube.count({ verb: 'apply', resource: 'deployments' }) > 0, 30_000);
    await first.kill();
    assert.ok(scene.get(RESOURCES.ConfigMap, 'live'));
    assert.equal(scene.deployment('live'), undefined);
    scene.kube.forgetRequests();

    // It need not wait here until the lease of the dead one has run out.
    const second = scene.operator();
    await scene.kube.until(() => scene.deployment('live') !== undefined);
    await scene.settled('live', second);
    const written = scene.writes().map(({ resource }) => resource);
    assert.deepEqual(written, ['deployments', 'edgeclusters'], 'what was done is not done again');
  });
});

describe('the command', options, () => {
  it('stops on SIGTERM: finishes what it is at, releases the lease, exits with 0', async (t) => {
    const scene = await OperatorScene.start(t);
    scene.kube.fault({ verb: 'apply', resource: 'services', effect: { delayMs: 500 } });
    const operator = OperatorProcess.start(t, scene.kube.url, ['--namespaces', namespace]);
    scene.cluster('live');
    await scene.kube.until(() => scene.kube.count({ verb: 'apply', resource: 'services' }) > 0, 30_000);
    assert.equal(await operator.stop(), 0);
    assert.ok(scene.deployment('live'), 'the reconcile was finished');
    assert.equal(holder(scene), '');
    assert.equal(scene.kube.watches(), 0);
    assert.equal(operator.log.at(-1)?.msg, 'stopped');
  });

  it('stops in a few seconds when the API server does not answer', async (t) => {
    const scene = await OperatorScene.start(t);
    scene.kube.fault({ verb: 'apply', resource: 'services', times: 10, effect: { connection: 'hang' } });
    const operator = OperatorProcess.start(t, scene.kube.url);
    scene.cluster('live');
    await scene.kube.until(() => scene.kube.count({ verb: 'apply', resource: 'services' }) > 0, 30_000);
    const startMs = performance.now();
    assert.equal(await operator.stop('SIGINT'), 0);
    assert.ok(performance.now() - startMs < 15_000, 'far less than the time that a request may take');
  });

  it('says that it cannot listen at a host that there is not', async (t) => {
    // Asks no server: a name has no empty part.
    const operator = OperatorProcess.start(t, 'http://127.0.0.1:1', ['--listen', 'no..where:0']);
    const [code] = await once(operator.child, 'close');
    assert.equal(code, 1);
    assert.match(operator.log.at(-1)?.msg ?? '', /^cannot listen: /);
  });

  it('says what is wrong with its arguments', async (t) => {
    const operator = OperatorProcess.start(t, 'http://127.0.0.1:1', ['--leader-election', 'perhaps']);
    const [code] = await new Promise<[number]>((resolve) =>
      operator.child.once('exit', (code) => resolve([code ?? -1])),
    );
    assert.equal(code, 2);
    assert.match(operator.stderr, /^--leader-election: "perhaps" is none of true, false\n\nusage: /);
  });
});
