import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubernetesObject } from '@kubernetes/client-node';
import { APPLIED_HASH, labelsOf, ownerReferencesOf } from '../../../../operator/api/labels.ts';
import type { EdgeCluster } from '../../../../operator/api/types.ts';
import { noteApplied } from '../../../../operator/reconcile/apply/carry-out.ts';
import { OwnedMemory, putBackMs } from '../../../../operator/reconcile/apply/owned-memory.ts';
import {
  type Application,
  CREATE_ONLY,
  contested,
  type Plan,
  plan,
} from '../../../../operator/reconcile/apply/plan.ts';
import { holderOf, idOf, lastWriter } from '../../../../operator/reconcile/observe/ownership.ts';
import type { OwnedObject } from '../../../../operator/render/metadata.ts';

/** The planner looks at the EdgeCluster's metadata only. */
const cluster = {
  apiVersion: 'edgecluster.io/v1alpha1',
  kind: 'EdgeCluster',
  metadata: { name: 'live', namespace: 'media', uid: 'cluster-uid' },
} as EdgeCluster;

const wantedMap = (data: Record<string, string>): OwnedObject & { data: object } => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: 'live',
    namespace: 'media',
    labels: labelsOf(cluster),
    ownerReferences: ownerReferencesOf(cluster),
  },
  data,
});

/** An API server for one object, and the memory of its only user. */
class Scene {
  readonly memory = new OwnedMemory();
  nowMs = 1_000_000;
  /** What the informers show. */
  cached: KubernetesObject[] = [];
  #version = 10;

  plan(...wanted: OwnedObject[]): Plan {
    return plan({ cluster, wanted, live: this.cached, memory: this.memory, nowMs: this.nowMs });
  }

  /** Writes; the cache shows it only when told. */
  apply(application: Application | undefined, change: object = {}): KubernetesObject {
    assert.ok(application !== undefined);
    const { object } = application;
    const metadata = { ...object.metadata, uid: 'object-uid', resourceVersion: `${++this.#version}` };
    const answer = { ...object, ...change, metadata };
    noteApplied(this.memory, application, answer, 'kustomize', this.nowMs);
    return answer;
  }

  show(object: KubernetesObject): boolean {
    const previous = this.cached.find((cached) => idOf(cached) === idOf(object));
    this.cached = [object];
    return this.memory.seen(idOf(object), object, previous);
  }

  /** Somebody else's write. */
  edited(object: KubernetesObject, change: object): KubernetesObject {
    const metadata = { ...object.metadata, resourceVersion: `${++this.#version}` };
    return { ...object, ...change, metadata };
  }
}

