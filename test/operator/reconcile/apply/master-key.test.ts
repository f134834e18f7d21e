/** The master key, and the credentials that derive from it: made, rotated, put back, and kept to themselves. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubernetesObject, V1Secret } from '@kubernetes/client-node';
import { RESOURCES } from '../../../../operator/kube/resources.ts';
import { FakeEdge } from '../../../support/fake-edge.ts';
import {
  namespace,
  OperatorScene,
  type OperatorSettings,
  type RunningOperator,
} from '../../../support/operator-scene.ts';

const options = { timeout: 60_000 };
const masterName = 'edgecluster-operator-master-key';
const secretName = 'live-api-credentials';

const master = (scene: OperatorScene): V1Secret | undefined =>
  scene.kube.object<V1Secret>(RESOURCES.Secret, 'default', masterName);

/** Passwords in the Secret of `live`, the newest first. */
function passwords(scene: OperatorScene, cluster = 'live'): readonly string[] {
  const secret = scene.get<V1Secret>(RESOURCES.Secret, `${cluster}-api-credentials`);
  const file = Buffer.from(secret?.data?.credentials ?? '', 'base64').toString();
  return file.split('\n').flatMap((line) => line.split(':')[1] ?? []);
}

async function settled(
  t: { after(fn: () => void): void },
  settings: OperatorSettings = {},
): Promise<{ readonly scene: OperatorScene; readonly running: RunningOperator; readonly before: readonly string[] }> {
  const scene = await OperatorScene.start(t);
  const running = scene.operator(settings);
  scene.cluster('live');
  await scene.settled('live', running);
  const before = passwords(scene);
  assert.equal(before.length, 1);
  return { scene, running, before };
}

const annotate = (scene: OperatorScene, annotations: Record<string, string>): V1Secret =>
  scene.kube.change<V1Secret>(RESOURCES.Secret, 'default', masterName, (secret) => ({
    ...secret,
    metadata: { ...secret.metadata, annotations: { ...secret.metadata?.annotations, ...annotations } },
  }));

const rotate = (scene: OperatorScene): V1Secret => annotate(scene, { 'edgecluster.io/rotate': 'now' });

