/** `edgecluster import` knows every directive of the reference: the manifest carries it, or it is told by name. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import { diffConfig } from '../../edge/conf/diff.ts';
import { ROOT } from '../../edge/conf/directives/root.ts';
import { variablesOf } from '../../edge/conf/env.ts';
import { parseConfig } from '../../edge/conf/load.ts';
import type { EdgeConfig, VhostConfig } from '../../edge/conf/model.ts';
import { ConfigError } from '../../edge/conf/problem.ts';
import { leavesOf } from '../../edge/conf/schema.ts';
import type { ClientProtocol } from '../../edge/stream/request.ts';
import { endpointOf, protocolOf } from '../../edge/upstream/origins/endpoints.ts';
import { type Imported, importConfig } from '../../operator/import/import.ts';
import { carriedByFields } from '../../operator/import/rest.ts';
import { clustersOf } from '../../operator/manifest.ts';
import { renderOffline } from '../../operator/render-offline.ts';
import fc from '../support/property.ts';

/** All that can be on is on, so that each directive has something to say. */
const whole = `
listen 1935;
rtmps { enabled on; key /k; cert /c; }
http_api { enabled on; auth { enabled on; username a; password b; } https { enabled on; key /k; cert /c; } }
http_server { enabled on; https { enabled on; listen 8443; key /k; cert /c; } }
exporter { enabled on; }
edge { trusted_proxies 10.0.0.0/8; }
vhost a.example.com {
  cluster { mode remote; origin 10.0.0.1; }
  http_hooks { enabled on; }
  security { enabled on; allow play all; }
  refer { enabled on; all example.com; }
  http_remux { enabled on; }
  edge { token { play on; keys_file /keys; } }
}`;

/** Enough for every type of a value: the first that a directive takes, and that changes it, is its sample. */
const samples = [
  ...[
    '7',
    '77',
    '7777',
    '4096',
    '77777',
    '7777777',
    'off',
    'on',
    'hash',
    'zero',
    'admit',
    'connect',
    'error',
    'file',
    'local',
  ],
  ...[
    'flv',
    '10.9.9.9:7777',
    '10.9.9.9',
    'b.example.com:7777',
    'play 10.0.0.0/8',
    'http://h/',
    'https://h',
    '/a/[stream].flv',
  ],
];

/**
 * Directives that fields carry though edges in pods are told something else, with a value, where the manifest says it
 * (or which note tells it).
 */
const byField: Readonly<Record<string, readonly [value: string, at: string | RegExp, expected?: unknown]>> = {
  listen: ['1936', 'listeners.rtmp.port', 1936],
  'rtmps.enabled': ['off', 'listeners.rtmps', undefined],
  'rtmps.listen': ['443', 'listeners.rtmps.servicePort', 443],
  'rtmps.key': ['/k2', /^rtmps: .* --key=\/k2$/],
  'rtmps.cert': ['/c2', /^rtmps: .* --cert=\/c2 /],
  'http_api.enabled': ['off', /^http_api: it is on in every EdgeCluster/],
  'http_api.listen': ['2000', 'listeners.api.port', 2000],
  'http_server.enabled': ['off', 'listeners.http.enabled', false],
  'http_server.listen': ['80', 'listeners.http.servicePort', 80],
  'http_server.https.enabled': ['off', 'listeners.https', undefined],
  'http_server.https.listen': ['443', 'listeners.https.servicePort', 443],
  'http_server.https.key': ['/k2', /^https: .* --key=\/k2$/],
  'http_server.https.cert': ['/c2', /^https: .* --cert=\/c2 /],
  'exporter.enabled': ['off', /^exporter: it is on unless/],
  'exporter.credentials_file': ['/m', 'listeners.exporter.requireCredentials', true],
  'exporter.listen': ['9000', 'listeners.exporter.port', 9000],
  'edge.drain_timeout': ['7000', 'pods.drainSeconds', 7],
  'edge.page': ['on', /^edge\.page: pods serve no page unless/],
  'vhost.edge.drain_timeout': ['7', /^vhost a\.example\.com: edge\.drain_timeout: pods have one time/],
  'vhost.cluster.origin': ['o.example.com:77', 'origins.0.servers.0', 'o.example.com:77'],
  'vhost.cluster.protocol': ['flv', 'origins.0.pull.protocol', 'HttpFlv'],
  'vhost.edge.origin_http_port': ['77', /^vhost a\.example\.com: edge\.origin_http_port: nothing is pulled by HTTP/],
  'vhost.edge.origin_https_port': ['77', /^vhost a\.example\.com: edge\.origin_https_port: nothing is pulled by HTTP/],
  'vhost.edge.origin_tls_ca_file': ['/ca', /put the content of \/ca into tls\.caBundle/],
  'vhost.edge.origin_keys_file': ['/up/K 4', 'origins.0.keysSecretName', 'up-k-4'],
  'vhost.edge.token.keys_file': ['/k3', /^vhost a\.example\.com: the keys come from a Secret: .*=\/k3$/],
  'vhost.edge.token.jwks_file': ['/set', /^vhost a\.example\.com: put the content of \/set into spec\.vhosts/],
};

