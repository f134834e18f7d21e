/** Origins that shall judge clients of edges which sign in the clients' place. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { renderConfig } from '../../../operator/render/config.ts';
import { edgeCluster } from '../../support/edge-clusters.ts';

function rendered(vhosts: readonly object[]) {
  const origins = [
    { name: 'plain', servers: ['a:1935'] },
    { name: 'keyed', servers: ['b:1935'], keysSecretName: 'key' },
  ];
  const addresses = new Map(origins.map(({ name, servers }) => [name, servers]));
  return () => renderConfig(edgeCluster({ spec: { origins, vhosts } }), addresses);
}

it('tokenTraverse is refused where its origins have a key, by whichever vhost', () => {
  const message =
    /^spec\.vhosts\[1\]\.tokenTraverse: the origins "keyed" have keysSecretName, .*; leave tokenTraverse out/;
  const plain = { name: 'a.test', origin: 'plain', tokenTraverse: true };
  const keyed = { name: 'b.test', origin: 'keyed' };
  assert.throws(rendered([plain, { ...keyed, tokenTraverse: true }]), { name: 'RenderError', message });
  assert.doesNotThrow(rendered([plain, keyed]));
});