describe('the master key', options, () => {
  it('is made once, of 32 random bytes, and is the same for the next operator', async (t) => {
    const { scene, running, before } = await settled(t);
    const made = master(scene);
    assert.equal(Buffer.from(made?.data?.key ?? '', 'base64').length, 32);
    assert.deepEqual(Object.keys(made?.data ?? {}), ['key']);
    assert.equal(made?.metadata?.labels?.['app.kubernetes.io/managed-by'], 'edgecluster');
    await running.stop();
    scene.kube.forgetRequests();
    const other = scene.operator();
    await scene.idle(other);
    assert.deepEqual(scene.writes(), []);
    assert.deepEqual(passwords(scene), before);
  });

  it('that was deleted before a watch could show it is made again', async (t) => {
    const scene = await OperatorScene.start(t);
    const away = scene.kube.fault({
      verb: 'watch',
      resource: 'secrets',
      times: 1000,
      effect: { connection: 'reset' },
    });
    scene.operator();
    await scene.kube.until(() => master(scene) !== undefined);
    const { uid } = master(scene)?.metadata ?? {};
    scene.kube.remove(RESOURCES.Secret, 'default', masterName);
    scene.kube.compact();
    away.end();
    await scene.kube.until(() => master(scene) !== undefined);
    assert.notEqual(master(scene)?.metadata?.uid, uid);
  });

  it('is not taken for gone when the watch shows, late, the end of another that was there before', async (t) => {
    const scene = await OperatorScene.start(t);
    const onSecrets = { resource: 'secrets', namespace: 'default' };
    const reset = { connection: 'reset' } as const;
    const away = scene.kube.fault({ verb: 'watch', ...onSecrets, times: 1000, effect: reset });
    const cut = scene.kube.fault({ verb: 'create', ...onSecrets, times: 1000, effect: reset });
    const running = scene.operator();
    await scene.kube.until(() => cut.hits > 0 && away.hits > 0);
    scene.kube.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name: masterName, namespace: 'default' } });
    scene.kube.remove(RESOURCES.Secret, 'default', masterName);
    cut.end();
    await scene.kube.until(() => master(scene) !== undefined);
    const made = master(scene);
    away.end();
    scene.cluster('live');
    await scene.settled('live', running);
    rotate(scene);
    await scene.kube.until(() => passwords(scene).length === 2);
    assert.equal(master(scene)?.metadata?.uid, made?.metadata?.uid);
    assert.equal(scene.kube.count({ verb: 'create', resource: 'secrets', status: 409 }), 0);
  });

  it('is made by the leader alone', async (t) => {
    const scene = await OperatorScene.start(t);
    const lease = { leaseMs: 60_000, renewMs: 40_000, retryMs: 100 };
    const operators = ['a', 'b', 'c'].map((identity) =>
      scene.operator({ leaderElection: true, identity, times: { lease } }),
    );
    await scene.kube.until(() => master(scene) !== undefined);
    const leader = operators.find(({ operator }) => operator.sizes !== undefined);
    assert.ok(leader);
    await scene.idle(leader);
    assert.equal(scene.kube.count({ verb: 'create', resource: 'secrets' }), 1);
  });

  it('of two that make it at once, one does, and both use that one', async (t) => {
    const scene = await OperatorScene.start(t);
    scene.kube.fault({ verb: 'create', resource: 'secrets', times: 2, effect: { delayMs: 300 } });
    const operators = [scene.operator(), scene.operator({ identity: 'operator-1' })];
    scene.cluster('live');
    for (const running of operators) await scene.settled('live', running);
    assert.equal(passwords(scene).length, 1);
    await scene.kube.until(() => scene.kube.count({ verb: 'create', resource: 'secrets', status: 409 }) === 1);
    assert.equal(scene.kube.count({ verb: 'create', resource: 'secrets', status: 201 }), 1);
  });

  it('is rotated when a person asks: both credentials are valid for a while, then the new one alone', async (t) => {
    const { scene, running, before } = await settled(t, { times: { masterKey: { overlapMs: 1500 } } });
    scene.kube.forgetRequests();
    rotate(scene);
    await scene.kube.until(() => passwords(scene).length === 2);
    const [current, former] = passwords(scene);
    assert.equal(former, before[0]);
    assert.notEqual(current, former);
    assert.equal(master(scene)?.metadata?.annotations?.['edgecluster.io/rotate'], undefined);
    await scene.kube.until(() => passwords(scene).length === 1);
    assert.deepEqual(passwords(scene), [current]);
    await scene.idle(running);
    // No other object, so that no pod is replaced.
    assert.deepEqual([...new Set(scene.writes().map(({ resource }) => resource))], ['secrets']);
  });

  it('is rotated after its time, again and again', async (t) => {
    const times = { masterKey: { rotateEveryMs: 400, overlapMs: 200 } };
    const scene = await OperatorScene.start(t);
    scene.operator({ times });
    scene.cluster('live');
    const seen = new Set<string>();
    await scene.kube.until(() => {
      for (const password of passwords(scene)) seen.add(password);
      return seen.size >= 4;
    });
  });

  it('that is due is rotated by the operator that comes next', async (t) => {
    const { scene, running, before } = await settled(t);
    await running.stop();
    annotate(scene, { 'edgecluster.io/rotated-at': '2020-01-01T00:00:00.000Z' });
    scene.operator({ rotateEveryDays: 30, times: { masterKey: { overlapMs: 100 } } });
    await scene.kube.until(() => passwords(scene).length === 1 && passwords(scene)[0] !== before[0]);
  });

  it('that is deleted is replaced; the former one stays valid for a while', async (t) => {
    const { scene, before } = await settled(t);
    scene.kube.remove(RESOURCES.Secret, 'default', masterName);
    await scene.kube.until(() => passwords(scene).length === 2);
    assert.equal(passwords(scene)[1], before[0]);
  });

  it('that somebody else has made is used, and never written', async (t) => {
    const scene = await OperatorScene.start(t);
    const theirs: V1Secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: masterName, namespace: 'default', annotations: { 'edgecluster.io/rotate': 'now' } },
      data: { key: Buffer.alloc(40, 7).toString('base64') },
    };
    scene.kube.put(theirs);
    const running = scene.operator({ times: { masterKey: { rotateEveryMs: 1, overlapMs: 1 } } });
    scene.cluster('live');
    await scene.settled('live', running);
    assert.equal(passwords(scene).length, 1);
    assert.equal(scene.kube.count({ resource: 'secrets', namespace: 'default', verb: 'patch' }), 0);
    assert.deepEqual(master(scene)?.data, theirs.data);
  });

  it('that is of no use is told, edges run all the same, and a good one is taken up', async (t) => {
    const scene = await OperatorScene.start(t);
    scene.kube.put({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: masterName, namespace: 'default' },
      data: { key: 'c2hvcnQ=' },
    } as V1Secret);
    const running = scene.operator({ times: { optionalWaitMs: 50 } });
    scene.cluster('live');
    await scene.settled('live', running);
    assert.equal(scene.condition('live', 'Degraded')?.reason, 'CredentialMissing');
    const message = scene.condition('live', 'Degraded')?.message ?? '';
    assert.match(message, /Secret default\/edgecluster-operator-master-key\): .* delete it/);
    assert.ok(scene.deployment('live'));
    assert.equal(scene.get(RESOURCES.Secret, secretName), undefined);
    scene.kube.remove(RESOURCES.Secret, 'default', masterName);
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'AsExpected');
    assert.equal(passwords(scene).length, 1);
  });

  it('that may not be made is told with the reason, and tried again', async (t) => {
    const scene = await OperatorScene.start(t);
    const forbidden = { status: 403, reason: 'Forbidden', message: 'secrets is forbidden: no right to create' };
    const fault = scene.kube.fault({ verb: 'create', resource: 'secrets', times: 1e6, effect: forbidden });
    const running = scene.operator({ times: { optionalWaitMs: 50 } });
    scene.cluster('live');
    await scene.settled('live', running);
    assert.match(scene.condition('live', 'Degraded')?.message ?? '', /no right to create/);
    fault.end();
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'AsExpected');
  });

  it('is not known: credentials that are there stay', async (t) => {
    const { scene, running, before } = await settled(t);
    await running.stop();
    scene.kube.forgetRequests();
    scene.kube.fault({ resource: 'secrets', namespace: 'default', times: 1e6, effect: { status: 403 } });
    const other = scene.operator({ times: { optionalWaitMs: 50 } });
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'CredentialMissing');
    await scene.idle(other);
    assert.deepEqual(passwords(scene), before);
    assert.equal(scene.kube.count({ verb: 'delete' }), 0);
  });
});

