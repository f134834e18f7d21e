/** An EdgeCluster whose edges would pull from themselves. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { renderConfig } from '../../../operator/render/config.ts';
import { edgeCluster } from '../../support/edge-clusters.ts';

/** Of the EdgeCluster `live` in the namespace `media`. */
function rendered(group: object) {
  const cluster = edgeCluster({
    metadata: { name: 'live', namespace: 'media' },
    spec: { origins: [{ name: 'main', ...group }] },
  });
  return () => renderConfig(cluster, new Map([['main', ['10.0.0.1:1935']]]));
}

const refusal = { name: 'RenderError', message: /^spec\.origins\[0\]: .* pull from themselves; .*/ };

for (const service of [
  { name: 'live', namespace: 'media' },
  { name: 'live-edges', namespace: 'media' },
]) {
  it(`Service ${service.name} is refused in its own namespace, and is an origin in another one`, () => {
    assert.throws(rendered({ service }), refusal);
    assert.doesNotThrow(rendered({ service: { ...service, namespace: 'elsewhere' } }));
  });
}

it('itself as the tier above is refused in its own namespace, and is an origin in another one', () => {
  const edgeCluster = { name: 'live', namespace: 'media' };
  assert.throws(rendered({ edgeCluster }), refusal);
  assert.doesNotThrow(rendered({ edgeCluster: { ...edgeCluster, namespace: 'elsewhere' } }));
});

for (const server of ['live', 'live:1935', 'live.media.svc:1935', 'LIVE-edges.media.svc.cluster.local.:1935'])
  it(`server ${server} is refused`, () => assert.throws(rendered({ servers: ['origin:1935', server] }), refusal));

for (const server of ['live.elsewhere:1935', 'live.example.com', '[2001:db8::1]:1935', 'olive:1935'])
  it(`server ${server} is an origin`, () => assert.doesNotThrow(rendered({ servers: [server] })));