/** Directives of a vhost that an EdgeCluster has in `mode remote` alone. Another vhost is left out, and told. */
const ofWholeVhost: ReadonlySet<string> = new Set(['vhost.enabled', 'vhost.cluster.mode']);

function variableOf(path: readonly string[]): string {
  return variablesOf(path)[0] ?? '';
}

function withValue(path: readonly string[], value: string): EdgeConfig | undefined {
  try {
    const env = { [variableOf(path)]: value };
    // Nothing has HTTPS that is off.
    const https = path.with(-1, 'https').concat('enabled');
    const isOff = value === 'off' && leavesOf(ROOT.fields).some((leaf) => isDeepStrictEqual(leaf.path, https));
    return parseConfig(whole, { env: { ...env, ...(isOff && { [variableOf(https)]: 'off' }) } }).config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return undefined;
  }
}

function imported(config: EdgeConfig): Imported {
  return importConfig(config, { name: 'live' });
}

/** What edges would run. */
function configOf(manifest: string): EdgeConfig {
  const [cluster] = clustersOf(manifest, 'imported', undefined);
  assert.ok(cluster !== undefined);
  return renderOffline(cluster, { edgeImage: 'edge', podMonitors: false }, 'imported').config.config;
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce((inner, key) => Object(inner)[key], value);
}

describe('every directive of the reference', () => {
  const standard = parseConfig(whole).config;

  for (const { path } of leavesOf(ROOT.fields)) {
    const name = path.join('.');
    if (name === 'daemon') continue; // Only `off` is a value of it.
    if (name in byField || ofWholeVhost.has(name)) continue;
    test(name, () => {
      const config = samples
        .map((sample) => withValue(path, sample))
        .find((each) => each !== undefined && diffConfig(standard, each).changes.length > 0);
      assert.ok(config !== undefined, `add a value of ${name} to the samples`);
      const changed = new Set(diffConfig(standard, config).changes.map((change) => change.path));
      const { manifest, notes } = imported(config);
      const lost = diffConfig(configOf(manifest), config).changes.filter((change) => changed.has(change.path));
      for (const { path } of lost) {
        assert.ok(
          notes.some((note) => note.startsWith(`${path}: `)),
          `${path} is lost without a word: ${notes.join('\n')}`,
        );
      }
    });
  }

  test('a vhost that is no edge is left out, and told', () => {
    const others = 'vhost b { enabled off; cluster { mode remote; origin o; } } vhost c { cluster { mode local; } }';
    const { manifest, notes } = imported(parseConfig(`${whole} ${others}`).config);
    assert.equal(parse(manifest).spec.vhosts.length, 1);
    for (const told of [/^vhost b: it is disabled/, /^vhost c: it is an origin/])
      assert.ok(notes.some((note) => told.test(note)));
  });

  test('what fields carry, and say otherwise to edges, is where it belongs', () => {
    assert.deepEqual(Object.keys(byField).toSorted(), [...carriedByFields].toSorted());
    for (const [name, [value, where, expected]] of Object.entries(byField)) {
      const config = withValue(name.split('.'), value);
      assert.ok(config !== undefined, name);
      const { manifest, notes } = imported(config);
      if (typeof where === 'string') assert.deepEqual(at(parse(manifest).spec, where), expected, name);
      else
        assert.ok(
          notes.some((note) => where.test(note)),
          `${name}: ${notes.join('\n')}`,
        );
    }
  });
});

