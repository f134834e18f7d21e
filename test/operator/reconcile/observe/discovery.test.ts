import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Endpoint, V1EndpointSlice, V1Service } from '@kubernetes/client-node';
import { type OriginSources, resolveOrigins } from '../../../../operator/reconcile/observe/discovery.ts';
import { referencesOf } from '../../../../operator/reconcile/observe/references.ts';
import { checkSecrets } from '../../../../operator/reconcile/observe/tls-secrets.ts';
import { endpointsView, originServiceView, tlsSecretView } from '../../../../operator/reconcile/observe/views.ts';
import { edgeCluster } from '../../../support/edge-clusters.ts';
import fc from '../../../support/property.ts';

const group = { name: 'main', service: { name: 'srs', namespace: 'origins', port: 1935 } };

function service(spec: V1Service['spec'] = {}): V1Service {
  return {
    metadata: { name: 'srs', namespace: 'origins' },
    spec: { ports: [{ name: 'rtmp', port: 1935 }], ipFamilies: ['IPv4'], ...spec },
  };
}

function slice(endpoints: readonly V1Endpoint[], more: Partial<V1EndpointSlice> = {}): V1EndpointSlice {
  return {
    metadata: { name: 'srs-1', namespace: 'origins', labels: { 'kubernetes.io/service-name': 'srs' } },
    addressType: 'IPv4',
    endpoints: [...endpoints],
    ports: [{ name: 'rtmp', port: 11935, protocol: 'TCP' }],
    ...more,
  };
}

function at(...addresses: string[]): V1Endpoint[] {
  return addresses.map((address) => ({ addresses: [address] }));
}

/** Addresses and reasons of problems. */
function resolve(
  groups: readonly object[],
  services: readonly V1Service[] = [],
  slices: readonly V1EndpointSlice[] = [],
  more: Partial<OriginSources> = {},
): {
  readonly addresses: readonly string[];
  readonly reasons: readonly string[];
  readonly messages: readonly string[];
} {
  const { origins, problems } = resolveOrigins(edgeCluster({ spec: { origins: groups } }), {
    service: (namespace, name) =>
      services
        .map(originServiceView)
        .find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
    slices: (namespace, name) =>
      slices.map(endpointsView).filter((view) => view.metadata.namespace === namespace && view.service === name),
    ...more,
  });
  return {
    addresses: origins.get('main') ?? [],
    reasons: problems.map(({ reason }) => reason),
    messages: problems.map(({ message }) => message),
  };
}

test('listed servers keep their order and get a port', () => {
  const servers = ['b.media', 'a.media:1936', 'b.media:1935', '[2001:db8::1]', '[2001:db8::2]:19'];
  const { addresses } = resolve([{ name: 'main', servers }]);
  assert.deepEqual(addresses, ['b.media:1935', 'a.media:1936', '[2001:db8::1]:1935', '[2001:db8::2]:19']);
  assert.deepEqual(resolve([{ name: 'main', servers: ['b.media'], tls: {} }]).addresses, ['b.media:443']);
});

test('a Service is followed to its endpoints, by the name of its port', () => {
  const slices = [
    slice(at('10.0.0.10', '10.0.0.9')),
    slice(at('10.0.0.1', '10.0.0.9'), { metadata: { ...slice([]).metadata, name: 'srs-2' } }),
  ];
  const wanted = { addresses: ['10.0.0.1:11935', '10.0.0.9:11935', '10.0.0.10:11935'], reasons: [], messages: [] };
  assert.deepEqual(resolve([group], [service()], slices), wanted);
  const byName = { name: 'main', service: { name: 'srs', namespace: 'origins', port: 'rtmp' } };
  assert.deepEqual(resolve([byName], [service()], slices.toReversed()), wanted);
});