describe('plan', () => {
  it('creates what is not there, and never over something that is', () => {
    const scene = new Scene();
    const { apply, remove } = scene.plan(wantedMap({ a: '1' }));
    assert.equal(apply.length, 1);
    assert.equal(apply[0]?.why, 'create');
    assert.equal(apply[0]?.object.metadata.resourceVersion, CREATE_ONLY);
    assert.match(apply[0]?.object.metadata.annotations?.[APPLIED_HASH] ?? '', /^[0-9a-f]{16}$/);
    assert.deepEqual(remove, []);
  });

  it('writes nothing when all is as wanted, before and after the informer shows it', () => {
    const scene = new Scene();
    const wanted = wantedMap({ a: '1' });
    const answer = scene.apply(scene.plan(wanted).apply[0]);
    assert.deepEqual(scene.plan(wanted).apply, []);
    assert.equal(scene.show(answer), true, 'its own write is recognised');
    assert.deepEqual(scene.plan(wanted).apply, []);
    // Another operator that knows nothing.
    const { apply } = plan({ cluster, wanted: [wanted], live: scene.cached, memory: new OwnedMemory(), nowMs: 0 });
    assert.deepEqual(apply, []);
  });

  it('looks again at its own write when it came on top of a new status', () => {
    const scene = new Scene();
    const answer = scene.apply(scene.plan(wantedMap({ a: '1' })).apply[0]);
    scene.show({ ...answer, status: { updated: 1 } } as KubernetesObject);
    const update = scene.apply(scene.plan(wantedMap({ a: '2' })).apply[0], { status: { updated: 2 } });
    assert.equal(scene.show(update), false);
  });

  it('updates what differs, the very object that it saw', () => {
    const scene = new Scene();
    scene.show(scene.apply(scene.plan(wantedMap({ a: '1' })).apply[0]));
    const [update] = scene.plan(wantedMap({ a: '2' })).apply;
    assert.equal(update?.why, 'update');
    assert.deepEqual(update?.fields, ['data.a']);
    assert.equal(update?.object.metadata.uid, 'object-uid');
    assert.equal(update?.object.metadata.resourceVersion, undefined);
  });

  it('applies away a field that is no longer wanted', () => {
    const scene = new Scene();
    scene.show(scene.apply(scene.plan(wantedMap({ a: '1', b: '2' })).apply[0]));
    const [update] = scene.plan(wantedMap({ a: '1' })).apply;
    assert.equal(update?.why, 'update');
    assert.deepEqual(update?.fields, []);
  });

  it("leaves another's fields alone", () => {
    const scene = new Scene();
    const wanted = wantedMap({ a: '1' });
    const answer = scene.apply(scene.plan(wanted).apply[0]);
    scene.show(answer);
    scene.show(scene.edited(answer, { data: { a: '1', theirs: '2' } }));
    assert.deepEqual(scene.plan(wanted).apply, []);
  });

  it('accepts how the API server writes what was applied, and nothing else', () => {
    const scene = new Scene();
    const wanted = wantedMap({ a: '1' });
    const answer = scene.apply(scene.plan(wanted).apply[0], { data: { a: 'one' } });
    scene.show(answer);
    assert.deepEqual(scene.plan(wanted).apply, []);
    scene.show(scene.edited(answer, { data: { a: 'two' } }));
    assert.equal(scene.plan(wanted).apply[0]?.why, 'put back');
  });

  it('an apply that changes nothing is no fight', () => {
    const scene = new Scene();
    const wanted = wantedMap({ a: '1' });
    scene.show(scene.apply(scene.plan(wanted).apply[0], { data: { a: 'one' } }));
    const memory = new OwnedMemory();
    const input = { cluster, wanted: [wanted], live: scene.cached, memory, nowMs: 0 };
    const [again] = plan(input).apply;
    assert.ok(again);
    assert.equal(noteApplied(memory, again, scene.cached[0]!, '', 0), false);
    assert.equal(memory.putBacks(again.id, 0), 0);
    assert.deepEqual(plan(input).apply, []);
  });

  it('puts back what was edited at once, then with growing pauses, and tells who; forgets it later', () => {
    const scene = new Scene();
    const wanted = wantedMap({ a: '1' });
    let answer = scene.apply(scene.plan(wanted).apply[0]);
    const pauses: number[] = [];
    for (let i = 0; i < 12; i++) {
      const edited = scene.edited(answer, { data: { a: 'theirs' } });
      scene.show(edited);
      let paused = 0;
      for (let next = scene.plan(wanted); next.apply.length === 0; next = scene.plan(wanted)) {
        assert.ok(next.dueInMs !== undefined);
        scene.nowMs += next.dueInMs;
        paused += next.dueInMs;
      }
      pauses.push(paused);
      answer = scene.apply(scene.plan(wanted).apply[0]);
    }
    assert.deepEqual(pauses.slice(0, 5), [0, 1000, 2000, 4000, 8000]);
    assert.equal(pauses.at(-1), putBackMs.greatest);

    scene.show(scene.edited(answer, {}));
    const [fight] = contested([wanted], scene.memory, scene.nowMs);
    assert.equal(fight?.by, 'kustomize');
    assert.equal(fight?.putBacks, 12);
    scene.nowMs += fight?.forgottenInMs ?? 0;
    assert.deepEqual(contested([wanted], scene.memory, scene.nowMs), []);
    scene.show(scene.edited(answer, { data: { a: 'theirs' } }));
    assert.equal(scene.plan(wanted).apply.length, 1, 'at once again');
  });

  it('knows from managedFields who else wrote last', () => {
    const managedFields = [
      { manager: 'edgecluster', operation: 'Apply', time: '2026-01-02T00:00:05Z' },
      { manager: 'kustomize', operation: 'Apply', time: '2026-01-02T00:00:04Z' },
      { manager: 'kubectl', operation: 'Update', time: '2026-01-02T00:00:01Z' },
      { manager: 'hpa', operation: 'Update', time: '2026-01-02T00:00:06Z', subresource: 'status' },
    ];
    assert.equal(lastWriter({ metadata: { managedFields: managedFields as never } }), 'kustomize');
    const scaled = { manager: 'kubectl', operation: 'Update', time: '2026-01-02T00:00:06Z', subresource: 'scale' };
    assert.equal(lastWriter({ metadata: { managedFields: [...managedFields, scaled] as never } }), 'kubectl');
    assert.equal(lastWriter(undefined), 'someone');
  });

  it('whose an object is: who made it, not a controller that wrote its status', () => {
    const managedFields = [
      { manager: 'kube-controller-manager', subresource: 'status', time: new Date('2026-07-01T00:00:00Z') },
      { manager: 'kubectl-edit', time: new Date('2026-07-02T00:00:00Z') },
      { manager: 'kubectl-create', time: new Date('2026-07-01T00:00:00Z') },
    ];
    assert.equal(holderOf({ metadata: { managedFields } }), 'kubectl-create');
    assert.equal(holderOf({ metadata: { managedFields: managedFields.slice(0, 1) } }), 'someone else');
  });

  it('what is deleted again and again comes back with pauses, too', () => {
    const scene = new Scene();
    const wanted = wantedMap({ a: '1' });
    const id = idOf(wanted);
    for (const [i, expected] of ['create', 'put back'].entries()) {
      const [application] = scene.plan(wanted).apply;
      assert.equal(application?.why, expected, `time ${i}`);
      scene.show(scene.apply(application));
      scene.cached = [];
      scene.memory.deleted(id, undefined);
    }
    assert.deepEqual(scene.plan(wanted).apply, []);
    assert.equal(scene.plan(wanted).dueInMs, putBackMs.first);
  });

  it('a change of what is wanted does not wait for the end of a fight', () => {
    const scene = new Scene();
    const answer = scene.apply(scene.plan(wantedMap({ a: '1' })).apply[0]);
    for (let i = 0; i < 3; i++) {
      scene.show(scene.edited(answer, { data: { a: 'theirs' } }));
      scene.nowMs += 10_000;
      scene.apply(scene.plan(wantedMap({ a: '1' })).apply[0]);
    }
    assert.equal(scene.plan(wantedMap({ a: '2' })).apply[0]?.why, 'update');
  });

  it('never touches an object that belongs to others', () => {
    const scene = new Scene();
    const wanted = wantedMap({ a: '1' });
    const owner = { apiVersion: 'v1', kind: 'Thing', name: 'theirs', uid: 'x', controller: true };
    scene.show({ ...wanted, metadata: { ...wanted.metadata, ownerReferences: [owner], resourceVersion: '5' } });
    const taken = scene.plan(wanted);
    assert.deepEqual(taken.apply, []);
    assert.deepEqual(
      taken.blocked.map(({ obstacle }) => obstacle),
      [{ kind: 'taken', holder: 'Thing theirs' }],
    );
    assert.deepEqual(scene.plan().remove, []);
  });

  it('adopts what is ours by its labels and has lost its owner, but does not delete it', () => {
    const scene = new Scene();
    const wanted = wantedMap({ a: '1' });
    const answer = scene.apply(scene.plan(wanted).apply[0]);
    const { ownerReferences, ...metadata } = answer.metadata ?? {};
    assert.ok(ownerReferences);
    scene.show(scene.edited({ ...answer, metadata }, {}));
    assert.equal(scene.plan(wanted).apply.length, 1);
    assert.deepEqual(scene.plan().remove, []);
  });

  it('waits for the end of what a deleted EdgeCluster of the same name left, and of what is being deleted', () => {
    const scene = new Scene();
    const wanted = wantedMap({ a: '1' });
    const [reference] = ownerReferencesOf(cluster);
    assert.ok(reference);
    const ownerReferences = [{ ...reference, uid: 'older' }];
    scene.show({ ...wanted, metadata: { ...wanted.metadata, ownerReferences, resourceVersion: '5' } });
    assert.deepEqual({ ...scene.plan(wanted) }, { apply: [], remove: [], blocked: [], dueInMs: undefined });
    const deletionTimestamp = '2026-01-01T00:00:00Z' as never;
    scene.show({ ...wanted, data: {}, metadata: { ...wanted.metadata, deletionTimestamp } } as KubernetesObject);
    assert.deepEqual(scene.plan(wanted).apply, []);
    assert.deepEqual(scene.plan().remove, []);
  });

  it('removes what is ours and no longer wanted', () => {
    const scene = new Scene();
    scene.show(scene.apply(scene.plan(wantedMap({ a: '1' })).apply[0]));
    assert.deepEqual(scene.plan().remove, scene.cached);
  });

  it('tries what the API server refuses again with growing pauses, and at once when it is changed', () => {
    const scene = new Scene();
    const wanted = wantedMap({ a: '1' });
    const pauses: number[] = [];
    for (let i = 0; i < 3; i++) {
      const [application] = scene.plan(wanted).apply;
      assert.ok(application);
      const obstacle = { kind: 'refused', wantedHash: application.hash, message: 'no' } as const;
      scene.memory.failed(application.id, obstacle, scene.nowMs);
      const paused = scene.plan(wanted);
      assert.deepEqual(paused.apply, []);
      assert.equal(paused.blocked.length, 1);
      pauses.push(paused.dueInMs ?? 0);
      assert.equal(scene.plan(wantedMap({ a: '2' })).apply.length, 1);
      scene.nowMs += paused.dueInMs ?? 0;
    }
    assert.deepEqual(pauses, [10_000, 20_000, 40_000]);
  });

  it('looks whether a taken name has become free', () => {
    const scene = new Scene();
    const wanted = wantedMap({ a: '1' });
    scene.memory.failed(idOf(wanted), { kind: 'taken', holder: 'x' }, scene.nowMs);
    assert.deepEqual(scene.plan(wantedMap({ a: '2' })).apply, [], 'whatever we want');
    scene.nowMs += scene.plan(wanted).dueInMs ?? 0;
    assert.equal(scene.plan(wanted).apply[0]?.wasTaken, true);
  });
});