describe('the Secret of an EdgeCluster', options, () => {
  it('is another one for each, and for another EdgeCluster of the same name', async (t) => {
    const { scene, running, before } = await settled(t);
    scene.cluster('other');
    await scene.settled('other', running);
    assert.notDeepEqual(passwords(scene, 'other'), before);
    scene.kube.remove(RESOURCES.EdgeCluster, namespace, 'live');
    await scene.kube.until(() => scene.get(RESOURCES.Secret, secretName) === undefined);
    scene.cluster('live');
    await scene.kube.until(() => passwords(scene).length === 1);
    assert.notDeepEqual(passwords(scene), before);
  });

  for (const watchSecrets of [true, false]) {
    it(`is not touched where it is another's${watchSecrets ? '' : ', which the operator may not list'}`, async (t) => {
      const scene = await OperatorScene.start(t);
      const theirs = scene.kube.put<V1Secret>({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: secretName, namespace, labels: { 'app.kubernetes.io/managed-by': 'Helm' } },
        data: { mine: 'bWluZQ==' },
      });
      const running = scene.operator({ watchSecrets });
      scene.cluster('live');
      await scene.settled('live', running);
      assert.equal(scene.condition('live', 'Degraded')?.reason, 'NameTaken');
      assert.match(scene.condition('live', 'Degraded')?.message ?? '', /^Secret live-api-credentials: .* Helm/);
      assert.deepEqual(scene.get(RESOURCES.Secret, secretName), theirs);
      assert.ok(scene.deployment('live'), 'edges run all the same');
      scene.kube.remove(RESOURCES.EdgeCluster, namespace, 'live');
      await scene.idle(running);
      assert.deepEqual(scene.get(RESOURCES.Secret, secretName), theirs);
    });
  }

  it('is made and rotated where Secrets may not be listed; an operator that starts finds it', async (t) => {
    const { scene, running, before } = await settled(t, { watchSecrets: false });
    rotate(scene);
    await scene.kube.until(() => passwords(scene).length === 2);
    assert.equal(passwords(scene)[1], before[0]);
    await running.stop();
    scene.kube.forgetRequests();
    const other = scene.operator({ watchSecrets: false });
    await scene.idle(other);
    assert.deepEqual(scene.writes(), []);
    scene.kube.remove(RESOURCES.Secret, namespace, secretName);
    await other.stop();
    scene.operator({ watchSecrets: false });
    await scene.kube.until(() => passwords(scene).length === 2);
  });
});

