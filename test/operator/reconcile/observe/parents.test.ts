import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EdgeCluster } from '../../../../operator/api/types.ts';
import { parentKeys, parentLoop } from '../../../../operator/reconcile/observe/parents.ts';
import { edgeCluster } from '../../../support/edge-clusters.ts';

type Origin = string | { readonly name: string; readonly namespace?: string };

/** An EdgeCluster of namespace `media` with a group for each vhost. */
function cluster(name: string, vhosts: Readonly<Record<string, Origin>>, more: object = {}): EdgeCluster {
  const entries = Object.entries(vhosts);
  return edgeCluster({
    metadata: { name, namespace: 'media' },
    spec: {
      origins: entries.map(([, to], i) => ({
        name: `g${i}`,
        ...(typeof to === 'string' ? { servers: [to] } : { service: { ...to, port: 1935 } }),
      })),
      vhosts: entries.map(([vhost], i) => ({ name: vhost, origin: `g${i}`, ...more })),
    },
  });
}

const all = '__defaultVhost__';

function loop(first: EdgeCluster, ...others: EdgeCluster[]): string | undefined {
  const found = new Map([first, ...others].map((one) => [`${one.metadata.namespace}/${one.metadata.name}`, one]));
  return parentLoop(first, (key) => found.get(key))?.join(' ');
}

test('a way that comes back is found, however the Services are named', () => {
  const b = cluster('b', { [all]: { name: 'a-edges' } });
  const names = ['b', 'b:1935', 'B.media', 'b.media.svc', 'b-edges.media.svc.cluster.local:1935', 'b.media.svc.'];
  for (const to of [...names, { name: 'b' }, { name: 'b-edges' }, { name: 'b', namespace: 'media' }])
    assert.equal(loop(cluster('a', { [all]: to }), b), 'media/a media/b media/a', JSON.stringify(to));
  for (const to of ['b.other', 'b.example.com', '10.0.0.1', '[2001:db8::1]:1935', { name: 'b', namespace: 'other' }])
    assert.equal(loop(cluster('a', { [all]: to }), b), undefined, JSON.stringify(to));
  assert.deepEqual(parentKeys(cluster('a', { [all]: { name: 'b-edges' } })), ['media/b-edges', 'media/b']);
});

test('tiers that end at an origin are none, nor is one that leads into others’ circle', () => {
  const top = cluster('top', { [all]: 'origin-a.media:1935' });
  const middle = cluster('middle', { [all]: { name: 'top-edges' } });
  assert.equal(loop(cluster('a', { [all]: { name: 'middle' } }), middle, top), undefined);
  const b = cluster('b', { [all]: { name: 'c' } });
  const c = cluster('c', { [all]: { name: 'b' } });
  assert.equal(loop(cluster('a', { [all]: { name: 'b' } }), b, c), undefined);
  assert.equal(loop(b, c), 'media/b media/c media/b');
});

test('each vhost has its own way: two tiers may be each other’s parents', () => {
  const a = cluster('a', { 'x.example.com': 'origin:1935', 'y.example.com': { name: 'b' } });
  const b = cluster('b', { 'y.example.com': 'origin:1935', 'x.example.com': { name: 'a' } });
  assert.equal(loop(a, b), undefined);
  // By the name that the parent is asked for.
  const moved = cluster('a', { 'y.example.com': { name: 'b' }, 'x.example.com': 'o' }, { transform: 'x.example.com' });
  assert.equal(loop(moved, b), undefined);
  const back = cluster('b', { 'x.example.com': { name: 'a' } }, { transform: 'y.example.com' });
  assert.equal(loop(moved, back), 'media/a media/b media/a');
  // Names that grow come to the vhost for all names.
  const growing = cluster('a', { [all]: { name: 'b' } }, { transform: 'x[vhost]' });
  assert.equal(loop(growing, cluster('b', { [all]: { name: 'a' } })), 'media/a media/b media/a');
});
