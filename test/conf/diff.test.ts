/** The difference between two configurations. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { diffConfig, isSame, needsRestart, restartSettings, withoutRestart } from '../../edge/conf/diff.ts';
import { VHOST } from '../../edge/conf/directives/vhost.ts';
import { parseConfig } from '../../edge/conf/load.ts';
import { leavesOf } from '../../edge/conf/schema.ts';
import fc from '../support/property.ts';
import { configs } from './arbitrary.ts';

function config(text: string) {
  return parseConfig(`listen 1935; ${text}`).config;
}

describe('diff', () => {
  it('is empty between equal configurations, whatever the order of vhosts', () => {
    assert.ok(isSame(diffConfig(config('vhost a { } vhost b { }'), config('vhost b { } vhost a { enabled on; }'))));
  });

  it('names path, values and effect', () => {
    const before = config('vhost a.com { cluster { mode remote; origin a b:1936; } }');
    const after = config('vhost a.com { cluster { mode remote; origin a; } play { gop_cache off; } }');
    assert.deepEqual(diffConfig(before, after).changes, [
      { path: 'vhost a.com: cluster.origin', from: 'a b:1936', to: 'a', effect: 'at once' },
      { path: 'vhost a.com: play.gop_cache', from: 'on', to: 'off', effect: 'new connections' },
    ]);
  });

  it('names values that follow from others', () => {
    const paths = diffConfig(config('vhost a { }'), config('vhost a { min_latency on; }')).changes.map((c) => c.path);
    assert.deepEqual(paths, ['vhost a: min_latency', 'vhost a: play.mw_latency', 'vhost a: play.mw_msgs']);
  });

  it('names vhosts that came and went', () => {
    const { vhostsAdded, vhostsRemoved, changes } = diffConfig(config('vhost a { }'), config('vhost b { }'));
    assert.deepEqual([vhostsAdded, vhostsRemoved, changes], [['b'], ['a'], []]);
  });

  it('shows no secret', () => {
    const api = (password: string) =>
      config(`http_api { enabled on; auth { enabled on; username u; password ${password}; } }`);
    const { changes } = diffConfig(api('old'), api('new'));
    assert.deepEqual(changes, [{ path: 'http_api.auth.password', from: '***', to: '***', effect: 'at once' }]);
    const hook = (url: string) => config(`vhost a { http_hooks { on_play http://b/x ${url}; } }`);
    const [change] = diffConfig(hook('http://u:old@b/y?key=old#old'), hook('https://new@[::1]:80/y?key=new')).changes;
    assert.deepEqual(
      [change?.from, change?.to],
      ['http://b/x http://***@b/y?***', 'http://b/x https://***@[::1]:80/y?***'],
    );
  });

  it('separates what waits for a restart', () => {
    const before = config('');
    const after = config('max_connections 5; http_api { enabled on; crossdomain off; }');
    const difference = diffConfig(before, after);
    assert.deepEqual(
      needsRestart(difference).map(({ path }) => path),
      ['http_api.enabled'],
    );
    const applied = withoutRestart(before, after);
    assert.deepEqual([applied.maxConnections, applied.httpApi.crossdomain, applied.httpApi.enabled], [5, false, false]);
  });

  it('leaves nothing but restarts after what a reload applies (property)', () => {
    fc.assert(
      fc.property(configs, configs, (running, next) => {
        const applied = withoutRestart(running, next);
        assert.deepEqual(diffConfig(applied, next).changes, needsRestart(diffConfig(running, next)));
        assert.ok(isSame(diffConfig(next, next)));
      }),
    );
  });

  it('knows the settings that a restart alone can change (property)', () => {
    assert.deepEqual(restartSettings(config('max_connections 5; vhost a { }')), {});
    assert.deepEqual(restartSettings(config('exporter { enabled on; }')), { 'exporter.enabled': 'on' });
    fc.assert(
      fc.property(configs, configs, (running, next) => {
        const [a, b] = [restartSettings(running), restartSettings(next)];
        assert.equal(isDeepStrictEqual(a, b), needsRestart(diffConfig(running, next)).length === 0);
        assert.deepEqual(restartSettings(withoutRestart(running, next)), a);
      }),
    );
  });

  it('needs a restart for nothing in a vhost', () => {
    assert.deepEqual(
      leavesOf(VHOST.fields).filter(({ leaf }) => leaf.effect === 'restart'),
      [],
    );
  });
});
