/** `edgecluster import`: what it writes is an EdgeCluster that does the same, and what is otherwise is told. */

import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import { diffConfig } from '../../edge/conf/diff.ts';
import { loadConfig, parseConfig } from '../../edge/conf/load.ts';
import type { EdgeConfig } from '../../edge/conf/model.ts';
import { importConfig } from '../../operator/import/import.ts';
import { carriedByFields } from '../../operator/import/rest.ts';
import { clustersOf, ManifestError } from '../../operator/manifest.ts';
import { renderOffline } from '../../operator/render-offline.ts';
import { configs } from '../conf/arbitrary.ts';
import { edgecluster } from '../support/edgecluster-command.ts';
import { temporaryDirectory } from '../support/programs.ts';
import fc from '../support/property.ts';

/** What edges would run. */
function configOf(manifest: string): EdgeConfig {
  const [cluster] = clustersOf(manifest, 'imported', undefined);
  assert.ok(cluster !== undefined);
  return renderOffline(cluster, { edgeImage: 'edge', podMonitors: false }, 'imported').config.config;
}

/** Differences between a file and its EdgeCluster that nobody is told of. */
function untold(config: EdgeConfig): readonly string[] {
  const { manifest, notes } = importConfig(config, { name: 'live' });
  const { changes } = diffConfig(configOf(manifest), config);
  return changes
    .filter(({ path }) => !carriedByFields.has(path.replace(/^vhost .*: /, 'vhost.')))
    .filter(({ path }) => !notes.some((note) => note.startsWith(`${path}: `)))
    .map(({ path }) => path);
}

/** With names that Kubernetes takes, and an edge in each vhost: else hardly any file would be an EdgeCluster. */
function likely(config: EdgeConfig): EdgeConfig {
  const edge = 'cluster { mode remote; origin 10.0.0.1; token_traverse on; }';
  const cluster = parseConfig(`listen 1935; vhost a { ${edge} }`).config.vhosts[0]?.cluster ?? { mode: 'local' };
  return {
    ...config,
    edge: { ...config.edge, drainTimeoutMs: 30_000 },
    vhosts: (config.vhosts.length > 0 ? config.vhosts : [defaultVhost()]).map((vhost, index) => ({
      ...vhost,
      name: `v${index}.example.com`,
      enabled: true,
      cluster:
        vhost.cluster.mode === 'remote'
          ? { ...vhost.cluster, origins: cluster.mode === 'remote' ? cluster.origins : [], vhost: '[vhost]' }
          : cluster,
      edge: { ...vhost.edge, originTlsName: '' },
      access: { ...vhost.access, token: { ...vhost.access.token, play: false, publish: false } },
    })),
  };
}

const srsFile = `
listen 1935; max_connections 1000; pid objs/edge.pid; http_server { enabled on; listen 80; }
vhost __defaultVhost__ {
  cluster { mode remote; origin 10.0.0.1:1935 10.0.0.2; token_traverse on; }
  play { gop_cache off; queue_length 10; }
  http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }
  http_hooks { enabled on; on_publish http://auth.example.com/p http://127.0.0.1:8085/p; }
  security { enabled on; allow play all; deny publish 10.1.0.0/16; }
  hls { enabled on; }
}
vhost rtmps.example.com { cluster { mode remote; origin rtmps://origin.example.com; } out_ack_size 1000; }
vhost here.example.com { cluster { mode local; } }
`;

describe('edgecluster import', () => {
  test('writes what edges of SRS say, and tells what it does not carry', async (t) => {
    const file = join(temporaryDirectory(t), 'srs.conf');
    writeFileSync(file, srsFile);
    const { code, out, err } = await edgecluster(['import', file, '--name', 'tv', '-n', 'media']);
    assert.equal(code, 0, err);
    const { metadata, spec } = parse(out) as { metadata: unknown; spec: Record<string, unknown> };
    assert.deepEqual(metadata, { name: 'tv', namespace: 'media' });
    assert.match((await edgecluster(['import', file, '-n', 'A/b'])).err, /^--namespace: "A\/b" is no namespace/);
    assert.deepEqual(spec, {
      origins: [
        { name: 'main', servers: ['10.0.0.1:1935', '10.0.0.2:1935'] },
        { name: 'group-2', servers: ['origin.example.com:443'], tls: {} },
      ],
      vhosts: [
        {
          name: '__defaultVhost__',
          tokenTraverse: true,
          play: { gopCache: false, queueLengthSeconds: 10 },
          hooks: { onPublish: ['http://auth.example.com/p', 'http://127.0.0.1:8085/p'] },
          security: { allow: [{ action: 'Play' }], deny: [{ action: 'Publish', from: '10.1.0.0/16' }] },
        },
        {
          name: 'rtmps.example.com',
          origin: 'group-2',
          httpFlv: { enabled: false },
          extraDirectives: 'out_ack_size 1000;\n',
        },
      ],
      listeners: { http: { servicePort: 80 } },
      maxConnections: 1000,
    });
    for (const told of [
      /srs\.conf:\d+:\d+: "hls" has no effect/,
      /pid: a pod needs none/,
      /vhost here\.example\.com: it is an origin \(mode local\)/,
      /callback http:\/\/127\.0\.0\.1:8085\/p is this machine/,
      /http_api: it is on in every EdgeCluster/,
    ]) {
      assert.match(err, told);
    }
    assert.deepEqual(untold(parseConfig(srsFile).config), []);
  });

  test('a file that is wrong, that has no edge, or that is not there: 1, and why; wrong arguments: 2', async (t) => {
    const file = join(temporaryDirectory(t), 'srs.conf');
    for (const [text, message] of [
      ['listen 1935; vhost a { paly { } }', /unknown directive "paly"/],
      ['listen 1935; vhost a { cluster { mode local; } }', /no vhost in `mode remote`/],
    ] as const) {
      writeFileSync(file, text);
      const { code, out, err } = await edgecluster(['import', file]);
      assert.deepEqual([code, out], [1, '']);
      assert.match(err, message);
    }
    assert.equal((await edgecluster(['import', `${file}.no`])).code, 1);
    assert.equal((await edgecluster(['import'])).code, 2);
    assert.equal((await edgecluster(['import', file, file])).code, 2);
  });

  test('of any configuration the manifest is valid, and no difference is kept back', () => {
    let imported = 0;
    fc.assert(
      fc.property(configs, (config) => {
        try {
          assert.deepEqual(untold(likely(config)), []);
          imported++;
        } catch (error) {
          // What no EdgeCluster can say is refused, with the API server's words.
          if (!(error instanceof ManifestError)) throw error;
          assert.match(error.message, /\S/);
        }
      }),
      { numRuns: 40 },
    );
    assert.ok(imported > 0);
  });

  const srs = process.env.SRS_CONF_DIR;
  test('edges of SRS’s own files', {
    skip:
      (srs === undefined || !existsSync(srs)) && 'SRS_CONF_DIR IS NOT SET: set it to the folder `trunk/conf` of SRS',
  }, () => {
    for (const name of ['edge.conf', 'edge2.conf', 'edge.token.traverse.conf', 'http.flv.live.edge1.conf']) {
      assert.deepEqual(untold(loadConfig(join(srs ?? '', name)).config), [], name);
    }
  });
});