/** What an edge connects to for a stream that is played or published by `by`. */
function endpoints(vhost: VhostConfig, purpose: 'play' | 'publish', by: ClientProtocol): readonly string[] {
  const { cluster } = vhost;
  if (cluster.mode === 'local') return [];
  const protocol = protocolOf(vhost, { purpose, by });
  const all = cluster.origins.map((origin) => {
    const { scheme, host, port } = endpointOf(origin, protocol, vhost);
    return `${scheme}://${host}:${port}`;
  });
  return [...new Set(all)];
}

describe('what streams are pulled by, and from where', () => {
  function groupOf(cluster: string, edge = ''): { readonly group: unknown; readonly notes: readonly string[] } {
    const { config } = parseConfig(
      `listen 1; http_api { enabled on; } exporter { enabled on; } vhost a { cluster { mode remote; ${cluster} } edge { ${edge} } }`,
    );
    const { manifest, notes } = imported(config);
    return { group: parse(manifest).spec.origins[0], notes };
  }
  const main = { name: 'main' };
  const http = { protocol: 'HttpFlv' };

  test('by HTTP-FLV: the port in `origin` is that of HTTP', () => {
    assert.deepEqual(groupOf('origin 10.0.0.1:8081 10.0.0.2:8081; protocol flv;'), {
      group: { ...main, servers: ['10.0.0.1:1935', '10.0.0.2:1935'], pull: { ...http, httpPort: 8081 } },
      notes: [],
    });
    assert.deepEqual(groupOf('origin 10.0.0.1:8081; protocol flv; follow_client on;').group, {
      ...main,
      servers: ['10.0.0.1:1935'],
      pull: { ...http, followClient: true, httpPort: 8081, httpsPort: 443 },
    });
  });

  test('a port of its own for HTTP leaves that of RTMP in `origin`', () => {
    assert.deepEqual(groupOf('origin 10.0.0.1:1936; protocol flv;', 'origin_http_port 81;').group, {
      ...main,
      servers: ['10.0.0.1:1936'],
      pull: { ...http, httpPort: 81 },
    });
    assert.deepEqual(groupOf('origin 10.0.0.1:1936; follow_client on;', 'origin_http_port 81;').group, {
      ...main,
      servers: ['10.0.0.1:1936'],
      pull: { followClient: true, httpPort: 81, httpsPort: 443 },
    });
  });

  test('TLS is for RTMP and HTTP: where the file has it for one of them, that is told', () => {
    const flvs = groupOf('origin 10.0.0.1:8089; protocol flvs;');
    assert.deepEqual(flvs.group, {
      ...main,
      servers: ['10.0.0.1:443'],
      tls: {},
      pull: { ...http, httpsPort: 8089 },
    });
    assert.match(flvs.notes.join(), /pushes publishers by RTMPS/);
    const flv = groupOf('origin rtmps://10.0.0.1:8081; protocol flv;', 'origin_https_port 8443;');
    assert.deepEqual(flv.group, {
      ...main,
      servers: ['10.0.0.1:443'],
      tls: {},
      pull: { ...http, httpsPort: 8443 },
    });
    assert.match(flv.notes.join(), /cluster\.protocol: an EdgeCluster pulls from rtmps:/);
    assert.deepEqual(groupOf('origin a b:444; protocol rtmps;', 'origin_tls_name o.example.com;'), {
      group: { ...main, servers: ['a:443', 'b:444'], tls: { serverName: 'o.example.com' } },
      notes: [],
    });
  });

  test('origins at several ports of HTTP: those at the first one, and the others are named', () => {
    const { group, notes } = groupOf('origin a:81 b:82 c:81; protocol flv;');
    assert.deepEqual(group, { ...main, servers: ['a:1935', 'c:1935'], pull: { ...http, httpPort: 81 } });
    assert.match(notes.join(), /one port for HTTP, so b:82 is left out/);
  });

  test('an origin that is there twice is one', () => {
    assert.deepEqual(groupOf('origin a a:1935;').group, { ...main, servers: ['a:1935'] });
  });

  test('of any file, edges in pods connect to the same places, or it is told', () => {
    const origin = fc.constantFrom('a', 'b:81', 'rtmps://c', 'rtmps://d:444', '[::1]:82');
    const line = fc.record({
      origins: fc.uniqueArray(origin, { minLength: 1, maxLength: 3 }),
      protocol: fc.constantFrom('rtmp', 'rtmps', 'flv', 'flvs'),
      follow: fc.constantFrom('on', 'off'),
      ports: fc.subarray(['origin_http_port 90;', 'origin_https_port 91;']),
    });
    fc.assert(
      fc.property(line, ({ origins, protocol, follow, ports }) => {
        const { config } = parseConfig(
          `listen 1; vhost a { cluster { mode remote; origin ${origins.join(' ')}; protocol ${protocol}; follow_client ${follow}; } edge { ${ports.join(' ')} } }`,
        );
        const { manifest, notes } = imported(config);
        const [before = defaultVhost()] = config.vhosts;
        const [after = defaultVhost()] = configOf(manifest).vhosts;
        const same = (['rtmp', 'http-flv', 'https-flv'] as const).every((by) =>
          (['play', 'publish'] as const).every((purpose) =>
            isDeepStrictEqual(endpoints(before, purpose, by), endpoints(after, purpose, by)),
          ),
        );
        const told = notes.some((note) => /^vhost a: (cluster\.protocol: |.* is left out)/.test(note));
        assert.ok(same || told, `${JSON.stringify(endpoints(before, 'play', 'rtmp'))} ${manifest}`);
      }),
      { numRuns: 200 },
    );
  });
});

