/** Our own writes count until the informer shows them, or what has become of them. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { KubernetesObject } from '@kubernetes/client-node';
import { OwnedMemory } from '../../../../operator/reconcile/apply/owned-memory.ts';

const id = '/ConfigMap/live';

function written(resourceVersion: string, uid = 'a'): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'live', namespace: 'media', uid, resourceVersion } };
}

describe('an object that we made', () => {
  let memory: OwnedMemory;
  const answered = (answer: KubernetesObject): void =>
    memory.applied(id, 'hash', { answer, changed: true, remaining: [] }, 0);

  beforeEach(() => {
    memory = new OwnedMemory();
  });

  it('counts until the informer shows it', () => {
    const answer = written('20');
    answered(answer);
    assert.equal(memory.newest(id, undefined), answer);
    assert.equal(memory.takeOvertaken(), false);
    assert.equal(memory.seen(id, written('20'), undefined), true);
    assert.equal(memory.newest(id, undefined), undefined);
  });

  it('is gone when a later list does not show it', () => {
    answered(written('20'));
    assert.equal(memory.listed('/ConfigMap', '19'), false, 'made before the write');
    assert.equal(memory.listed('/Secret', '30'), false, 'of others');
    assert.notEqual(memory.newest(id, undefined), undefined);
    assert.equal(memory.listed('/ConfigMap', '20'), true);
    assert.equal(memory.newest(id, undefined), undefined);
  });

  it('is gone, too, when such a list came before the answer; and that must be looked at again', () => {
    memory.listed('/ConfigMap', '25');
    answered(written('20'));
    assert.equal(memory.newest(id, undefined), undefined);
    assert.equal(memory.takeOvertaken(), true);
    assert.equal(memory.takeOvertaken(), false);
    const next = written('26', 'b');
    answered(next);
    assert.equal(memory.newest(id, undefined), next);
  });

  it('is gone when its end was shown before the answer; one that takes its place is not', () => {
    answered(written('20'));
    memory.deleted(id, 'a');
    memory.written(id, written('21'));
    assert.equal(memory.newest(id, undefined), undefined);
    assert.equal(memory.takeOvertaken(), true);
    const next = written('22', 'b');
    answered(next);
    assert.equal(memory.newest(id, undefined), next);
  });

  it('stays when the end of another is shown whose place it took', () => {
    const next = written('22', 'b');
    answered(next);
    memory.deleted(id, 'a');
    assert.equal(memory.newest(id, undefined), next);
    memory.deleted(id, 'b');
    assert.equal(memory.newest(id, undefined), undefined);
  });

  it('is not overtaken by a list when applying it again changes nothing', () => {
    memory.listed('/ConfigMap', '25');
    memory.applied(id, 'hash', { answer: written('20'), changed: false, remaining: [] }, 0);
    assert.equal(memory.takeOvertaken(), false);
  });

  it('is taken as it is where versions do not tell which is newer', () => {
    memory.listed('/ConfigMap', 'x');
    const answer = written('y');
    answered(answer);
    assert.equal(memory.newest(id, undefined), answer);
  });
});
