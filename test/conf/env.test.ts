/** Overrides by environment variables. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ROOT } from '../../edge/conf/directives/root.ts';
import { type Environment, variablesOf } from '../../edge/conf/env.ts';
import { parseConfig } from '../../edge/conf/load.ts';
import { ConfigError, formatProblem } from '../../edge/conf/problem.ts';
import { leavesOf } from '../../edge/conf/schema.ts';

const text = 'listen 1935; vhost a { play { gop_cache on; } } vhost b { cluster { mode local; } }';

function load(env: Environment) {
  return parseConfig(text, { env }).config;
}

function warnings(env: Environment): string[] {
  return parseConfig(text, { env }).warnings.map(formatProblem);
}

function errors(env: Environment): string[] {
  try {
    load(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(formatProblem);
  }
  return [];
}

describe('environment', () => {
  it('overrides directives at the top', () => {
    const config = load({
      SRS_LISTEN: '1936 [::1]:1937',
      SRS_MAX_CONNECTIONS: '7',
      SRS_HTTP_API_ENABLED: 'on',
      SRS_HTTP_API_RAW_API_ALLOW_RELOAD: 'on',
      SRS_EXPORTER_LABEL: 'two words',
      SRS_LOG_LEVEL: 'warn',
    });
    assert.deepEqual(
      config.listen.map(({ port }) => port),
      [1936, 1937],
    );
    assert.equal(config.maxConnections, 7);
    assert.equal(config.httpApi.enabled, true);
    assert.equal(config.httpApi.allowReload, true);
    assert.equal(config.exporter.label, 'two words');
    assert.equal(config.log.level, 'warn');
  });

  it('overrides directives of all vhosts, given or not', () => {
    const { vhosts } = load({
      SRS_VHOST_PLAY_GOP_CACHE: 'off',
      SRS_VHOST_CLUSTER_MODE: 'remote',
      SRS_VHOST_CLUSTER_ORIGIN: ' a:1  b:2 ',
      SRS_VHOST_EDGE_STALL_TIMEOUT: '1234',
    });
    for (const vhost of vhosts) {
      assert.equal(vhost.play.gopCache, false);
      assert.deepEqual(vhost.cluster.mode === 'remote' && vhost.cluster.origins.map(({ host }) => host), ['a', 'b']);
      assert.equal(vhost.edge.stallTimeoutMs, 1234);
    }
  });

  it('sets what vhosts inherit, and leaves those alone that say it themselves', () => {
    const inherits = 'listen 1935; vhost a { } vhost b { edge { drain_timeout 5; } }';
    const drains = (env: Environment): number[] =>
      parseConfig(inherits, { env }).config.vhosts.map(({ edge }) => edge.drainTimeoutMs);
    assert.deepEqual(drains({ SRS_EDGE_DRAIN_TIMEOUT: '300000' }), [300_000, 5]);
    assert.deepEqual(drains({ SRS_EDGE_DRAIN_TIMEOUT: '300000', SRS_VHOST_EDGE_DRAIN_TIMEOUT: '7' }), [7, 7]);
    assert.deepEqual(drains({}), [30_000, 5]);
  });

  it('stands in for what the file leaves out', () => {
    assert.equal(parseConfig('vhost a { }', { env: { SRS_LISTEN: '1' } }).config.listen[0]?.port, 1);
  });

  it('takes both names of the log’s directives, the longer one first', () => {
    assert.equal(load({ SRS_SRS_LOG_LEVEL: 'error', SRS_LOG_LEVEL: 'warn' }).log.level, 'error');
    assert.equal(load({ SRS_LOG_TANK: 'file', SRS_LOG_FILE: 'x' }).log.file, 'x');
  });

  it('takes empty for unset', () => assert.equal(load({ SRS_MAX_CONNECTIONS: ' ' }).maxConnections, 1000));

  it('names the variable of a wrong value, once', () => {
    assert.deepEqual(errors({ SRS_VHOST_EDGE_LINGER: 'long' }), [
      'environment variable SRS_VHOST_EDGE_LINGER: "long" is not an integer; expected a whole number of milliseconds',
    ]);
    assert.equal(errors({ SRS_SERVER_ID: 'a\nb' }).length, 1);
    assert.match(
      errors({ SRS_VHOST_CLUSTER_MODE: 'remote' })[0] ?? '',
      /SRS_VHOST_CLUSTER_MODE: vhost "a" is in `mode/,
    );
  });

  it('has a name of its own for every directive', () => {
    const names = leavesOf(ROOT.fields).flatMap(({ path }) => variablesOf(path));
    assert.equal(new Set(names).size, names.length);
  });

  it('warns of a name that looks like ours and is none', () => {
    assert.deepEqual(warnings({ SRS_LISTN: '1936' }), [
      'environment variable SRS_LISTN: overrides no known directive; did you mean "SRS_LISTEN"?',
    ]);
    assert.match(warnings({ SRS_HOME: '/srs' })[0] ?? '', /SRS_HOME: overrides no known directive/);
    assert.deepEqual(warnings({ SRS_VHOST_PLAY_GOP_CACH: 'off' }), [
      'environment variable SRS_VHOST_PLAY_GOP_CACH: overrides no known directive; did you mean "SRS_VHOST_PLAY_GOP_CACHE"?',
    ]);
    assert.match(warnings({ SRS_VHOST_HLS_ENABLED: 'on' })[0] ?? '', /has no effect: the edge makes no HLS/);
    assert.match(warnings({ SRS_RTC_SERVER_ENABLED: 'on' })[0] ?? '', /has no effect: the edge serves no WebRTC/);
  });

  it('leaves all other variables alone', () => {
    const others = {
      SRS_PORT: 'tcp://10.0.0.1:1935',
      SRS_SERVICE_HOST: '10.0.0.1',
      SRS_EDGE_SERVICE_PORT_RTMP: '1935',
      SRS_EDGE_PORT_1935_TCP_ADDR: '10.0.0.1',
      SRS_HTTP_API_PORT: 'tcp://10.0.0.1:1985',
      PATH: '/bin',
    };
    assert.deepEqual(warnings(others), []);
  });
});