test('other Services and other ports are not followed', () => {
  const other = slice(at('10.0.0.2'), {
    metadata: { namespace: 'origins', labels: { 'kubernetes.io/service-name': 'srs2' } },
  });
  const elsewhere = slice(at('10.0.0.3'), {
    metadata: { namespace: 'media', labels: { 'kubernetes.io/service-name': 'srs' } },
  });
  const ports = slice(at('10.0.0.4'), { ports: [{ name: 'api', port: 1985 }] });
  const udp = slice(at('10.0.0.5'), {
    ports: [
      { name: 'rtmp', port: 1935, protocol: 'UDP' },
      { name: 'x', port: 1 },
    ],
  });
  assert.deepEqual(resolve([group], [service()], [other, elsewhere, ports, udp, slice(at('10.0.0.1'))]).addresses, [
    '10.0.0.1:11935',
  ]);
});

test('only ready endpoints are used; without any, those that end but still serve', () => {
  const ready = { addresses: ['10.0.0.1'], conditions: { ready: true } };
  const unready = { addresses: ['10.0.0.2'], conditions: { ready: false, serving: false } };
  const draining = { addresses: ['10.0.0.3'], conditions: { ready: false, serving: true, terminating: true } };
  const ended = { addresses: ['10.0.0.4'], conditions: { ready: false, serving: false, terminating: true } };
  const found = (...endpoints: V1Endpoint[]) => resolve([group], [service()], [slice(endpoints)]);
  assert.deepEqual(found(draining, ready, unready, ended).addresses, ['10.0.0.1:11935']);
  assert.deepEqual(found(unready, draining, ended).addresses, ['10.0.0.3:11935']);
  assert.deepEqual(found(unready, ended), {
    addresses: ['srs.origins.svc:1935'],
    reasons: ['NoEndpoints'],
    messages: ['origin group main: Service origins/srs has no ready endpoint; look at the pods it selects'],
  });
});

test('of two IP families one is used: the Service’s first, else the one that there is', () => {
  const v6 = slice(at('2001:db8::2', '2001:db8::1'), { addressType: 'IPv6' });
  const v4 = slice(at('10.0.0.1'));
  const found = (families: string[], ...slices: V1EndpointSlice[]) =>
    resolve([group], [service({ ipFamilies: families })], slices).addresses;
  assert.deepEqual(found(['IPv4', 'IPv6'], v6, v4), ['10.0.0.1:11935']);
  assert.deepEqual(found(['IPv6', 'IPv4'], v6, v4), ['[2001:db8::1]:11935', '[2001:db8::2]:11935']);
  assert.deepEqual(found(['IPv4', 'IPv6'], v6), ['[2001:db8::1]:11935', '[2001:db8::2]:11935']);
});

test('pods of a StatefulSet are ordered by their names', () => {
  const named = (hostname: string, address: string) => ({ addresses: [address], hostname });
  const endpoints = [named('srs-10', '10.0.0.1'), named('srs-2', '10.0.0.9'), named('srs-0', '10.0.0.5')];
  assert.deepEqual(resolve([group], [service()], [slice(endpoints)]).addresses, [
    '10.0.0.5:11935',
    '10.0.0.9:11935',
    '10.0.0.1:11935',
  ]);
});

test('headless Services may have no ports, ExternalName Services are their host', () => {
  const bare = service({ ports: [], clusterIP: 'None' });
  assert.deepEqual(resolve([group], [bare], [slice(at('10.0.0.1'), { ports: [] })]).addresses, ['10.0.0.1:1935']);
  const external = service({ type: 'ExternalName', externalName: 'live.example.com', ports: [] });
  assert.deepEqual(resolve([group], [external]), { addresses: ['live.example.com:1935'], reasons: [], messages: [] });
});

test('what cannot be found gets its DNS name, and a problem that says what to do', () => {
  assert.deepEqual(resolve([group]), {
    addresses: ['srs.origins.svc:1935'],
    reasons: ['ServiceNotFound'],
    messages: ['origin group main: there is no Service origins/srs; create it, or correct spec.origins[].service'],
  });
  const ports = [{ port: 80 }, { name: 'rtmp', port: 1936 }, { name: 'srt', port: 1935, protocol: 'UDP' }];
  assert.deepEqual(resolve([group], [service({ ports })]), {
    addresses: ['srs.origins.svc:1935'],
    reasons: ['ServicePortNotFound'],
    messages: ['origin group main: Service origins/srs has no TCP port 1935; it has 80, 1936 (rtmp)'],
  });
  const byName = { name: 'main', service: { name: 'srs', port: 'rtmp' } };
  assert.deepEqual(resolve([byName]).addresses, ['srs.media.svc:1935']);
});

