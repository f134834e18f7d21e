import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EdgeClusterStatus } from '../../../../operator/api/types.ts';
import type { Observation } from '../../../../operator/reconcile/status/observation.ts';
import { statusOf } from '../../../../operator/reconcile/status/status.ts';
import { eventsOf, statusDiffers } from '../../../../operator/reconcile/status/status-change.ts';
import { answering, deployment, edgesSaying, observation, otherHash, pod, type ReportWish, silent } from '../scenes.ts';

const now = new Date('2025-03-01T12:00:00Z');

function status(wish: Partial<Observation> = {}, spec: Readonly<Record<string, unknown>> = {}): EdgeClusterStatus {
  return statusOf(observation(wish, spec), now);
}

function saying(wish: ReportWish): Partial<Observation> {
  return { edge: () => answering(wish) };
}

/** `Warning OriginDown: message` */
function events(before: EdgeClusterStatus | undefined, after: EdgeClusterStatus): string[] {
  return eventsOf(before, after).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
}

const fine = status();
const downOrigin = status(
  saying({ origins: { 'origin-a.media:1935': ['down', 'refused'], 'origin-b.media:1935': 'up' } }),
);

test('figures may wait, facts may not, slight changes may wait for long, and small ones of bandwidth are none', () => {
  assert.equal(statusDiffers(undefined, fine), 'facts');
  assert.equal(statusDiffers(fine, status()), 'no');
  assert.equal(statusDiffers(fine, status(saying({ sentKbps: 105 }))), 'no');
  assert.equal(statusDiffers(fine, status(saying({ sentKbps: 120 }))), 'slight');
  assert.equal(statusDiffers(fine, status(saying({ sentKbps: 125 }))), 'figures');
  assert.equal(statusDiffers(fine, status(saying({ players: 1 }))), 'figures');
  const [busy, few] = [status(saying({ players: 100 })), status(saying({ players: 2 }))];
  assert.equal(statusDiffers(busy, status(saying({ players: 124 }))), 'slight');
  assert.equal(statusDiffers(busy, status(saying({ players: 125 }))), 'figures');
  assert.equal(statusDiffers(busy, status(saying({ players: 75 }))), 'figures');
  assert.equal(statusDiffers(few, status(saying({ players: 3 }))), 'slight');
  assert.equal(statusDiffers(few, fine), 'figures');
  assert.equal(statusDiffers(busy, status(saying({ players: 100, publishers: 1 }))), 'figures');
  assert.equal(statusDiffers(fine, downOrigin), 'facts');
  assert.equal(statusDiffers(fine, status({ pods: [pod('a')] })), 'facts');
  assert.equal(statusDiffers(fine, status(saying({ hash: otherHash }))), 'facts');
  assert.equal(statusDiffers(fine, { ...fine, observedGeneration: 4 }), 'facts');
  const caches = (replicas: number) => ({ ...fine, hls: { replicas, readyReplicas: 2, updatedReplicas: 2 } });
  assert.equal(statusDiffers(caches(3), caches(2)), 'facts');
  assert.equal(statusDiffers(caches(2), caches(2)), 'no');
  // The same in other words.
  const other = status(
    saying({ origins: { 'origin-a.media:1935': ['down', 'no route'], 'origin-b.media:1935': 'up' } }),
  );
  assert.equal(statusDiffers(downOrigin, other), 'figures');
});

test('a cluster is ready, is not, and is scaled to nothing', () => {
  const waiting = status({ pods: [pod('a', 'starting')] });
  const none = status({ pods: [pod('a', 'failing'), pod('b', 'failing')] });
  assert.deepEqual(events(undefined, waiting), []);
  assert.ok(events(waiting, fine).includes('Normal Available: 2 edges ready'));
  assert.ok(events(fine, none).includes('Warning NoEdgesReady: none of 2 edges is ready; see condition Degraded'));
  const zero = status({ pods: [] }, { replicas: 0 });
  assert.match(events(fine, zero).join('\n'), /^Normal ScaledToZero: /m);
  assert.deepEqual(events(fine, status({ pods: [pod('a'), pod('b')], edge: () => answering({ players: 9 }) })), []);
});

