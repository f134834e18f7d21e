/** Loading: values, includes, and every kind of error with its place and remedy. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import { ROOT } from '../../edge/conf/directives/root.ts';
import { VHOST } from '../../edge/conf/directives/vhost.ts';
import { configHash, loadConfig, parseConfig } from '../../edge/conf/load.ts';
import type { EdgeConfig, VhostConfig } from '../../edge/conf/model.ts';
import { ConfigError, formatProblem } from '../../edge/conf/problem.ts';
import { findVhost } from '../../edge/conf/vhost.ts';

/** The problems of a configuration, one line each; `listen` is there already unless the text has one. */
function errors(text: string): string[] {
  try {
    parseConfig(/\blisten\b/.test(text) ? text : `${text} listen 1935;`);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.message, error.problems.map(formatProblem).join('\n'));
    return error.problems.map(formatProblem);
  }
  return [];
}

function config(text: string): EdgeConfig {
  return parseConfig(`listen 1935; ${text}`).config;
}

function warnings(text: string): string[] {
  return parseConfig(text).warnings.map(formatProblem);
}

function vhost(text: string): VhostConfig {
  const found = config(`vhost a { ${text} }`).vhosts[0];
  assert.ok(found);
  return found;
}

describe('values', () => {
  it('listen takes ports and addresses', () => {
    assert.deepEqual(parseConfig('listen 1935 127.0.0.1:1936 [::1]:1937 0;').config.listen, [
      { host: undefined, port: 1935 },
      { host: '127.0.0.1', port: 1936 },
      { host: '::1', port: 1937 },
      { host: undefined, port: 0 },
    ]);
    for (const bad of ['65536', '::1', 'localhost:1935', '300.0.0.1:1', '[1.2.3.4]:1', ':1935', '-1', '1.2.3.4']) {
      assert.match(errors(`listen ${bad};`)[0] ?? '', /^edge\.conf:1:8: "listen": .* is not valid; expected PORT/, bad);
    }
  });

  it('listen leaves out what a wider address covers', () => {
    assert.deepEqual(parseConfig('listen 1935 [::]:1935;').config.listen, [{ host: undefined, port: 1935 }]);
    assert.deepEqual(parseConfig('listen 127.0.0.1:1 [::1]:1 1;').config.listen, [{ host: undefined, port: 1 }]);
    assert.equal(parseConfig('listen 0.0.0.0:1 [::]:1;').config.listen.length, 2);
    assert.equal(parseConfig('listen 0 0;').config.listen.length, 2);
  });

  it('what is looked up has a name, DNS servers have addresses', () => {
    const { edge } = vhost('edge { origin_lookup a.b:1 rtmps://c.svc. _d; }');
    assert.deepEqual(edge.originLookup, [
      { scheme: 'rtmp', host: 'a.b', port: 1 },
      { scheme: 'rtmps', host: 'c.svc.', port: 443, usualPort: true },
      { scheme: 'rtmp', host: '_d', port: 1935, usualPort: true },
    ]);
    for (const bad of ['10.0.0.1', '[::1]:1935', '1.2.3', 'a:0', 'http://a', ''])
      assert.match(
        errors(`vhost a { edge { origin_lookup a ${bad || '""'}; } }`)[0] ?? '',
        /"origin_lookup": .* not valid/,
      );
    const { config } = parseConfig('listen 1; edge { name_servers 10.0.0.1 10.0.0.2:54 fd00::1 [fd00::2]:55; }');
    assert.deepEqual(config.edge.nameServers, [
      { host: '10.0.0.1', port: 53 },
      { host: '10.0.0.2', port: 54 },
      { host: 'fd00::1', port: 53 },
      { host: 'fd00::2', port: 55 },
    ]);
    for (const bad of ['dns.example.com', '53', ':53', '10.0.0.1:0', '10.0.0.1:65536', '[10.0.0.1]:53', '[::1]'])
      assert.match(errors(`listen 1; edge { name_servers ${bad}; }`)[0] ?? '', /"name_servers": .* is not valid/, bad);
  });

  it('origins have a scheme, a host and a port', () => {
    const { cluster } = vhost('cluster { mode remote; origin a.b:1 rtmp://c rtmps://d rtmps://[::1]:5 10.0.0.1; }');
    assert.deepEqual(cluster.mode === 'remote' && cluster.origins, [
      { scheme: 'rtmp', host: 'a.b', port: 1 },
      { scheme: 'rtmp', host: 'c', port: 1935, usualPort: true },
      { scheme: 'rtmps', host: 'd', port: 443, usualPort: true },
      { scheme: 'rtmps', host: '::1', port: 5 },
      { scheme: 'rtmp', host: '10.0.0.1', port: 1935, usualPort: true },
    ]);
    for (const bad of ['::1', 'a:0', 'a:65536', 'http://a', 'rtmp://a/live', 'a b:', '1.2.3', '-a', 'u@a']) {
      const [line = ''] = errors(`vhost a { cluster { mode remote; origin ${bad}; } }`);
      assert.match(line, /"origin": .* is not valid; expected \[rtmp:/, bad);
    }
  });

  it('blames the value that is wrong', () => {
    assert.match(errors('listen 1935\t abc;')[0] ?? '', /^edge\.conf:1:14: "listen": "abc" is not valid/);
  });

  it('numbers have a range', () => {
    assert.equal(config('chunk_size 128;').chunkSize, 128);
    assert.equal(config('chunk_size 65536;').chunkSize, 65536);
    const range = 'expected an integer from 128 to 65536';
    assert.deepEqual(errors('chunk_size 127;'), [`edge.conf:1:12: "chunk_size": "127" is out of range; ${range}`]);
    assert.match(errors('vhost a { chunk_size 65537; }')[0] ?? '', /"65537" is out of range/);
    assert.match(errors('chunk_size 4k;')[0] ?? '', /"4k" is not an integer/);
    assert.match(errors('max_connections 1e3;')[0] ?? '', /"1e3" is not an integer/);
    assert.match(errors('vhost a { edge { stall_timeout 0; } }')[0] ?? '', /"0" is out of range/);
    assert.match(errors('vhost a { play { send_min_interval 1.0001; } }')[0] ?? '', /three decimals at most/);
  });

  it('a directive has as many values as it takes', () => {
    assert.match(errors('max_connections;')[0] ?? '', /^edge\.conf:1:1: "max_connections": has no value/);
    assert.match(errors('max_connections 1 2;')[0] ?? '', /^edge\.conf:1:19: .*takes one value but has 2/);
    assert.match(errors('max_connections 1 { }')[0] ?? '', /takes no block/);
    assert.match(errors('http_api on;')[0] ?? '', /must open a block; expected `http_api \{ \.\.\. \}`/);
    assert.match(errors('http_api on { }')[0] ?? '', /^edge\.conf:1:10: unexpected value after "http_api"/);
    assert.match(errors('vhost { }')[0] ?? '', /"vhost" has no name/);
  });

  it('on is on and nothing else', () => {
    assert.match(errors('vhost a { enabled yes; }')[0] ?? '', /"yes" is not valid; expected `on` or `off`/);
  });

  it('daemon is off', () => {
    assert.deepEqual(errors('daemon off;'), []);
    assert.match(errors('daemon on;')[0] ?? '', /background; write `daemon off;`/);
  });

  it('both kinds of log level', () => {
    const level = (text: string) => config(text).log.level;
    const v1 = ['verbose', 'info', 'trace', 'warn', 'error'].map((word) => level(`srs_log_level ${word};`));
    assert.deepEqual(v1, ['trace', 'debug', 'info', 'warn', 'error']);
    const v2 = ['trace', 'debug', 'info', 'warn', 'error'].map((word) => level(`srs_log_level_v2 ${word};`));
    assert.deepEqual(v2, ['trace', 'debug', 'info', 'warn', 'error']);
    assert.equal(level('srs_log_level_v2 error; srs_log_level info;'), 'error');
  });

  it('min_latency writes at once unless told otherwise', () => {
    const mw = (text: string) => {
      const { mwLatencyMs, mwMsgs } = vhost(text).play;
      return [mwLatencyMs, mwMsgs];
    };
    assert.deepEqual(mw(''), [350, 8]);
    assert.deepEqual(mw('min_latency on;'), [0, 0]);
    assert.deepEqual(mw('play { mw_latency 100; } min_latency on;'), [100, 0]);
    assert.deepEqual(mw('min_latency on; play { mw_msgs 4; }'), [0, 4]);
  });

  it('a vhost takes the global chunk size, wherever that stands', () => {
    const { vhosts } = config('vhost a { } vhost b { chunk_size 128; } chunk_size 4096;');
    assert.deepEqual(
      vhosts.map((v) => v.chunkSize),
      [4096, 128],
    );
  });

  it('atc on is time_jitter off', () => {
    assert.equal(vhost('play { atc on; time_jitter full; }').play.timeJitter, 'off');
    assert.equal(vhost('play { time_jitter zero; }').play.timeJitter, 'zero');
  });

  it('mounts are of FLV', () => {
    assert.equal(vhost('http_remux { mount /[app]/[stream].flv; }').httpRemux.mount, '/[app]/[stream].flv');
    const mount = (path: string) => errors(`vhost a { http_remux { mount ${path}; } }`)[0] ?? '';
    for (const kind of ['ts', 'mp3', 'aac'])
      assert.match(mount(`[vhost]/[app]/[stream].${kind}`), /only FLV is served/);
    assert.match(mount('/[ap]/[stream].flv'), /"\[ap\]" is no variable; expected \[vhost\], \[app\] or \[stream\]/);
    assert.match(mount('[app].flv'), /is not valid/);
  });

  it('each directive sets the field of its own name and no other', () => {
    const samples = [
      '7',
      '77',
      '7777',
      'off',
      'on',
      'hash',
      'zero',
      'admit',
      'connect',
      'http://a/',
      '/a/[stream].flv',
    ];
    const fields = {
      play: 'play',
      publish: 'publish',
      http_remux: 'httpRemux',
      http_hooks: 'httpHooks',
      edge: 'edge',
    } as const;
    for (const [block, section] of Object.entries(fields) as [keyof typeof fields, keyof VhostConfig][]) {
      for (const [name, { kind }] of Object.entries<{ kind: string }>(VHOST.fields[block].fields)) {
        if (kind !== 'leaf') continue;
        const before: object = Object(defaultVhost()[section]);
        // The first sample that is valid and not the default.
        const changed = samples.flatMap((sample) => {
          if (errors(`vhost a { ${block} { ${name} ${sample}; } }`).length > 0) return [];
          const after = Object.entries(vhost(`${block} { ${name} ${sample}; }`)[section]);
          return after
            .filter(([key, value]) => !isDeepStrictEqual(value, Reflect.get(before, key)))
            .map(([key]) => key);
        });
        const camel = name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
        const expected = { atc: 'timeJitter', firstpktTimeout: 'firstPacketTimeoutMs' }[camel] ?? camel;
        assert.ok(changed.length > 0, name);
        // The model adds the unit: stall_timeout is stallTimeoutMs.
        for (const key of changed) assert.match(key, new RegExp(`^${expected}(Ms|Seconds)?$`));
      }
    }
  });

  it('each limit sets the field of its own name and no other', () => {
    for (const name of Object.keys(VHOST.fields.edge.fields.limits.fields)) {
      const camel = name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
      const { limits } = vhost(`edge { limits { ${name} 77; } }`).access;
      assert.deepEqual(limits, { ...defaultVhost().access.limits, [camel]: 77 });
    }
  });

  it('rules of addresses are gathered, from an environment variable, too', () => {
    const text = 'security { allow play all; deny play ::1; allow publish 10.0.0.0/8; }';
    const { allow, deny } = vhost(text).access.security;
    assert.deepEqual(allow, [
      { action: 'play', from: 'all' },
      { action: 'publish', from: { address: '10.0.0.0', prefix: 8 } },
    ]);
    assert.deepEqual(deny, [{ action: 'play', from: { address: '::1', prefix: 128 } }]);
    const env = { SRS_VHOST_SECURITY_ALLOW: 'play 10.0.0.1 publish all' };
    const [from] = parseConfig(`listen 1; vhost a { ${text} }`, { env }).config.vhosts;
    assert.deepEqual(from?.access.security.allow, [
      { action: 'play', from: { address: '10.0.0.1', prefix: 32 } },
      { action: 'publish', from: 'all' },
    ]);
  });

  it('what protects is never accepted without effect', () => {
    const ignored = [...Object.keys(VHOST.ignored), ...Object.keys(ROOT.ignored)];
    for (const name of ['security', 'refer', 'http_hooks', 'token_traverse', 'auth'])
      assert.ok(!ignored.includes(name));
  });

  it('hooks are URLs', () => {
    assert.deepEqual(vhost('http_hooks { on_play http://a/ https://b/c?d=e; }').httpHooks.onPlay, [
      'http://a/',
      'https://b/c?d=e',
    ]);
    assert.match(errors('vhost a { http_hooks { on_play ftp://a/; } }')[0] ?? '', /expected http:\/\/ or https:/);
    const undecodable = errors('vhost a { http_hooks { on_play http://a/ http://user:100%@b/; } }')[0] ?? '';
    assert.match(undecodable, /:1:\d+.*password has a % that stands for nothing; write % as %25/);
    assert.match(errors('vhost a { edge { token { jwks_url http://us%er:pw@b/; } } }')[0] ?? '', /write % as %25/);
    assert.match(errors('vhost a { http_hooks { on_play /play; } }')[0] ?? '', /expected http:\/\/ or https:/);
  });
});

describe('unknown directives', () => {
  it('name the place, the block and the nearest known name', () => {
    assert.deepEqual(errors('listen 1935;\nvhost a {\n    play {\n        gop_cach on;\n    }\n}'), [
      'edge.conf:4:9: unknown directive "gop_cach" in `vhost { play { } }`; did you mean "gop_cache"?',
    ]);
    assert.match(errors('max_conections 1;')[0] ?? '', /at the top of the file; did you mean "max_connections"\?/);
    assert.match(errors('vhost a { pulbish { } }')[0] ?? '', /did you mean "publish"\?/);
    assert.match(errors('vhost a { edge { stal_timeout 1; } }')[0] ?? '', /did you mean "stall_timeout"\?/);
  });

  it('name the block where such a directive does belong', () => {
    assert.match(errors('vhost a { mw_msgs 8; }')[0] ?? '', /it belongs in `vhost \{ play \{ \} \}`/);
    assert.doesNotMatch(errors('vhost a { dir x; }')[0] ?? '', /did you mean "dvr"/);
    assert.match(errors('vhost a { dir x; }')[0] ?? '', /it belongs in `http_server \{ \}`/);
    assert.match(errors('origin a;')[0] ?? '', /it belongs in `vhost \{ cluster \{ \} \}`/);
  });

  it('guess nothing for what resembles nothing', () => {
    assert.deepEqual(errors('xyzzy on;'), ['edge.conf:1:1: unknown directive "xyzzy" at the top of the file']);
    assert.deepEqual(errors('__proto__ on;'), ['edge.conf:1:1: unknown directive "__proto__" at the top of the file']);
  });
});

describe('problems of several directives', () => {
  it('are reported all together, from top to bottom', () => {
    const lines = errors('listen x;\nfoo 1;\nvhost a { cluster { mode remote; } }\nbar\nchunk_size 1;\n');
    assert.deepEqual(
      lines.map((line) => line.split(':')[1]),
      ['1', '2', '3', '4', '4', '5'],
    );
  });

  it('listen is needed', () => {
    assert.deepEqual(errors('# listen\nvhost a { }'), [
      'edge.conf:1:1: "listen" is missing; write for instance `listen 1935;`',
    ]);
  });

  it('an edge needs an origin', () => {
    assert.deepEqual(errors('vhost a { cluster { mode remote; } }'), [
      'edge.conf:1:26: vhost "a" is in `mode remote` without an origin; add for instance `origin 127.0.0.1:1935;`',
    ]);
    assert.equal(
      errors('vhost a { cluster { mode remote; origin ::; } }').length,
      1,
      'a wrong origin is not a missing one',
    );
  });

  it('origins do not judge clients where the edge signs in their place', () => {
    const cluster = (rest: string): string => `vhost a { cluster { mode remote; origin a:1; ${rest} }`;
    const keys = 'edge { origin_keys_file f; } }';
    assert.match(
      errors(`${cluster('token_traverse on;')} ${keys}`).join(),
      /^edge\.conf:1:61: "token_traverse" and "origin_keys_file" are both given: .*; leave one out/,
    );
    assert.deepEqual(errors(`${cluster('token_traverse off;')} ${keys}`), []);
  });

  it('a vhost is defined once', () => {
    assert.deepEqual(errors('vhost a { }\nvhost a { } listen 1935;'), [
      'edge.conf:2:1: vhost "a" is defined twice; the first stands at edge.conf:1:1; put both into one block',
    ]);
    assert.deepEqual(errors('vhost a { enabled on; } vhost a.enabled { }'), []);
  });

  it('listeners do not collide', () => {
    assert.deepEqual(errors('listen 1935; http_api { enabled on; listen 1935; }'), [
      'edge.conf:1:44: "http_api.listen" at 1935 collides with "listen"; give each its own port',
    ]);
    const both = (a: string, b: string) =>
      errors(`listen 1935; http_api { enabled on; listen ${a}; } exporter { enabled on; listen ${b}; }`);
    assert.equal(both('127.0.0.1:80', '0.0.0.0:80').length, 1);
    assert.equal(both('127.0.0.1:80', '80').length, 1);
    assert.equal(both('[::1]:80', '127.0.0.1:80').length, 0);
    assert.equal(both('0', '0').length, 0);
    assert.deepEqual(errors('listen 1985; http_api { listen 1985; }'), [], 'what is off listens nowhere');
    const shared = (a: string, b: string) =>
      errors(`listen 1935; http_api { enabled on; listen ${a}; } http_server { enabled on; listen ${b}; }`);
    assert.deepEqual(shared('8080', '8080'), [], 'the API and the streams may have the same address');
    assert.equal(shared('127.0.0.1:8080', '8080').length, 1);
  });

  it('TLS needs its files and its server', () => {
    const lines = errors('listen 1935; rtmps { enabled on; }');
    assert.deepEqual(lines, [
      'edge.conf:1:30: TLS is on without "key"; add `key FILE;`',
      'edge.conf:1:30: TLS is on without "cert"; add `cert FILE;`',
    ]);
    const https = 'https { enabled on; key a; cert b; }';
    assert.match(errors(`http_api { ${https} }`)[0] ?? '', /https is on but http_api is off/);
    assert.deepEqual(errors(`http_server { enabled on; ${https} }`), []);
  });

  it('authentication needs a name and a password', () => {
    assert.equal(errors('http_api { enabled on; auth { enabled on; } }').length, 2);
    const auth = config('http_api { enabled on; auth { username a; password b; } }').httpApi.auth;
    assert.equal(auth, undefined, 'it is off unless enabled');
  });

  it('a longest time is not below a shortest', () => {
    assert.match(
      errors('edge { probe_min 5; probe_max 4; }')[0] ?? '',
      /"probe_max" \(4 ms\) is below "probe_min" \(5 ms\)/,
    );
    assert.match(
      errors('vhost a { edge { retry_min 5000; } }')[0] ?? '',
      /^edge\.conf:1:28: "retry_max" \(2000 ms\) is below/,
    );
  });
});

describe('warnings', () => {
  it('one for each directive an edge has no use for, whatever is in it', () => {
    assert.deepEqual(warnings('listen 1935;\nvhost a {\n  hls {\n    anything goes;\n  }\n}'), [
      'edge.conf:3:3: "hls" has no effect: the edge makes no HLS',
    ]);
  });

  it('for what is given twice: the first counts, as in SRS', () => {
    const text =
      'listen 1935; max_connections 5; max_connections 6; vhost a { play { gop_cache off; } play { gop_cache on; } }';
    assert.equal(parseConfig(text).config.maxConnections, 5);
    assert.equal(parseConfig(text).config.vhosts[0]?.play.gopCache, false);
    assert.match(warnings(text)[0] ?? '', /^edge\.conf:1:33: "max_connections" is given again .*\(edge\.conf:1:14\)$/);
    assert.equal(warnings(text).length, 2);
    assert.match(errors('vhost a { play { } play { gop_cach on; } }')[0] ?? '', /unknown directive "gop_cach"/);
  });

  it('for an origin beside mode local', () => {
    const [line] = warnings('listen 1935; vhost a { cluster { origin b; } }');
    assert.match(line ?? '', /"origin" has no effect in `mode local`; write `mode remote;`/);
  });

  it('for a vhost that another one hides, as hosts have no case', () => {
    const twice = 'listen 1935;\nvhost A.com { }\nvhost a.com { }\nvhost B.com { }\nvhost B.COM { }\nvhost c.com { }';
    assert.deepEqual(warnings(`${twice}\nvhost __defaultVhost__ { }`), [
      'edge.conf:2:1: vhost "A.com" serves nobody: hosts have no case, and its clients come to vhost "a.com"; put both into one block',
      'edge.conf:5:1: vhost "B.COM" serves nobody: hosts have no case, and its clients come to vhost "B.com"; put both into one block',
    ]);
  });

  it('for a file without a vhost', () => assert.match(warnings('listen 1935;')[0] ?? '', /there is no vhost/));
});

describe('include', () => {
  const fixtures = join(import.meta.dirname, 'fixtures');

  it('puts files in its place, found beside the including one', () => {
    const { config: loaded, files } = loadConfig(join(fixtures, 'including.conf'));
    assert.deepEqual(
      loaded.vhosts.map(({ name, cluster }) => [name, cluster.mode]),
      [
        ['a.example.com', 'remote'],
        ['b.example.com', 'remote'],
        ['c.example.com', 'remote'],
      ],
    );
    const names = ['including.conf', 'vhosts/a.conf', 'vhosts/cluster.conf', 'vhosts/b.conf'];
    assert.deepEqual(
      files,
      names.map((name) => join(fixtures, name)),
    );
  });

  /** Loads `/e/main` from files that exist only here. */
  function loadFiles(files: Record<string, string>) {
    return loadConfig('/e/main', {
      readFile: (path) => {
        const text = files[path];
        if (text === undefined) throw new Error('no such file');
        return text;
      },
    });
  }

  function includeErrors(files: Record<string, string>): string[] {
    try {
      loadFiles(files);
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.problems.map(formatProblem);
    }
    return [];
  }

  it('looks in the working directory next, as SRS does', () => {
    const inWorkingDirectory = join(process.cwd(), 'conf/more.conf');
    const { config: loaded } = loadFiles({
      '/e/main': 'listen 1935; include conf/more.conf;',
      [inWorkingDirectory]: 'max_connections 7;',
    });
    assert.equal(loaded.maxConnections, 7);
  });

  it('names the file a problem is in', () => {
    const files = { '/e/main': 'listen 1935;\ninclude sub;', '/e/sub': '\nfoo;' };
    assert.deepEqual(includeErrors(files), ['/e/sub:2:1: unknown directive "foo" at the top of the file']);
  });

  it('names a file that is not there, and the place that wants it', () => {
    assert.deepEqual(includeErrors({ '/e/main': 'listen 1935;\ninclude a b;', '/e/a': '' }), [
      '/e/main:2:11: cannot read "/e/b": no such file',
    ]);
    assert.deepEqual(includeErrors({}), ['/e/main:1:1: cannot read "/e/main": no such file']);
    assert.match(includeErrors({ '/e/main': 'include;' })[0] ?? '', /include names no file/);
  });

  it('refuses circles', () => {
    const files = { '/e/main': 'listen 1935; include a;', '/e/a': 'include b;', '/e/b': 'vhost x { include a; }' };
    assert.deepEqual(includeErrors(files), ['/e/b:1:19: "a" includes itself; break the circle']);
  });

  it('refuses avalanches', () => {
    const files: Record<string, string> = { '/e/main': 'listen 1935; include f0 f0;' };
    for (let i = 0; i < 20; i++) files[`/e/f${i}`] = `include f${i + 1} f${i + 1};`;
    files['/e/f20'] = '';
    assert.deepEqual(includeErrors(files).filter((line) => line.includes('more than 256 files')).length, 1);
  });
});

describe('findVhost', () => {
  const { config: loaded } = parseConfig('listen 1; vhost a { enabled off; } vhost __defaultVhost__ { } vhost b { }');

  it('finds the exact name, else the default', () => {
    assert.equal(findVhost(loaded, 'b')?.name, 'b');
    assert.equal(findVhost(loaded, 'c')?.name, '__defaultVhost__');
  });

  it('finds a disabled one as disabled', () => assert.equal(findVhost(loaded, 'a')?.enabled, false));

  it('finds nothing without a default', () => assert.equal(findVhost(config('vhost a { }'), 'b'), undefined));
});

describe('hash', () => {
  it('is of the text of the file itself', () => {
    const text = 'listen 1935; vhost a { }';
    assert.equal(parseConfig(text).hash, createHash('sha256').update(text).digest('hex').slice(0, 16));
    const files: Record<string, string> = { 'a.conf': 'listen 1; include b.conf;', 'b.conf': 'vhost a { }' };
    const readFile = (path: string): string => files[path.slice(path.lastIndexOf('/') + 1)] ?? '';
    assert.equal(loadConfig('a.conf', { readFile }).hash, configHash(files['a.conf'] ?? ''));
  });
});
