import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { PodMemory } from '../../../../operator/reconcile/edges/pod-memory.ts';
import { podView } from '../../../../operator/reconcile/observe/views.ts';

function podOf(uid: string, resourceVersion: string): V1Pod {
  return { metadata: { name: `live-${uid}`, namespace: 'media', uid, resourceVersion } };
}

it('pods that are gone are forgotten, however many come and go', () => {
  const memory = new PodMemory();
  const { size } = memory;
  for (let generation = 0; generation < 5; generation++) {
    const uids = ['a', 'b'].map((pod) => `${pod}-${generation}`);
    for (const uid of uids) {
      memory.written(podOf(uid, '9'));
      memory.tell(uid, { configHash: 'x', times: 1, atMs: 0 });
    }
    const seen = memory.newest(uids.map((uid) => podView(podOf(uid, '8'))));
    assert.deepEqual(
      seen.map(({ metadata }) => metadata.resourceVersion),
      ['9', '9'],
      'our own write is newer than what the informer shows',
    );
    assert.equal(memory.size, size + 4);
  }
  assert.deepEqual(memory.newest([]), []);
  assert.equal(memory.size, size);
});
