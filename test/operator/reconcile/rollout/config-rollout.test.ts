/** A changed configuration is tried on a few edges first. On the double of the API, with edges that say what the test says. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONFIG_HALTED, CONFIG_KEY } from '../../../../operator/api/labels.ts';
import { RESOURCES } from '../../../../operator/kube/resources.ts';
import { ConfigTier } from '../../../support/config-tier.ts';
import { namespace, OperatorScene } from '../../../support/operator-scene.ts';

const options = { timeout: 90_000 };
const first = { configRollout: { watchSeconds: 1 } };
const changed = { ...first, maxConnections: 7 };

describe('a changed configuration that can make edges refuse clients', options, () => {
  it('is tried on one edge, then reaches the others', async (t) => {
    const tier = await ConfigTier.start(t);
    const before = tier.scene.conf('live');
    const { configHash } = tier.scene.edgeCluster('live')?.status ?? {};
    tier.change(changed);
    const file = await tier.canary();
    assert.deepEqual(tier.told, [file, undefined, undefined]);
    assert.equal(tier.scene.conf('live'), before, 'the others keep what they have');
    assert.match(tier.configMap?.data?.[file] ?? '', /max_connections 7;/);
    await tier.reason('ConfigCanary');
    const message = tier.scene.condition('live', 'Progressing')?.message ?? '';
    assert.match(message, /tried on 1 of 3 edges, live-0, .* for 1 s; it changes max_connections/);
    assert.equal(tier.scene.edgeCluster('live')?.status?.configHash, configHash);
    assert.deepEqual(tier.told, [file, undefined, undefined], 'as long as it has not taken it');
    tier.take();
    await tier.everywhere();
    assert.ok(tier.scene.events('live').includes('ConfigCanary'));
    await tier.scene.idle(tier.running);
    tier.scene.kube.forgetRequests();
    await tier.restart();
    await tier.scene.idle(tier.running);
    assert.deepEqual(tier.scene.writes(), [], 'the next operator finds all done');
  });

  it('is not said to be tried while the API server refuses its file', async (t) => {
    const tier = await ConfigTier.start(t);
    const effect = { status: 403, reason: 'Forbidden' } as const;
    tier.scene.kube.fault({ verb: 'apply', resource: 'configmaps', times: 1000, effect });
    tier.change(changed);
    await tier.reason('Blocked');
    await tier.scene.kube.until(() => tier.scene.condition('live', 'Degraded')?.reason === 'ApplyRefused');
    assert.deepEqual(tier.told, [undefined, undefined, undefined]);
    assert.ok(!tier.scene.events('live').includes('ConfigCanary'), tier.scene.events('live').join());
  });

  it('is put back when the edge refuses more clients, and the condition says which edge said what', async (t) => {
    const tier = await ConfigTier.start(t);
    const before = tier.scene.conf('live');
    tier.change({ ...changed, configRollout: { watchSeconds: 3600 } });
    const file = await tier.canary();
    tier.take();
    await tier.edges[0]!.told();
    tier.edges[0]!.clients = { taken: 5, refused: 5 };
    assert.match(await tier.halted(file), /pod live-0: it refused 5 of 5 clients \(100 %\).*canary-/);
    assert.equal(tier.scene.conf('live'), before);
    assert.deepEqual(tier.files, [CONFIG_KEY]);
    tier.take();
    await tier.reason('Blocked');
    assert.ok(tier.scene.events('live').includes('ConfigHalted'));
    // The next operator does not try it again.
    await tier.restart();
    await tier.scene.idle(tier.running);
    assert.deepEqual(tier.told, [undefined, undefined, undefined]);
    assert.match(await tier.halted(file), /pod live-0: it refused 5 of 5 clients/);
    // All else of a spec is in force.
    tier.change({ ...changed, replicas: 9, logLevel: 'Info' });
    await tier.scene.kube.until(() => tier.scene.deployment('live')?.spec?.replicas === 9);
  });

  it('is put back however many clients the edge took before it had the file', async (t) => {
    const tier = await ConfigTier.start(t);
    tier.change({ ...changed, configRollout: { watchSeconds: 3600 } });
    const file = await tier.canary();
    const [edge] = tier.edges;
    edge!.clients = { taken: 1_000, refused: 0 };
    // The operator looks once a second.
    for (let answers = 0; answers < 10; answers++) await edge!.told();
    tier.take();
    await edge!.told();
    edge!.clients = { taken: 1_005, refused: 5 };
    assert.match(await tier.halted(file), /pod live-0: it refused 5 of 5 clients/);
  });

  it('that was put back: another change is tried, undone it is forgotten, Immediate takes it all the same', async (t) => {
    const tier = await ConfigTier.start(t);
    const halt = async (): Promise<void> => {
      const file = await tier.canary();
      tier.edges[0]!.configError = 'canary.conf:1:1: wrong';
      assert.match(await tier.halted(file), /pod live-0: it refuses the file: canary.conf:1:1: wrong/);
      tier.edges[0]!.configError = null;
      await tier.edges[0]!.told();
    };
    tier.change({ ...first, maxConnections: 5 });
    await halt();
    const former = tier.configMap?.metadata?.annotations?.[CONFIG_HALTED];
    tier.change({ ...first, maxConnections: 6 });
    await halt();
    assert.notEqual(tier.configMap?.metadata?.annotations?.[CONFIG_HALTED], former);
    tier.change(first);
    await tier.reason('Settled');
    assert.equal(tier.configMap?.metadata?.annotations?.[CONFIG_HALTED], undefined);
    tier.change({ ...first, maxConnections: 6 });
    await halt();
    tier.change({ configRollout: { strategy: 'Immediate' }, maxConnections: 7 });
    await tier.everywhere();
  });

  it('that is not valid any more after it was put back goes nowhere', async (t) => {
    const tier = await ConfigTier.start(t);
    const before = tier.scene.conf('live');
    tier.change(changed);
    const file = await tier.canary();
    tier.edges[0]!.configError = 'wrong';
    await tier.halted(file);
    tier.change({ ...changed, extraDirectives: 'no_such_directive on;' });
    await tier.scene.kube.until(() => tier.scene.condition('live', 'ConfigValid')?.status === 'False');
    await tier.scene.idle(tier.running);
    assert.equal(tier.scene.conf('live'), before);
  });

  it('is watched anew by the next operator, on the same edge', async (t) => {
    const tier = await ConfigTier.start(t, first, 4);
    tier.change({ ...changed, configRollout: { watchSeconds: 3600 } });
    const file = await tier.canary();
    tier.take();
    await tier.restart();
    await tier.scene.idle(tier.running);
    await tier.reason('ConfigCanary');
    assert.deepEqual(tier.told, [file, undefined, undefined, undefined]);
    tier.change({ ...changed, configRollout: { watchSeconds: 1 } });
    await tier.everywhere();
  });

  it('is tried on as many as are asked for, and on another one when a canary goes', async (t) => {
    const tier = await ConfigTier.start(t, first, 4);
    tier.change({ ...changed, configRollout: { watchSeconds: 3600, canaries: 2 } });
    const file = await tier.canary();
    await tier.scene.kube.until(() => tier.told.filter((one) => one === file).length === 2);
    assert.deepEqual(tier.told, [file, file, undefined, undefined]);
    tier.take();
    tier.scene.kube.remove(RESOURCES.Pod, namespace, 'live-0');
    await tier.scene.kube.until(() => tier.told.filter((one) => one === file).length === 2);
    assert.deepEqual(tier.told, [undefined, file, file, undefined]);
  });

  it('follows the origins that are discovered, in both files, without being tried anew', async (t) => {
    const origins = [{ name: 'main', service: { name: 'origins' } }];
    const tier = await ConfigTier.start(t, { ...first, origins });
    tier.change({ ...changed, origins, configRollout: { watchSeconds: 3600 } });
    const file = await tier.canary();
    tier.take();
    const service = { name: 'origins', namespace };
    tier.scene.kube.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: service,
      spec: { ports: [{ port: 1935 }], ipFamilies: ['IPv4'] },
    } as never);
    tier.scene.kube.put({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'origins-1', namespace, labels: { 'kubernetes.io/service-name': 'origins' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.9.9.9'], conditions: { ready: true } }],
      ports: [{ port: 1935 }],
    } as never);
    const has = (name: string): boolean => tier.configMap?.data?.[name]?.includes('10.9.9.9') === true;
    await tier.scene.kube.until(() => has(CONFIG_KEY) && has(file));
    assert.equal(tier.file, file);
    assert.deepEqual(tier.told, [file, undefined, undefined]);
    assert.ok(!tier.scene.conf('live').includes('max_connections 7;'));
  });
});

describe('a changed configuration that is not tried', options, () => {
  it('cannot make edges refuse clients, is Immediate, or comes with other pods', async (t) => {
    const tier = await ConfigTier.start(t, { ...first, logLevel: 'Warn' });
    const changes: readonly (readonly [object, RegExp])[] = [
      [{ ...first, logLevel: 'Debug' }, /srs_log_level_v2 debug;/],
      [{ configRollout: { strategy: 'Immediate' }, maxConnections: 5 }, /max_connections 5;/],
      [{ ...first, maxConnections: 6, listeners: { rtmp: { port: 1936 } } }, /max_connections 6;/],
    ];
    for (const [spec, line] of changes) {
      tier.change(spec);
      await tier.scene.kube.until(() => line.test(tier.scene.conf('live')));
      assert.deepEqual(tier.files, [CONFIG_KEY]);
      assert.deepEqual(tier.told, [undefined, undefined, undefined]);
    }
  });

  it('with Canary there is none', async (t) => {
    const tier = await ConfigTier.start(t);
    tier.change({ configRollout: { strategy: 'Canary', watchSeconds: 3600 }, logLevel: 'Debug' });
    assert.match(await tier.canary(), /^canary-[0-9a-f]{8}\.conf$/);
  });

  it('while no edge is ready', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live', first);
    await scene.settled('live', running);
    scene.cluster('live', changed);
    await scene.kube.until(() => scene.conf('live').includes('max_connections 7;'));
  });
});
