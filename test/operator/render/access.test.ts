/** Who may come in, where it does not count. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderConfig } from '../../../operator/render/config.ts';
import { edgeCluster } from '../../support/edge-clusters.ts';
import { inputOf } from './cases.ts';

function warnings(spec: Readonly<Record<string, unknown>>): readonly string[] {
  const origins = [{ name: 'main', servers: ['10.0.0.1:1935'] }];
  const cluster = edgeCluster({ spec: { origins, ...spec } });
  return renderConfig(cluster, inputOf(cluster).origins).warnings;
}

describe('HLS beside vhosts that keep players out', () => {
  const security = { allow: [{ action: 'Publish', from: '10.0.0.0/8' }] };
  const vhosts = [{ name: 'a.com' }, { name: 'b.com', security, token: { keysSecretName: 'keys' } }];

  it('is told of: its caches ask nobody', () => {
    const [warning, ...others] = warnings({ vhosts, hls: {} });
    assert.match(warning ?? '', /^spec\.vhosts\[1\]: security and token do not count for HLS/);
    assert.deepEqual(others, []);
  });

  it('is not told of where publishers alone are kept out', () => {
    const token = { play: false, keysSecretName: 'keys' };
    const publish = [
      { name: 'a.com', token, security: { deny: [{ action: 'Publish' }] }, refer: { publish: ['a.com'] } },
    ];
    assert.deepEqual(warnings({ vhosts: publish, hls: {} }), []);
  });

  it('and without HLS, or without such vhosts, there is nothing to tell', () => {
    assert.deepEqual(warnings({ vhosts }), []);
    assert.deepEqual(warnings({ vhosts: [{ name: 'a.com' }], hls: {} }), []);
  });
});