test('what shows no endpoint keeps the last known ones, and the problem says so', () => {
  const unready = (...addresses: string[]) => [
    slice(addresses.map((address) => ({ addresses: [address], conditions: { ready: false } }))),
  ];
  const last = () => ['10.0.0.1:11935', '10.0.0.2:11935'];
  const message = (kept: string) =>
    `origin group main: Service origins/srs has no ready endpoint, so edges keep the last known addresses, ${kept}; look at the pods it selects`;
  const found = (services: V1Service[], slices: V1EndpointSlice[]) => resolve([group], services, slices, { last });
  assert.deepEqual(found([service()], unready('10.0.0.1', '10.0.0.2', '10.0.0.3')), {
    addresses: last(),
    reasons: ['NoEndpoints'],
    messages: [message('10.0.0.1:11935, 10.0.0.2:11935')],
  });
  assert.deepEqual(found([service()], []).addresses, last());
  // Of pods that are gone the addresses may be others' by now.
  assert.deepEqual(found([service()], unready('10.0.0.2')), {
    addresses: ['10.0.0.2:11935'],
    reasons: ['NoEndpoints'],
    messages: [message('10.0.0.2:11935')],
  });
  assert.deepEqual(found([service()], unready('10.0.0.9')).addresses, last(), 'none of them is listed');
  const gone = found([], []);
  assert.deepEqual([gone.addresses, gone.reasons], [last(), ['ServiceNotFound']]);
  const otherPort = found([service({ ports: [{ name: 'rtmp', port: 1936 }] })], []);
  assert.deepEqual([otherPort.addresses, otherPort.reasons], [last(), ['ServicePortNotFound']]);
  // Its DNS name follows the pods; addresses would not.
  const unseen = resolve([group], [], [], { last, watches: () => false });
  assert.deepEqual(unseen.addresses, ['srs.origins.svc:1935']);
  assert.deepEqual(found([service()], [slice(at('10.0.0.7'))]), {
    addresses: ['10.0.0.7:11935'],
    reasons: [],
    messages: [],
  });
});

test('the endpoints of another namespace are followed where the Service lets it', () => {
  const slices = [slice(at('10.0.0.1'))];
  const annotated = (value: string) => {
    const bare = service();
    return { ...bare, metadata: { ...bare.metadata, annotations: { 'edgecluster.io/origins-for': value } } };
  };
  const found = (services: V1Service[], more: object = {}) =>
    resolve([group], services, slices, { requireConsent: true, ...more });
  for (const value of ['media', 'other, media', ' media ', '*'])
    assert.deepEqual(found([annotated(value)]), { addresses: ['10.0.0.1:11935'], reasons: [], messages: [] }, value);
  const refused = found([service()]);
  assert.deepEqual(refused, {
    addresses: ['srs.origins.svc:1935'],
    reasons: ['RefNotPermitted'],
    messages: [
      'origin group main: Service origins/srs does not let EdgeClusters of namespace media follow its endpoints; who owns it allows it: kubectl annotate service -n origins srs edgecluster.io/origins-for=media',
    ],
  });
  for (const value of ['', 'medi', 'media2', 'other', 'a*', 'Media'])
    assert.deepEqual(found([annotated(value)]), refused, value);
  // Whether it is there is not told.
  assert.deepEqual(found([]), refused);
  assert.deepEqual(found([service()], { last: () => ['10.0.0.9:1'] }).addresses, ['10.0.0.9:1']);
  const own = { ...service(), metadata: { name: 'srs', namespace: 'media' } };
  const near = {
    ...slice(at('10.0.0.1')),
    metadata: { name: 'x', namespace: 'media', labels: { 'kubernetes.io/service-name': 'srs' } },
  };
  const nearGroup = { name: 'main', service: { name: 'srs', port: 1935 } };
  assert.deepEqual(resolve([nearGroup], [own], [near], { requireConsent: true }).reasons, []);
});

