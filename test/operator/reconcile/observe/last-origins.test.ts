import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EdgeCluster } from '../../../../operator/api/types.ts';
import { LastOrigins } from '../../../../operator/reconcile/observe/last-origins.ts';
import { renderConfig } from '../../../../operator/render/config.ts';
import { edgeCluster } from '../../../support/edge-clusters.ts';

function following(service: string, spec: object = {}): EdgeCluster {
  return edgeCluster({ spec: { origins: [{ name: 'main', service: { name: service, port: 1935 } }], ...spec } });
}

function known(last: LastOrigins, cluster: EdgeCluster): (readonly string[])[] {
  return cluster.spec.origins.map((group) => last.sourcesFor(cluster).last(group));
}

function lookups(last: LastOrigins, cluster: EdgeCluster): (readonly string[])[] {
  return cluster.spec.origins.map((group) => last.sourcesFor(cluster).lastLookups(group));
}

const names = new Map([['main', ['srs.media.svc:11935']]]);
const addresses = ['10.0.0.1:1935', '[2001:db8::1]:1935'];
const problem = { reason: 'NoEndpoints', group: 'main', message: 'x', isFound: false } as const;

test('what was found is known until something else is found, of this Service and port alone', () => {
  const last = new LastOrigins();
  const cluster = following('srs');
  assert.deepEqual(known(last, cluster), [[]]);
  last.found(cluster, { origins: new Map([['main', addresses]]), lookups: names, problems: [] });
  const standIn = new Map([['main', ['srs.media.svc:1935']]]);
  last.found(cluster, { origins: standIn, lookups: standIn, problems: [problem] });
  assert.deepEqual([known(last, cluster), lookups(last, cluster)], [[addresses], [['srs.media.svc:11935']]]);
  const other = following('other');
  assert.deepEqual(known(last, other), [[]]);
  last.found(other, { origins: new Map([['main', ['10.0.0.9:1935']]]), lookups: new Map(), problems: [] });
  last.retain(other);
  assert.equal(last.size, 1);
  assert.deepEqual([known(last, cluster), known(last, other)], [[[]], [['10.0.0.9:1935']]]);
  assert.deepEqual(lookups(last, cluster), [[]]);
});

test('the edge.conf in force has what another operator found', () => {
  const cluster = edgeCluster({
    spec: {
      origins: [
        { name: 'main', service: { name: 'srs', port: 1935 } },
        { name: 'secure', service: { name: 'srs', namespace: 'other', port: 'rtmps' }, tls: {} },
        { name: 'named', servers: ['origin-a.media:1935'] },
        { name: 'never', service: { name: 'never', port: 1935 } },
      ],
      vhosts: [
        { name: '__defaultVhost__' },
        { name: 'secure.example.com', origin: 'secure' },
        { name: 'named.example.com', origin: 'named' },
        { name: 'never.example.com', origin: 'never' },
      ],
    },
  });
  const secure = ['10.0.0.3:1443'];
  const origins = new Map<string, readonly string[]>([
    ['main', addresses],
    ['secure', secure],
    ['named', ['origin-a.media:1935']],
    ['never', ['never.media.svc:1935']],
  ]);
  const last = new LastOrigins();
  const { text } = renderConfig(cluster, origins, [], new Map([['secure', ['srs.other.svc:1443']]]));
  last.recall(cluster, () => text);
  assert.deepEqual(known(last, cluster), [addresses, secure, [], []]);
  assert.deepEqual(lookups(last, cluster), [[], ['srs.other.svc:1443'], [], []]);
});

test('it is looked at once, and need not be one', () => {
  const cluster = following('srs');
  const { text } = renderConfig(cluster, new Map([['main', addresses]]));
  for (const conf of ['', 'vhost', 'vhost __defaultVhost__ { cluster { origin', 'vhost a { } }}', '\0']) {
    const last = new LastOrigins();
    last.recall(cluster, () => conf);
    last.recall(cluster, () => text);
    assert.deepEqual(known(last, cluster), [[]], conf);
  }
  const last = new LastOrigins();
  last.recall(following('srs', { origins: [{ name: 'main', servers: ['a:1935'] }] }), () =>
    assert.fail('nothing follows a Service'),
  );
});