test('origins that go down, come back, come and go', () => {
  assert.deepEqual(events(fine, downOrigin), [
    'Warning OriginDown: main/origin-a.media:1935 (refused) cannot be reached',
  ]);
  assert.deepEqual(events(downOrigin, { ...downOrigin, players: 5 }), []);
  assert.deepEqual(events(downOrigin, fine), ['Normal OriginUp: main/origin-a.media:1935 can be reached again']);
  // Origins that come and go are no news: status lists them.
  const origins = { origins: new Map([['main', ['origin-b.media:1935', 'origin-c.media:1935']]]), problems: [] };
  const config = { valid: true, hash: otherHash, warnings: [] } as const;
  assert.deepEqual(events(fine, status({ origins, config, ...saying({ hash: otherHash }) })), []);
  assert.deepEqual(events(undefined, fine), ['Normal Available: 2 edges ready']);
});

test('pods that are replaced, made and taken', () => {
  const rolling = status({
    pods: [pod('a'), pod('b'), pod('c', 'starting')],
    deployment: deployment({ replicas: 3, updatedReplicas: 1 }),
  });
  const [begun, ...more] = events(fine, rolling);
  assert.match(begun ?? '', /^Normal RollingOut: 1 of 2 edges have the new pod template/);
  assert.deepEqual(more, []);
  assert.deepEqual(events(rolling, fine), ['Normal RolledOut: all edges have the new pod template, 2 edges ready']);
  assert.deepEqual(events(fine, status({}, { replicas: 3 })), ['Normal ScalingUp: 2 of 3 edges are there']);
  // Kubernetes has not looked at a new Deployment yet: no pod has a former template.
  const pods = [pod('a', 'starting'), pod('b', 'starting')];
  const made = status({ pods, deployment: { ...deployment(), status: {} } });
  assert.deepEqual(events(made, status({ pods })), []);
  // Nor at a change of it.
  assert.deepEqual(events(fine, status({ deployment: deployment({ observedGeneration: 1 }) })), []);
});

test('a configuration is news when somebody has asked for it', () => {
  const config = { valid: true, hash: otherHash, warnings: [] } as const;
  const told = [`Normal ConfigChanged: configuration ${otherHash} is on its way to the edges`];
  assert.deepEqual(events({ ...fine, observedGeneration: 2 }, status({ config })), told);
  assert.deepEqual(events(fine, status({ config })), []);
  assert.deepEqual(events(status({ config }), status({ config, ...saying({ hash: otherHash }) })), []);
});

test('nobody has recovered while no edge has tried the origins', () => {
  const broken = status({ pods: [pod('a'), pod('b', 'failing')] });
  const untried = { 'origin-a.media:1935': 'untried', 'origin-b.media:1935': 'untried' } as const;
  assert.deepEqual(events(broken, status(saying({ origins: untried }))), []);
  assert.deepEqual(events(broken, fine), ['Normal Recovered: all is as it should be again']);
});

test('what needs a person, and when it is over', () => {
  const refusing = status(saying({ hash: otherHash, error: 'line 3' }));
  assert.match(events(fine, refusing).join('\n'), /^Warning EdgeConfigRefused: pod live-1 keeps its former/m);
  assert.match(events(refusing, fine).join('\n'), /^Normal Recovered: /m);
  const quiet = status({ edge: edgesSaying({ 'live-1': silent }) });
  assert.match(events(fine, quiet).join('\n'), /^Warning EdgesSilent: /m);
});

test('an invalid configuration is told with each new text of what is wrong', () => {
  const invalid = (message: string) =>
    status({ config: { valid: false, reason: 'InvalidDirectives', message }, previous: fine });
  assert.deepEqual(events(fine, invalid('line 1')), ['Warning InvalidDirectives: line 1']);
  assert.deepEqual(events(invalid('line 1'), invalid('line 1')), []);
  assert.deepEqual(events(invalid('line 1'), invalid('line 2')), ['Warning InvalidDirectives: line 2']);
  assert.deepEqual(events(invalid('line 2'), fine), ['Normal ConfigValid: the configuration is valid again']);
});
