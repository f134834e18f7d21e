/** `extraDirectives`: what they change, and how mistakes in them are told. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Vhost } from '../../../operator/api/types.ts';
import { type RenderedConfig, renderConfig } from '../../../operator/render/config.ts';
import { RenderError } from '../../../operator/render/error.ts';
import { edgeCluster } from '../../support/edge-clusters.ts';
import { inputOf } from './cases.ts';

interface Texts {
  /** Of the whole file, the first vhost and the second. */
  readonly global?: string;
  readonly first?: string;
  readonly second?: string;
  readonly spec?: Readonly<Record<string, unknown>>;
}

function rendered({ global, first, second, spec }: Texts): RenderedConfig {
  const vhosts = [
    { name: 'a.com', ...(first !== undefined && { extraDirectives: first }) },
    { name: 'b.com', ...(second !== undefined && { extraDirectives: second }) },
  ];
  const origins = [{ name: 'main', servers: ['10.0.0.1:1935'], timeouts: { stallMs: 1000 } }];
  const cluster = edgeCluster({
    spec: { origins, vhosts, ...(global !== undefined && { extraDirectives: global }), ...spec },
  });
  return renderConfig(cluster, inputOf(cluster).origins);
}

function refused(texts: Texts): RenderError {
  return refusal(() => rendered(texts));
}

function refusal(action: () => unknown): RenderError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof RenderError);
    return error;
  }
  throw new assert.AssertionError({ message: 'it was rendered' });
}

