import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parentKeys, parentLoop, vhostsUnserved } from '../../../operator/api/parents.ts';
import type { EdgeCluster } from '../../../operator/api/types.ts';
import { edgeCluster } from '../../support/edge-clusters.ts';

type Named = { readonly name: string; readonly namespace?: string };
type Origin = string | Named | { readonly above: Named };

/** An EdgeCluster of namespace `media` with a group for each vhost. */
function cluster(name: string, vhosts: Readonly<Record<string, Origin>>, more: object = {}): EdgeCluster {
  const entries = Object.entries(vhosts);
  return edgeCluster({
    metadata: { name, namespace: 'media' },
    spec: {
      origins: entries.map(([, to], i) => ({
        name: `g${i}`,
        ...groupOf(to),
      })),
      vhosts: entries.map(([vhost], i) => ({ name: vhost, origin: `g${i}`, ...more })),
    },
  });
}

function groupOf(to: Origin): object {
  if (typeof to === 'string') return { servers: [to] };
  return 'above' in to ? { edgeCluster: to.above } : { service: { ...to, port: 1935 } };
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
  assert.equal(loop(cluster('a', { [all]: { above: { name: 'b' } } }), b), 'media/a media/b media/a');
  assert.equal(loop(cluster('a', { [all]: { above: { name: 'b', namespace: 'other' } } }), b), undefined);
  assert.deepEqual(parentKeys(cluster('a', { [all]: { above: { name: 'b' } } })), ['media/b']);
});

test('a circle through other namespaces, and a longer one', () => {
  const above = (name: string, namespace: string) => ({ [all]: { above: { name, namespace } } });
  const at = (namespace: string, one: EdgeCluster) => ({ ...one, metadata: { ...one.metadata, namespace } });
  const a = at('x', cluster('a', above('a', 'y')));
  const b = at('y', cluster('a', above('c', 'z')));
  const c = at('z', cluster('c', above('d', 'x')));
  assert.equal(loop(a, b, c, at('x', cluster('d', above('a', 'x')))), 'x/a y/a z/c x/d x/a');
  assert.equal(loop(a, b, c, at('x', cluster('d', { [all]: 'origin:1935' }))), undefined);
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

test('a parent serves the vhosts that it is asked for, or not', () => {
  const unserved = (below: EdgeCluster, above: EdgeCluster) =>
    vhostsUnserved(below, below.spec.origins[0] as EdgeCluster['spec']['origins'][number], above);
  const above = { above: { name: 'b' } };
  const named = cluster('b', { 'x.example.com': 'origin:1935' });
  assert.deepEqual(unserved(cluster('a', { 'x.example.com': above }), named), []);
  assert.deepEqual(unserved(cluster('a', { [all]: above }), named), [{ vhost: all, asked: all }]);
  assert.deepEqual(unserved(cluster('a', { [all]: above }, { transform: 'x.example.com' }), named), []);
  assert.deepEqual(unserved(cluster('a', { 'y.example.com': above }, { transform: 'up.[vhost]' }), named), [
    { vhost: 'y.example.com', asked: 'up.y.example.com' },
  ]);
  assert.deepEqual(unserved(cluster('a', { 'y.example.com': above }), cluster('b', { [all]: 'origin:1935' })), []);
  // A group that no vhost uses asks for nothing.
  const unused = cluster('a', { 'y.example.com': above, 'x.example.com': 'origin:1935' });
  assert.deepEqual(unserved({ ...unused, spec: { ...unused.spec, vhosts: unused.spec.vhosts.slice(1) } }, named), []);
});