test('a parent is followed by its headless Service, and what streams would fail for is told', () => {
  const above = { name: 'main', edgeCluster: { name: 'srs', namespace: 'origins' } };
  const headless = { metadata: { name: 'srs-edges', namespace: 'origins' }, spec: service().spec! };
  const edges = slice(at('10.0.0.2', '10.0.0.1'), {
    metadata: { name: 'x', namespace: 'origins', labels: { 'kubernetes.io/service-name': 'srs-edges' } },
  });
  const parent = (spec: object) => () =>
    ({
      kind: 'present',
      cluster: edgeCluster({ metadata: { name: 'srs', namespace: 'origins' }, spec: { ...spec } }),
    }) as const;
  const addresses = ['10.0.0.1:11935', '10.0.0.2:11935'];
  // An operator that does not see EdgeClusters there says nothing of them.
  assert.deepEqual(resolve([above], [headless], [edges]), { addresses, reasons: [], messages: [] });
  assert.deepEqual(resolve([above], [headless], [edges], { parent: parent({}) }).reasons, []);
  assert.deepEqual(resolve([above], [headless], [edges], { parent: () => ({ kind: 'absent' }) }), {
    addresses,
    reasons: ['ParentNotFound'],
    messages: [
      'origin group main: there is no EdgeCluster origins/srs, and the edges behind its Service may end at any time; create it, or correct spec.origins[].edgeCluster',
    ],
  });
  const elsewhere = parent({ vhosts: [{ name: 'a.example.com' }] });
  assert.deepEqual(resolve([above], [headless], [edges], { parent: elsewhere }), {
    addresses,
    reasons: ['ParentVhostMissing'],
    messages: [
      'origin group main: EdgeCluster origins/srs does not serve __defaultVhost__; add it to its spec.vhosts, or set the transform of the vhost here',
    ],
  });
  // While it cannot be found, its port stands in the spec.
  const ports = { rtmp: { port: 2935 }, rtmps: { port: 2443, secretName: 'tls' } };
  const unfound = (group: object) => resolve([group], [], [], { parent: parent({ listeners: ports }) }).addresses;
  assert.deepEqual(unfound(above), ['srs-edges.origins.svc:2935']);
  assert.deepEqual(unfound({ ...above, tls: {} }), ['srs-edges.origins.svc:2443']);
  assert.deepEqual(resolve([{ ...above, tls: {} }]).addresses, ['srs-edges.origins.svc:1443']);
  const last = () => ['10.0.0.9:1'];
  assert.deepEqual(resolve([above], [headless], [], { last, parent: parent({}) }), {
    addresses: last(),
    reasons: ['NoEndpoints'],
    messages: [
      'origin group main: EdgeCluster origins/srs has no ready edge, so edges keep the last known addresses, 10.0.0.9:1; look at its conditions',
    ],
  });
});

