/** Which changes of a configuration can make edges refuse clients. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ROOT } from '../../../edge/conf/directives/root.ts';
import { leavesOf } from '../../../edge/conf/schema.ts';
import { renderConfig } from '../../../operator/render/config.ts';
import { harmless, riskyChanges } from '../../../operator/render/config-risk.ts';
import { edgeCluster } from '../../support/edge-clusters.ts';

function change(from: object, to: object): readonly string[] {
  const config = (spec: object) => {
    const cluster = edgeCluster({ spec: { ...spec } });
    return renderConfig(cluster, new Map(cluster.spec.origins.map(({ name, servers = [] }) => [name, servers]))).config;
  };
  return riskyChanges(config(from), config(to));
}

const vhost = (more: object = {}) => ({ vhosts: [{ name: 'a.example', ...more }] });

describe('a change that can make edges refuse clients', () => {
  it('is none that only concerns the log, or how clients are served', () => {
    assert.deepEqual(change({}, {}), []);
    assert.deepEqual(change({}, { logLevel: 'Debug' }), []);
    assert.deepEqual(change(vhost(), vhost({ play: { gopCache: false, mwLatencyMs: 10 }, tcpNodelay: true })), []);
  });

  it('is any other', () => {
    assert.deepEqual(change({}, { maxConnections: 5 }), ['max_connections', 'edge.unadmitted_per_address']);
    assert.deepEqual(change(vhost(), vhost({ hooks: { onPlay: ['http://hooks/'] } })), [
      'vhost a.example: http_hooks.enabled',
      'vhost a.example: http_hooks.on_play',
    ]);
    assert.deepEqual(change(vhost(), { vhosts: [{ name: 'b.example' }] }), [
      'vhost b.example: new',
      'vhost a.example: gone',
    ]);
    assert.deepEqual(change({}, { origins: [{ name: 'main', servers: ['elsewhere:1935'] }] }), [
      'vhost __defaultVhost__: cluster.origin',
    ]);
  });

  it('is told by names of directives that there are', () => {
    const known = new Set(leavesOf(ROOT.fields).map(({ path }) => path.join('.').replace(/^vhost\./, 'vhost: ')));
    assert.deepEqual(
      [...harmless].filter((path) => !known.has(path)),
      [],
    );
  });
});