describe('what an EdgeCluster has no empty form of', () => {
  function vhostOf(text: string): { readonly vhost: VhostConfig; readonly notes: readonly string[] } {
    const { config } = parseConfig(`listen 1; vhost a { cluster { mode remote; origin o; } ${text} }`);
    const { manifest, notes } = imported(config);
    return { vhost: configOf(manifest).vhosts[0] ?? defaultVhost(), notes };
  }

  test('callbacks that are on, and none is given', () => {
    assert.equal(vhostOf('http_hooks { enabled on; }').vhost.httpHooks.enabled, true);
  });

  test('a rule list that is empty lets nobody in', () => {
    assert.deepEqual(vhostOf('security { enabled on; }').vhost.access.security, {
      enabled: true,
      allow: [],
      deny: [],
    });
  });

  test('keys of JSON Web Tokens in a file: nobody is let in until they stand in the manifest', () => {
    const { vhost, notes } = vhostOf('edge { token { play on; jwks_file /set; issuer i; } }');
    assert.equal(vhost.access.token.play, true);
    assert.equal(vhost.access.token.issuer, 'i');
    assert.ok(notes.some((note) => note.includes('put the content of /set into spec.vhosts[].token.jwks')));
  });

  test('an issuer beside keys of signed URLs', () => {
    assert.equal(vhostOf('edge { token { play on; keys_file /k; issuer i; } }').vhost.access.token.issuer, 'i');
  });
});

test('other listeners at one port: the API and the exporter go to their usual ones, and that is told', () => {
  const { config } = parseConfig(
    'listen 1935; http_server { enabled on; } http_api { enabled on; listen 8080; } vhost a { cluster { mode remote; origin o; } }',
  );
  const { manifest, notes } = imported(config);
  assert.equal(parse(manifest).spec.listeners, undefined);
  assert.ok(notes.some((note) => note.startsWith('http_api.listen: port 8080 is that of another listener')));
});
