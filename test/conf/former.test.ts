/** Files of former versions of SRS, and of those since 7.0.64, mean what they mean to SRS. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConfig } from '../../edge/conf/load.ts';
import { ConfigError, formatProblem } from '../../edge/conf/problem.ts';

function warningsOf(text: string): string[] {
  return parseConfig(text).warnings.map(formatProblem);
}

function errorsOf(text: string): string[] {
  try {
    parseConfig(text);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(formatProblem);
  }
}

/** Both say the same, and the older form says so in so many warnings. */
function assertSame(former: string, today: string, warnings: number): void {
  assert.deepEqual(parseConfig(former).config, parseConfig(today).config);
  assert.equal(warningsOf(former).length, warnings, warningsOf(former).join('\n'));
  assert.deepEqual(warningsOf(today), []);
}

const id = 'server_id one;';

describe('SRS 7.0.64 and later', () => {
  it('rtmp { } holds listen and chunk_size', () => {
    const today = `${id} listen 1936 [::1]:1937; chunk_size 4096; vhost a { }`;
    assertSame(`${id} rtmp { listen 1936 [::1]:1937; chunk_size 4096; } vhost a { }`, today, 0);
  });

  it('errors stand where the mistake is', () => {
    assert.match(errorsOf('rtmp {\n  listen x:y:z;\n}\nvhost a { }')[0] ?? '', /^edge\.conf:2:10: "listen"/);
    assert.deepEqual(errorsOf('rtmp {\n  listen 1935;\n  lissten 1936;\n}\nvhost a { }'), [
      'edge.conf:3:3: unknown directive "lissten" in `rtmp { }`; it holds listen and chunk_size',
    ]);
    assert.match(errorsOf('rtmp { chunk_size 4096; }\nvhost a { }')[0] ?? '', /"listen" is missing/);
    assert.match(errorsOf('rtmp on;')[0] ?? '', /unknown directive "rtmp"/);
  });

  it('of two, the first counts, and the other is told', () => {
    const text = 'listen 1935; rtmp { listen 1936; } vhost a { }';
    assert.deepEqual(
      parseConfig(text).config.listen.map(({ port }) => port),
      [1935],
    );
    assert.match(warningsOf(text)[0] ?? '', /given again/);
  });

  it('SRS_RTMP_LISTEN and SRS_RTMP_CHUNK_SIZE override; the shorter names win', () => {
    const load = (env: Record<string, string>) => parseConfig('listen 1935; vhost a { }', { env }).config;
    const given = load({ SRS_RTMP_LISTEN: '1940', SRS_RTMP_CHUNK_SIZE: '5000' });
    assert.deepEqual([given.listen[0]?.port, given.chunkSize], [1940, 5000]);
    assert.equal(load({ SRS_RTMP_LISTEN: '1940', SRS_LISTEN: '1941' }).listen[0]?.port, 1941);
  });
});

describe('SRS 1 to 3', () => {
  const vhost = (body: string): string => `${id} listen 1935; vhost __defaultVhost__ { ${body} }`;

  it('cluster, play and publish stood in the vhost itself', () => {
    const former = vhost(`mode remote; origin a:1935 b; token_traverse on; debug_srs_upnode off; vhost other;
      gop_cache off; queue_length 20; time_jitter zero; mw_latency 100; send_min_interval 10.0;
      reduce_sequence_header on; gop_cache_max_frames 100;
      mr { enabled on; latency 400; } publish_1stpkt_timeout 100; publish_normal_timeout 200;`);
    const today = vhost(`cluster { mode remote; origin a:1935 b; token_traverse on; debug_srs_upnode off; vhost other; }
      play { gop_cache off; queue_length 20; time_jitter zero; mw_latency 100; send_min_interval 10.0;
        reduce_sequence_header on; gop_cache_max_frames 100; }
      publish { mr on; mr_latency 400; firstpkt_timeout 100; normal_timeout 200; }`);
    assertSame(former, today, 15);
  });

  it('referrers stood in the vhost, and were on when given', () => {
    const former = vhost('refer a.com b.com; refer_play c.com; refer_publish d.com;');
    assertSame(former, vhost('refer { enabled on; all a.com b.com; play c.com; publish d.com; }'), 3);
  });

  it('they join a block that is there, and count where both are given', () => {
    const both = vhost('play { gop_cache on; queue_length 7; } gop_cache off;');
    const { config } = parseConfig(both);
    assert.deepEqual([config.vhosts[0]?.play.gopCache, config.vhosts[0]?.play.queueLengthSeconds], [false, 7]);
    assert.equal(warningsOf(both).length, 2, 'the form, and that the other has no effect');
  });

  it('the warning says where, and what it is today', () => {
    assert.deepEqual(warningsOf('listen 1935;\nvhost a {\n  gop_cache on;\n}'), [
      'edge.conf:3:3: "gop_cache" stands here as in former versions of SRS; today it is `play { gop_cache }`',
    ]);
  });

  it('a wrong value is an error at its place', () => {
    assert.match(
      errorsOf('listen 1935;\nvhost a {\n  queue_length long;\n}')[0] ?? '',
      /^edge\.conf:3:16: "queue_length"/,
    );
    assert.match(errorsOf('listen 1935;\nvhost a {\n  mr { enable on; }\n}')[0] ?? '', /^edge\.conf:3:8: unknown/);
    // In place of a vhost's name a block is no directive of former times.
    assert.match(errorsOf('listen 1935;\nvhost a {\n  mode { }\n}')[0] ?? '', /unknown directive "mode"/);
  });

  it('http_stream was http_server, http was http_static, hstrs is always so', () => {
    const former = `${id} listen 1935; http_stream { enabled on; listen 81; } vhost a { http_remux { enabled on; hstrs on; } }`;
    assertSame(
      former,
      `${id} listen 1935; http_server { enabled on; listen 81; } vhost a { http_remux { enabled on; } }`,
      2,
    );
    assert.equal(warningsOf(vhost('http { enabled on; dir a; }')).length, 2, 'the name, and that it has no effect');
  });
});