describe('edges that ask for a credential', options, () => {
  it('are asked with it; who refuses is told of, and a rotation disturbs nobody', async (t) => {
    const { scene, running, before } = await settled(t, {
      times: { pollIntervalMs: 50, masterKey: { overlapMs: 1500 } },
    });
    const edge = await FakeEdge.start(t);
    edge.hash = scene.edgeCluster('live')?.status?.configHash ?? '';
    edge.credentials = [];
    const labels = scene.deployment('live')?.spec?.template.metadata?.labels ?? {};
    scene.kube.put(edge.pod('live-0', 'live', namespace, labels));
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'CredentialRefused');
    edge.credentials = before.map((password) => `operator:${password}`);
    await scene.kube.until(() => scene.condition('live', 'Degraded')?.reason === 'AsExpected');

    const since = scene.edgeCluster('live')?.status?.conditions;
    rotate(scene);
    await scene.kube.until(() => passwords(scene).length === 2);
    await edge.told();
    edge.credentials = passwords(scene).map((password) => `operator:${password}`);
    await scene.kube.until(() => passwords(scene).length === 1);
    edge.credentials = passwords(scene).map((password) => `operator:${password}`);
    await edge.told();
    await scene.idle(running);
    assert.deepEqual(scene.edgeCluster('live')?.status?.conditions, since);
  });

  it('show their credential to nobody else: not in logs, events, or any other object', async (t) => {
    const { scene, running } = await settled(t, { times: { masterKey: { overlapMs: 60_000 } } });
    scene.kube.change<V1Secret>(RESOURCES.Secret, namespace, secretName, (secret) => ({
      ...secret,
      data: { credentials: 'eDp5' },
    }));
    rotate(scene);
    await scene.kube.until(() => passwords(scene).length === 2);
    await scene.kube.until(() => scene.events('live').includes('PutBack'));
    await scene.idle(running);
    const { data } = master(scene) ?? {};
    const file = scene.get<V1Secret>(RESOURCES.Secret, secretName)?.data?.credentials ?? '';
    const secrets = [...Object.values(data ?? {}), file, ...passwords(scene)];
    assert.equal(secrets.length, 5);
    const objects = Object.values(RESOURCES)
      .filter(({ kind }) => kind !== 'Secret')
      .flatMap((resource) => scene.kube.objects<KubernetesObject>(resource));
    const shown = JSON.stringify([running.log, objects]);
    for (const secret of secrets) assert.ok(!shown.includes(secret), secret);
  });
});