describe('extra directives', () => {
  it('count for their vhost alone, or for all of the edge', () => {
    const { config } = rendered({ first: 'in_ack_size 5000;', global: 'grace_start_wait 9000;' });
    assert.deepEqual(
      config.vhosts.map(({ inAckSize }) => inAckSize),
      [5000, 0],
    );
    assert.equal(config.graceStartWaitMs, 9000);
  });

  it('override what a field says, and leave the rest of its block', () => {
    const [vhost] = rendered({ first: 'edge { stall_timeout 700; linger 1; } cluster { token_traverse on; }' }).config
      .vhosts;
    assert.deepEqual([vhost?.edge.stallTimeoutMs, vhost?.edge.lingerMs], [700, 1]);
    assert.ok(vhost?.cluster.mode === 'remote' && vhost.cluster.tokenTraverse && vhost.cluster.origins.length === 1);
    assert.equal(rendered({ global: 'max_connections 7;' }).config.maxConnections, 7);
  });

  it('override rules that may be given several times as a whole', () => {
    const security = {
      allow: [{ action: 'Play' }, { action: 'Publish', from: '10.0.0.0/8' }, { action: 'Publish', from: '11.0.0.0/8' }],
      deny: [{ action: 'Play', from: '192.0.2.0/24' }],
    };
    const extraDirectives = 'security { allow publish 198.51.100.7; allow publish fd00::/8; }';
    const { config } = rendered({ spec: { vhosts: [{ name: 'a.com', security, extraDirectives }] } });
    const { allow, deny } = config.vhosts[0]!.access.security;
    assert.deepEqual(allow, [
      { action: 'publish', from: { address: '198.51.100.7', prefix: 32 } },
      { action: 'publish', from: { address: 'fd00::', prefix: 8 } },
    ]);
    assert.deepEqual(deny, [{ action: 'play', from: { address: '192.0.2.0', prefix: 24 } }]);
  });

  it('override by the other name of a directive, too', () => {
    const spec = { logLevel: 'Debug' };
    assert.equal(rendered({ global: 'srs_log_level error;', spec }).config.log.level, 'error');
    assert.equal(rendered({ global: 'srs_log_level_v2 trace;', spec }).config.log.level, 'trace');
  });

  it('bring what follows from them', () => {
    const [vhost] = rendered({ first: 'min_latency on;' }).config.vhosts;
    assert.equal(vhost?.play.mwLatencyMs, 0);
  });

  it('may be nothing but a comment', () => {
    assert.equal(rendered({ first: '# nothing' }).text, rendered({}).text);
  });

  it('without effect are left out, with a warning', () => {
    const { text, warnings } = rendered({ second: '\n  hls { enabled on; }\n  tcp_nodelay on;\n  tcp_nodelay off;' });
    assert.doesNotMatch(text, /hls/);
    assert.match(text, /tcp_nodelay on/);
    assert.deepEqual(
      warnings.map((warning) => warning.replace(/:.*/s, '')),
      ['spec.vhosts[1].extraDirectives line 2, column 3', 'spec.vhosts[1].extraDirectives line 4, column 3'],
    );
    assert.match(warnings[0] ?? '', /"hls" has no effect: the edge makes no HLS/);
  });

  const mistakes: readonly [string, Texts, RegExp][] = [
    [
      'an unknown name',
      { second: 'play {\n    gop_cach off;\n}' },
      /^spec\.vhosts\[1\]\.extraDirectives line 2, column 5: unknown directive "gop_cach".*did you mean "gop_cache"/,
    ],
    [
      'a wrong value',
      { global: 'max_connections many;' },
      /^spec\.extraDirectives line 1, column 17: "max_connections": "many" is not an integer/,
    ],
    [
      'an unfinished directive',
      { first: 'play { gop_cache off }' },
      /^spec\.vhosts\[0\]\.extraDirectives line 1, column 22: /,
    ],
    [
      'a block that is not closed',
      { first: 'play {' },
      /^spec\.vhosts\[0\]\.extraDirectives line 1, column 1: .*not closed/,
    ],
    ['a block where a value belongs', { first: 'min_latency { }' }, /line 1, column 1: "min_latency" takes no block/],
    ['a value where a block belongs', { first: 'play on;' }, /line 1, column 1: "play" must open a block/],
    [
      'include',
      { first: 'play { include a.conf; }' },
      /line 1, column 8: files cannot be included; write the directives here/,
    ],
    [
      'what contradicts a field',
      { first: 'edge { retry_max 50; }' },
      /line 1, column 18: "retry_max" \(50 ms\) is below "retry_min"/,
    ],
    [
      'a listener',
      { global: 'listen 1936;' },
      /line 1, column 1: "listen" cannot be set here; set spec\.listeners\.rtmp\.port/,
    ],
    [
      'a listener in a block',
      { global: 'http_api {\n  listen 1;\n}' },
      /line 2, column 3: .* set spec\.listeners\.api\.port/,
    ],
    ['a whole listener', { global: 'rtmps { enabled on; }' }, /set spec\.listeners\.rtmps/],
    [
      'a password for the API',
      { global: 'http_api { auth { enabled on; } }' },
      /the operator makes a credential, in the Secret NAME-api-credentials/,
    ],
    ['origins', { first: 'cluster { origin 10.9.9.9; }' }, /set spec\.origins/],
    ['the drain time', { first: 'edge { drain_timeout 1; }' }, /set spec\.pods\.drainSeconds/],
    ['a vhost', { global: 'vhost c.com { }' }, /set spec\.vhosts/],
  ];
  for (const [name, texts, message] of mistakes) {
    it(`refuse ${name}`, () => {
      const { reason, message: text } = refused(texts);
      assert.equal(reason, 'InvalidDirectives');
      assert.match(text, message);
      assert.doesNotMatch(text, /\n/, 'one mistake, one line');
    });
  }

  it('have no way out of their vhost', () => {
    const { message } = refused({ first: '}\nvhost evil {' });
    assert.match(message, /^spec\.vhosts\[0\]\.extraDirectives line 1, column 1: unexpected "}"/);
  });

  it('tell all mistakes at once', () => {
    const lines = refused({ global: 'daemon on;', first: 'paly { }', second: 'mode remote;' }).message.split('\n');
    assert.deepEqual(lines.map((line) => line.replace(/ line.*/, '')).toSorted(), [
      'spec.extraDirectives',
      'spec.vhosts[0].extraDirectives',
      'spec.vhosts[1].extraDirectives',
    ]);
  });
});

describe('fields that the API should have refused', () => {
  /** Two vhosts with fields of the second replaced. */
  function refusedVhost(fields: Partial<Vhost>): RenderError {
    const { spec, ...rest } = edgeCluster({ spec: { vhosts: [{ name: 'a.com' }, { name: 'b.com' }] } });
    const [first, second] = spec.vhosts as [Vhost, Vhost];
    const cluster = { ...rest, spec: { ...spec, vhosts: [first, { ...second, ...fields }] } };
    return refusal(() => renderConfig(cluster, inputOf(cluster).origins));
  }

  it('are named by their vhost', () => {
    const { httpFlv } = edgeCluster().spec.vhosts[0]!;
    const error = refusedVhost({ httpFlv: { ...httpFlv, mount: '/[app]/[stream].ts' } });
    assert.equal(error.reason, 'InvalidConfig');
    assert.match(error.message, /^spec\.vhosts\[1\]: "mount": .* does not end in \.flv/);
  });

  it('are refused when no file can hold them', () => {
    assert.equal(refusedVhost({ transform: 'a\nlisten 22;' }).reason, 'InvalidConfig');
  });

  it('are refused with the names there are when they name no group', () => {
    const { message } = refusedVhost({ origin: 'mian' });
    assert.match(message, /^spec\.vhosts\[1\]\.origin: there is no origin group "mian"; expected: main/);
  });
});
