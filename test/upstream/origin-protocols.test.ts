/** Origins that are connected to by several protocols: which are checked, and whose they are. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CLUSTER, defaultConfig, defaultVhost } from '../../edge/conf/defaults.ts';
import { at, lookingUp, world } from '../support/origins-world.ts';
import { streamRequest } from '../support/requests.ts';

describe('origins that are connected to by several protocols', () => {
  const following = defaultVhost({
    name: 'following',
    cluster: { ...CLUSTER, mode: 'remote', origins: [at('10.0.0.1')], followClient: true },
    edge: { ...defaultVhost({}).edge, locateUrl: 'http://where/', originHttpPort: 8080, originHttpsPort: 8443 },
  });
  const located = { key: 'following/live/a', purpose: 'play', by: 'rtmp' } as const;

  test('are listed, and thus checked, by the one that is usual', (t) => {
    const { origins, health } = world(t, { vhosts: [following] });
    assert.deepEqual(
      health.reports().map((report) => report.name),
      ['10.0.0.1:1935'],
    );
    for (const each of ['10.0.0.1:1935', 'http://10.0.0.1:8080', 'https://10.0.0.1:8443']) {
      assert.equal(origins.vhostOf(each)?.name, 'following', each);
    }
  });

  test('are where their own vhost says, when locate_url named them, until a reload asks another server', async (t) => {
    const other = defaultVhost({ ...following, name: 'other', edge: { ...following.edge, originHttpPort: 9090 } });
    const { origins, locator } = world(t, { vhosts: [other, following], located: [at('10.0.0.5')] });
    await locator.ask(following, streamRequest({ vhost: 'following', app: 'live', stream: 'a' }), 'play', true);
    assert.equal(origins.vhostOf('http://10.0.0.5:8080')?.name, 'following');
    assert.equal(origins.vhostOf('http://10.0.0.5:9090'), undefined);
    assert.equal(origins.located(following, { ...located, by: 'http-flv' })[0]?.port, 8080);
    const changed = { ...following, edge: { ...following.edge, locateUrl: 'http://elsewhere/' } };
    origins.reconfigure(defaultConfig({ vhosts: [other, changed] }));
    assert.equal(origins.vhostOf('http://10.0.0.5:8080'), undefined);
    assert.deepEqual(locator.watched, []);
  });

  test('are none of a vhost that a reload has made an origin itself', async (t) => {
    const { origins, locator } = world(t, { vhosts: [following], located: [at('10.0.0.5')] });
    await locator.ask(following, streamRequest({ vhost: 'following', app: 'live', stream: 'a' }), 'play', true);
    const local = defaultVhost({ name: 'following', edge: following.edge });
    assert.equal(local.cluster.mode, 'local');
    origins.reconfigure(defaultConfig({ vhosts: [local] }));
    assert.deepEqual([origins.listed(local, located), origins.located(local, located)], [[], []]);
    assert.equal(origins.vhostOf('10.0.0.5:1935'), undefined);
  });

  test('that DNS or locate_url tells of after its vhost is gone are nobody’s', async (t) => {
    const { origins, locator } = world(t, { vhosts: [following], located: [at('10.0.0.5')] });
    const asked = locator.ask(following, streamRequest({ vhost: 'following', app: 'live', stream: 'a' }), 'play', true);
    origins.reconfigure(defaultConfig({ vhosts: [lookingUp('v', [at('10.0.0.9')], {})] }));
    await asked;
    // The question ended with its vhost.
    assert.deepEqual(locator.counts, { found: 0, empty: 0, failed: 0 });
    assert.equal(origins.vhostOf('10.0.0.5:1935'), undefined);
  });
});
