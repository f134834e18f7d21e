/** What changes of an EdgeCluster cost, field by field. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ChangeCost, changeCost } from '../../../operator/diff/change-cost.ts';
import type { Cost } from '../../../operator/diff/cost.ts';
import { fieldChanges } from '../../../operator/diff/fields.ts';
import { render } from '../../../operator/render/render.ts';
import { edgeCluster } from '../../support/edge-clusters.ts';
import { cases, inputOf } from '../render/cases.ts';

type Spec = Readonly<Record<string, unknown>>;

function stateOf(spec: Spec) {
  return render(inputOf(edgeCluster({ spec }))).objects;
}

function costOf(from: Spec, to: Spec): ChangeCost {
  return changeCost(stateOf(from), stateOf(to));
}

const servers = ['origin-a.media:1935', 'origin-b.media:1935'];
const origins = (...names: string[]) => ({ origins: [{ name: 'main', servers: names }] });
const vhost = (fields: Spec, name = '__defaultVhost__') => ({ vhosts: [{ name, ...fields }] });
const policy = (clients?: readonly Spec[]) => ({ networkPolicy: { enabled: true, ...(clients && { clients }) } });
const [net10, net192] = [{ ipBlock: { cidr: '10.0.0.0/8' } }, { ipBlock: { cidr: '192.0.2.0/24' } }];

/** What is changed, from what, to what, and what it costs. */
const rows: readonly (readonly [string, Spec, Spec, Cost])[] = [
  ['nothing', {}, {}, 'nothing'],
  ['more edges', { replicas: 2 }, { replicas: 5 }, 'nothing'],
  ['fewer edges', { replicas: 5 }, { replicas: 2 }, 'roll'],
  [
    'fewer edges that do not drain',
    { replicas: 5, pods: { drainSeconds: 0 } },
    { replicas: 2, pods: { drainSeconds: 0 } },
    'cut',
  ],
  ['no edges', {}, { replicas: 0 }, 'cut'],
  ['an origin more', origins('a'), origins('a', 'b'), 'reload'],
  ['an origin less', {}, origins('origin-a.media:1935'), 'reload'],
  ['how origins are chosen', {}, { origins: [{ name: 'main', servers, balance: 'StreamHash' }] }, 'reload'],
  ['a directive for new connections', {}, vhost({ play: { gopCache: false } }), 'reload'],
  ['a vhost more', {}, { vhosts: [{ name: '__defaultVhost__' }, { name: 'a.example.com' }] }, 'reload'],
  ['another vhost', {}, vhost({}, 'a.example.com'), 'reload'],
  ['a vhost that is turned off', {}, vhost({ extraDirectives: 'enabled off;' }), 'reload'],
  ['fewer connections', {}, { maxConnections: 10 }, 'reload'],
  ['the log', {}, { logLevel: 'Debug' }, 'reload'],
  ['a port of the container', {}, { listeners: { rtmp: { port: 1936 } } }, 'roll'],
  ['a port of the Service alone', {}, { listeners: { rtmp: { servicePort: 1936 } } }, 'listeners'],
  ['a listener more', {}, { listeners: { rtmps: { secretName: 'tls' } } }, 'roll'],
  ['a listener less', {}, { listeners: { http: { enabled: false } } }, 'roll'],
  ['what an edge reads at its start', {}, { extraDirectives: 'exporter { label tv; }' }, 'roll'],
  ['how long an edge may take to end', {}, { extraDirectives: 'grace_final_wait 9000;' }, 'roll'],
  ['the image', {}, { pods: { image: 'edge:2' } }, 'roll'],
  ['memory', {}, { pods: { resources: { limits: { memory: '2Gi' } } } }, 'roll'],
  [
    'memory that is the same',
    { pods: { resources: { limits: { memory: '2Gi' } } } },
    { pods: { resources: { limits: { memory: '2048Mi' } } } },
    'nothing',
  ],
  [
    'an image, where edges do not drain',
    { pods: { drainSeconds: 0 } },
    { pods: { image: 'edge:2', drainSeconds: 0 } },
    'cut',
  ],
  [
    'a listener, where edges do not drain',
    { pods: { drainSeconds: 0 } },
    { listeners: { rtmp: { port: 1936 } }, pods: { drainSeconds: 0 } },
    'cut',
  ],
  ['no time to drain from now on: those that run still have theirs', {}, { pods: { drainSeconds: 0 } }, 'roll'],
  ['how pods are replaced', {}, { availability: { rollout: { maxSurge: 2 } } }, 'nothing'],
  ['the disruption budget', {}, { availability: { podDisruptionBudget: { enabled: false } } }, 'nothing'],
  [
    'autoscaling with the same number',
    {},
    { autoscaling: { minReplicas: 2, maxReplicas: 5, targets: { playersPerPod: 10 } } },
    'nothing',
  ],
  [
    'autoscaling with more',
    {},
    { autoscaling: { minReplicas: 3, maxReplicas: 5, targets: { playersPerPod: 10 } } },
    'nothing',
  ],
  [
    'autoscaling with fewer',
    { replicas: 9 },
    { replicas: 9, autoscaling: { minReplicas: 2, maxReplicas: 5, targets: { playersPerPod: 10 } } },
    'roll',
  ],
  ['a Service that becomes a load balancer', {}, { service: { type: 'LoadBalancer' } }, 'nothing'],
  ['a load balancer that goes', { service: { type: 'LoadBalancer' } }, {}, 'cut'],
  [
    'another load balancer',
    { service: { type: 'LoadBalancer' } },
    { service: { type: 'LoadBalancer', loadBalancerClass: 'a.b/c' } },
    'cut',
  ],
  ['annotations of the Service', {}, { service: { annotations: { a: 'b' } } }, 'nothing'],
  ['a policy for all clients', {}, policy(), 'nothing'],
  ['a policy for some clients', {}, policy([net10]), 'cut'],
  ['a policy for more clients', policy([net10]), policy([net10, net192]), 'nothing'],
  ['a policy for other clients', policy([net10]), policy([net192]), 'cut'],
  ['a policy that goes', policy([net10]), {}, 'nothing'],
  ['labels of pods', {}, { pods: { labels: { a: 'b' } } }, 'roll'],
  ['a variable', {}, { pods: { env: [{ name: 'A', value: 'b' }] } }, 'roll'],
];