test('edges can look a Service up by themselves, at the port that DNS does not tell', () => {
  const lookups = (
    services: V1Service[],
    slices: V1EndpointSlice[],
    more: Partial<OriginSources> = {},
    wanted = group,
  ) =>
    resolveOrigins(edgeCluster({ spec: { origins: [wanted, { name: 'far', servers: ['b.media'] }] } }), {
      service: () => services.map(originServiceView)[0],
      slices: () => slices.map(endpointsView),
      ...more,
    }).lookups;
  const of = (...found: Parameters<typeof lookups>) => lookups(...found).get('main');
  const slices = [slice(at('10.0.0.1', '10.0.0.2'))];
  assert.deepEqual([...lookups([service()], slices).keys()], ['main'], 'servers are listed');
  assert.deepEqual(of([service()], slices), ['srs.origins.svc:1935'], 'the address of the Service has its own port');
  const headless = service({ clusterIP: 'None' });
  assert.deepEqual(of([headless], slices), ['srs.origins.svc:11935'], 'pods have that of their container');
  const other = slice(at('10.0.0.3'), { ports: [{ name: 'rtmp', port: 1936, protocol: 'TCP' }] });
  assert.deepEqual(of([headless], [...slices, other]), ['srs.origins.svc:11935', 'srs.origins.svc:1936']);
  assert.deepEqual(of([headless], []), ['srs.origins.svc:1935'], 'none was ever seen');
  assert.deepEqual(of([headless], [], { last: () => ['10.0.0.1:11935', '[fd00::1]:11935'] }), [
    'srs.origins.svc:11935',
  ]);
  assert.deepEqual(of([], []), ['srs.origins.svc:1935'], 'there is no such Service');
  const lastLookups = () => ['srs.origins.svc:11935'];
  assert.deepEqual(of([], [], { lastLookups }), lastLookups(), 'there was one: edges keep what they have');
  assert.deepEqual(of([service()], slices, { requireConsent: true }), ['srs.origins.svc:1935']);
  assert.deepEqual(of([service()], slices, { watches: () => false }), ['srs.origins.svc:1935']);
  const external = service({ type: 'ExternalName', externalName: 'live.example.com', ports: [] });
  assert.equal(of([external], []), undefined, 'its host is resolved at each connect');
  assert.equal(of([{ ...external, spec: { ...external.spec, ports: [{ port: 80 }] } }], []), undefined);
});

test('the order of slices and endpoints makes no difference', () => {
  const endpoint = fc.record({
    addresses: fc.tuple(fc.ipV4()),
    conditions: fc.record(
      { ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() },
      { requiredKeys: [] },
    ),
  });
  const lists = fc.array(fc.array(endpoint, { maxLength: 4 }), { maxLength: 3 });
  fc.assert(
    fc.property(lists, fc.infiniteStream(fc.nat()), (lists, random) => {
      const shuffled = <T>(items: readonly T[]): T[] => {
        const keys = new Map(items.map((item) => [item, random.next().value as number]));
        return items.toSorted((a, b) => keys.get(a)! - keys.get(b)!);
      };
      const straight = resolve(
        [group],
        [service()],
        lists.map((list) => slice(list)),
      );
      assert.deepEqual(
        resolve(
          [group],
          [service()],
          shuffled(lists).map((list) => slice(shuffled(list))),
        ),
        straight,
      );
      assert.ok(straight.addresses.length > 0);
      assert.equal(new Set(straight.addresses).size, straight.addresses.length);
    }),
  );
});

test('Secrets of TLS listeners are there, with certificate and key', () => {
  const cluster = edgeCluster({
    spec: {
      origins: [group],
      listeners: { rtmps: { secretName: 'tls', port: 1443 }, https: { secretName: 'web', port: 8443 } },
    },
  });
  assert.deepEqual(referencesOf(cluster), { services: ['origins/srs'], secrets: ['media/tls', 'media/web'] });
  const found = (data: Record<string, string>) =>
    tlsSecretView({ metadata: { name: 'tls', namespace: 'media' }, data, type: 'kubernetes.io/tls' });
  const problems = checkSecrets(cluster, (_, name) => (name === 'tls' ? found({ 'tls.crt': 'eA==' }) : undefined));
  assert.deepEqual(
    problems.map(({ message }) => message),
    [
      'spec.listeners.rtmps: Secret media/tls has no tls.key',
      'spec.listeners.https: there is no Secret media/web of type kubernetes.io/tls; create it with "kubectl create secret tls web -n media --cert=FILE --key=FILE"',
    ],
  );
  assert.deepEqual(
    checkSecrets(cluster, () => found({ 'tls.crt': 'eA==', 'tls.key': 'eA==' })),
    [],
  );
});

test('of a Secret nothing is kept but the names of its keys', () => {
  const view = tlsSecretView({
    metadata: {
      name: 'tls',
      namespace: 'media',
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'hidden' },
    },
    data: { 'tls.key': 'hidden', 'tls.crt': 'hidden' },
  });
  assert.deepEqual(view.keys, ['tls.crt', 'tls.key']);
  assert.ok(!JSON.stringify(view).includes('hidden'));
});
