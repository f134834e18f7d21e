/** What an EdgeCluster refers to, where there is no cluster: files of this machine in the place of mounted ones. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderConfig } from '../../../operator/render/config.ts';
import { localConfig, localFiles } from '../../../operator/up/local-references.ts';
import { edgeCluster } from '../../support/edge-clusters.ts';
import { inputOf } from '../render/cases.ts';

const jwks = '{"keys": []}';
const cluster = edgeCluster({
  spec: {
    origins: [{ name: 'main', servers: ['10.0.0.1:1935'] }],
    vhosts: [{ name: 'a.com', token: { keysSecretName: 'url-keys', jwks } }, { name: 'b.com' }],
  },
});
const { config } = renderConfig(cluster, inputOf(cluster).origins);
const references = { origins: new Map(), directory: '/tmp/up' };

describe('keys of tokens', () => {
  it('are in the directory that stands for the Secret, and beside edge.conf', () => {
    const secrets = new Map([['url-keys', '/home/me/keys']]);
    const [first, second] = localConfig(config, cluster, { ...references, secrets }).vhosts;
    assert.equal(first?.access.token.keysFile, '/home/me/keys/keys');
    const [name = '', text] = [...localFiles(cluster)][0] ?? [];
    assert.equal(first?.access.token.jwksFile, `/tmp/up/${name}`);
    assert.equal(text, jwks);
    assert.equal(second?.access.token.keysFile, '');
  });

  it('for origins are in such a directory, too', () => {
    const group = { name: 'main', servers: ['10.0.0.1:1935'], keysSecretName: 'region-keys' };
    const child = edgeCluster({ spec: { origins: [group] } });
    const secrets = new Map([['region-keys', '/home/me/region']]);
    const { config } = renderConfig(child, inputOf(child).origins);
    const [vhost] = localConfig(config, child, { ...references, secrets }).vhosts;
    assert.equal(vhost?.edge.originKeysFile, '/home/me/region/keys');
    const said = /Secret region-keys is not here/;
    assert.throws(() => localConfig(config, child, { ...references, secrets: new Map() }), said);
  });

  it('must be named', () => {
    const said = /Secret url-keys is not here: say --secret url-keys=DIRECTORY, with keys in it/;
    assert.throws(() => localConfig(config, cluster, { ...references, secrets: new Map() }), said);
  });
});
