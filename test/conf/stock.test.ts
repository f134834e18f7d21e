/** Files as SRS users have them: ours of the same shapes always, SRS's own where `SRS_CONF_DIR` names its folder. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ROOT } from '../../edge/conf/directives/root.ts';
import { loadConfig, parseConfig } from '../../edge/conf/load.ts';
import type { EdgeConfig, RemoteCluster } from '../../edge/conf/model.ts';
import { printConfig } from '../../edge/conf/print.ts';
import { ConfigError } from '../../edge/conf/problem.ts';
import type { Block, Fields } from '../../edge/conf/schema.ts';
import { findVhost } from '../../edge/conf/vhost.ts';

const fixtures = join(import.meta.dirname, 'fixtures');

function load(name: string): EdgeConfig {
  const { config, warnings } = loadConfig(join(fixtures, name));
  assert.deepEqual(warnings, []);
  return config;
}

function remote(config: EdgeConfig, vhost = 'any.example.com'): RemoteCluster {
  const cluster = findVhost(config, vhost)?.cluster;
  assert.ok(cluster?.mode === 'remote');
  return cluster;
}

describe('configurations of SRS', () => {
  it('edge with RTMP and HTTP-FLV', () => {
    const config = load('edge.conf');
    assert.deepEqual(config.listen, [{ host: undefined, port: 1935 }]);
    assert.equal(config.pidFile, 'objs/edge.pid');
    assert.equal(config.httpServer.enabled, true);
    assert.deepEqual(remote(config).origins, [{ scheme: 'rtmp', host: '127.0.0.1', port: 19350 }]);
    assert.equal(findVhost(config, 'a.com')?.httpRemux.enabled, true);
    assert.equal(config.httpApi.enabled, false);
  });

  it('edge with RTMP only', () => {
    const config = load('edge-rtmp-only.conf');
    assert.equal(config.httpServer.enabled, false);
    assert.equal(remote(config).tokenTraverse, false);
    assert.equal(remote(config).vhost, '[vhost]');
  });

  it('edge with token traverse', () => assert.equal(remote(load('edge-token-traverse.conf')).tokenTraverse, true));

  it('an origin without a port is at 1935', () => assert.equal(remote(load('edge-flv.conf')).origins[0]?.port, 1935));

  it('several origins keep their order', () => {
    const ports = remote(load('edge-two-origins.conf')).origins.map(({ port }) => port);
    assert.deepEqual(ports, [19351, 19350]);
  });

  it('an origin server is local', () => {
    assert.deepEqual(findVhost(load('origin.conf'), 'a.com')?.cluster, { mode: 'local' });
  });

  it('every directive SRS knows is known: served, or ignored with one warning', () => {
    const { config, warnings } = loadConfig(join(fixtures, 'every-directive.conf'));
    const names = warnings.map(({ what }) => /^"(\w+)" has no effect: \S/.exec(what)?.[1]);
    assert.ok(!names.includes(undefined), 'every warning names its directive');
    assert.deepEqual(names.toSorted(), ignoredIn(ROOT).toSorted());
    assert.deepEqual(config.vhosts[0]?.httpHooks.onConnect, ['http://127.0.0.1/a', 'http://127.0.0.1/b']);
    assert.deepEqual(config.httpApi.auth, { username: 'a', password: 'b' });
    assert.equal(config.vhosts[0]?.play.sendMinIntervalMs, 10);
    assert.deepEqual(parseConfig(printConfig(config)).config, config);
  });
});

const srs = process.env.SRS_CONF_DIR;

describe('SRS’s own files', { skip: srs === undefined || !existsSync(srs) ? 'SRS_CONF_DIR is not set' : false }, () => {
  const folder = srs ?? '';
  const stock = [
    'edge.conf',
    'edge2.conf',
    'edge.token.traverse.conf',
    'http.flv.live.edge1.conf',
    'http.flv.live.edge2.conf',
    'origin.conf',
    'origin.cluster.edge.conf',
    'go-oryx-edge.conf',
  ];
  for (const name of stock) {
    it(`${name} runs unchanged`, () => {
      const { config, warnings } = loadConfig(join(folder, name));
      assert.deepEqual(warnings, []);
      assert.deepEqual(parseConfig(printConfig(config)).config, config);
    });
  }

  it('full.conf holds no directive we don’t know', () => {
    // It is a collection that SRS itself refuses to run; here, its listeners collide.
    const readable = (error: unknown) => error instanceof ConfigError && error.problems.every(isCollision);
    assert.throws(() => loadConfig(join(folder, 'full.conf')), readable);
  });
});

function ignoredIn(block: Block<Fields>): string[] {
  const inner = Object.values(block.fields).flatMap((node) =>
    node.kind === 'leaf' ? [] : ignoredIn(node.kind === 'block' ? node : node.block),
  );
  return [...Object.keys(block.ignored), ...inner];
}

function isCollision({ what }: { readonly what: string }): boolean {
  return what.includes('collides with') || what.includes('cannot read') /* its include is relative to SRS's trunk */;
}
