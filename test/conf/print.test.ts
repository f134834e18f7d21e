/** Model ⇄ text. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultConfig, defaultVhost } from '../../edge/conf/defaults.ts';
import { parseConfig } from '../../edge/conf/load.ts';
import { printConfig, printWithoutSecrets } from '../../edge/conf/print.ts';
import fc from '../support/property.ts';
import { configs } from './arbitrary.ts';

describe('print', () => {
  it('text that is read back as the same configuration (property)', () => {
    fc.assert(
      fc.property(configs, (config) => {
        const text = printConfig(config);
        assert.deepEqual(parseConfig(text).config, config);
        assert.equal(printConfig(parseConfig(text).config), text);
      }),
      { numRuns: 300 },
    );
  });

  it('only what differs from the defaults, or would differ at SRS', () => {
    assert.equal(
      printConfig(defaultConfig({ vhosts: [defaultVhost()] })),
      'listen 1935;\ndaemon off;\nsrs_log_tank console;\ninotify_auto_reload on;\nvhost __defaultVhost__ {\n}\n',
    );
  });

  it('our own blocks only where a value in them differs', () => {
    assert.doesNotMatch(printConfig(defaultConfig({ vhosts: [defaultVhost()] })), /edge/);
    const vhost = defaultVhost({ edge: { stallTimeoutMs: 1500 } });
    assert.match(
      printConfig(defaultConfig({ vhosts: [vhost] })),
      /vhost __defaultVhost__ \{\n {4}edge \{\n {8}stall_timeout 1500;\n {4}\}\n\}\n$/,
    );
  });

  it('for others: without passwords, also those in URLs', () => {
    const vhost = defaultVhost({ httpHooks: { onPlay: ['http://u:hush@a/b?key=secret', 'http://c:1/'] } });
    const text = printWithoutSecrets(defaultConfig({ vhosts: [vhost] }));
    assert.match(text, /on_play http:\/\/\*\*\*@a\/b\?\*\*\* http:\/\/c:1\/;/);
    assert.match(printConfig(defaultConfig({ vhosts: [vhost] })), /u:hush@a\/b\?key=secret/);
  });

  it('mw_latency 0 with min_latency on, which SRS does not take by itself', () => {
    const text = printConfig(defaultConfig({ vhosts: [defaultVhost({ minLatency: true })] }));
    assert.match(text, /min_latency on;\n {4}play \{\n {8}mw_latency 0;\n {4}\}/);
  });

  it('a vhost’s chunk size only where it is not the global one', () => {
    const vhosts = [defaultVhost({ name: 'a', chunkSize: 4096 }), defaultVhost({ name: 'b' })];
    const text = printConfig(defaultConfig({ chunkSize: 4096, vhosts }));
    assert.equal(text.match(/chunk_size/g)?.length, 2);
    assert.match(text, /vhost b \{\n {4}chunk_size 60000;/);
  });

  it('a vhost’s drain time only where it is not the process’s', () => {
    const vhosts = [
      defaultVhost({ name: 'a', edge: { drainTimeoutMs: 300_000 } }),
      defaultVhost({ name: 'b', edge: { drainTimeoutMs: 0 } }),
    ];
    const text = printConfig(defaultConfig({ edge: { drainTimeoutMs: 300_000 }, vhosts }));
    assert.match(text, /^edge \{\n {4}drain_timeout 300000;\n\}/m);
    assert.match(text, /vhost a \{\n\}\nvhost b \{\n {4}edge \{\n {8}drain_timeout 0;/);
  });

  it('throws for a value the language cannot express', () => {
    assert.throws(() => printConfig(defaultConfig({ serverId: 'a\nlisten 22;' })), RangeError);
  });
});

describe('builders', () => {
  it('make what an empty file means', () => {
    assert.deepEqual(parseConfig('listen 1935;').config, defaultConfig());
    const text = 'listen 1935; vhost a.com { } vhost b.com { min_latency on; }';
    const vhosts = [defaultVhost({ name: 'a.com' }), defaultVhost({ name: 'b.com', minLatency: true })];
    assert.deepEqual(parseConfig(text).config, defaultConfig({ vhosts }));
  });

  it('fill up partial sections', () => {
    const vhost = defaultVhost({ minLatency: true, play: { mwLatencyMs: 50 } });
    assert.deepEqual([vhost.play.mwLatencyMs, vhost.play.mwMsgs, vhost.play.gopCache], [50, 0, true]);
    assert.equal(defaultConfig({ httpApi: { enabled: true } }).httpApi.listen[0]?.port, 1985);
  });
});