describe('what a change costs', () => {
  for (const [what, from, to, cost] of rows) {
    it(`${what}: ${cost}`, () => assert.equal(costOf(from, to).cost, cost));
  }

  it('nothing, between any EdgeCluster and itself; an EdgeCluster that is new', () => {
    for (const { cluster } of cases) {
      const state = render(inputOf(cluster)).objects;
      assert.deepEqual(changeCost(state, structuredClone(state)), { cost: 'nothing', findings: [] });
      assert.equal(changeCost(undefined, state).cost, 'nothing');
    }
  });

  it('says what changes, from when on it counts, and who has to leave', () => {
    const { findings } = costOf(
      { pods: { drainSeconds: 60 } },
      { pods: { drainSeconds: 60, image: 'edge:2' }, ...vhost({ play: { gopCache: false } }), ...origins(servers[0]!) },
    );
    assert.deepEqual(
      findings.map(({ object, change, effect }) => `${object}: ${change} (${effect})`),
      [
        'Deployment live: all pods are replaced: new ones first, at most 25% more at a time (clients of a pod that ends have 60 s to finish or to go elsewhere)',
        'Deployment live: spec.template.spec.containers[edge].image: registry.example.com/edgecluster:0.1.0 → edge:2 ()',
        'ConfigMap live: vhost __defaultVhost__: cluster.origin: origin-a.media:1935 origin-b.media:1935 → origin-a.media:1935 (running edges take it at once)',
        'ConfigMap live: vhost __defaultVhost__: play.gop_cache: on → off (counts for connections made from then on)',
      ],
    );
  });

  it('says that old pods go first where the rollout makes no new ones before', () => {
    const rollout = { availability: { rollout: { maxSurge: 0, maxUnavailable: 1 } } };
    const { findings } = costOf(rollout, { ...rollout, pods: { image: 'edge:2' } });
    assert.equal(findings[0]?.change, 'all pods are replaced: old ones first, at most 1 at a time');
  });
});

describe('fields that differ', () => {
  const paths = (from: unknown, to: unknown) => fieldChanges(from, to).map(({ path }) => path);

  it('both ways, lists by the names in them or as a whole', () => {
    assert.deepEqual(paths({ a: 1, b: { c: [1, 2] } }, { a: 1, b: { c: [1, 3] }, d: 'x' }), ['b.c[1]', 'd']);
    assert.deepEqual(paths({ c: [1, 2] }, { c: [1] }), ['c']);
    const [x, y] = [{ name: 'x', v: 1 }, { name: 'y' }];
    assert.deepEqual(paths({ l: [x, y] }, { l: [{ ...x, v: 2 }] }), ['l[x].v', 'l[y]']);
    assert.deepEqual(paths({ l: [x, y] }, { l: [y, x] }), ['l (order)']);
    assert.deepEqual(paths({ 'a/b': { 'c.d': 1 } }, { 'a/b': { 'c.d': 2 } }), ["a/b['c.d']"]);
  });

  it('not what the API server leaves out, or writes in another way', () => {
    assert.deepEqual(paths({ a: {}, b: [], c: null }, {}), []);
    assert.deepEqual(paths({ limits: { cpu: '1000m' } }, { limits: { cpu: 1 } }), []);
    assert.deepEqual(paths({ a: '' }, {}), ['a']);
  });
});
