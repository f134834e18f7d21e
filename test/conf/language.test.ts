/** The configuration language by versions: what edges of each of them read. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { defaultConfig, defaultVhost } from '../../edge/conf/defaults.ts';
import { ROOT } from '../../edge/conf/directives/root.ts';
import { LANGUAGE } from '../../edge/conf/language.ts';
import { parseConfig } from '../../edge/conf/load.ts';
import { leftOut, printConfig } from '../../edge/conf/print.ts';
import { leavesOf } from '../../edge/conf/schema.ts';

/** All directives of edgecluster 0.1.0, one in a line. */
const first = readFileSync(join(import.meta.dirname, 'fixtures/language-1.txt'), 'utf8')
  .trim()
  .split('\n');
const leaves = leavesOf(ROOT.fields).map(({ path, leaf: { since = 1 } }) => ({ name: path.join('.'), since }));

const newer = defaultConfig({
  edge: { pageFigures: true },
  vhosts: [
    defaultVhost({
      edge: {
        playQueueMaxBytes: 1_000_000,
        stallTimeoutMs: 1500,
        originLookup: [{ scheme: 'rtmp', host: 'origin.live.svc', port: 1935 }],
      },
    }),
  ],
});

describe('the configuration language', () => {
  it('each directive that 0.1.0 does not know says so with `since`, or edges that still run could not read it', () => {
    assert.deepEqual(
      leaves.filter(({ since }) => since === 1).map(({ name }) => name),
      first,
    );
    assert.equal(Math.max(...leaves.map(({ since }) => since)), LANGUAGE);
  });

  it('what edges of a former language do not know is left out for them, and all else is there', () => {
    const text = printConfig(newer, 1);
    assert.doesNotMatch(text, /page_figures|play_queue_max_bytes|origin_lookup|^edge/m);
    assert.match(text, /stall_timeout 1500;/);
    assert.deepEqual(leftOut(newer, 1), ['page_figures', 'origin_lookup', 'play_queue_max_bytes']);
    assert.deepEqual(parseConfig(text).config.vhosts[0]?.edge.stallTimeoutMs, 1500);
  });

  it('nothing is left out for edges of this language, or of a later one, which knows it all', () => {
    for (const language of [LANGUAGE, LANGUAGE + 1]) {
      assert.equal(printConfig(newer, language), printConfig(newer));
      assert.deepEqual(leftOut(newer, language), []);
    }
    assert.deepEqual(parseConfig(printConfig(newer)).config, newer);
  });

  it('what has its default is in no file, so that most files are the same in each language', () => {
    const plain = defaultConfig({ vhosts: [defaultVhost()] });
    assert.equal(printConfig(plain, 1), printConfig(plain));
    assert.deepEqual(leftOut(plain, 1), []);
  });
});
