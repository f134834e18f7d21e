/** The reference page and its sample. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ROOT } from '../../edge/conf/directives/root.ts';
import { loadConfig } from '../../edge/conf/load.ts';
import { reference } from '../../edge/conf/reference.ts';
import { leavesOf } from '../../edge/conf/schema.ts';

const conf = join(import.meta.dirname, '../../edge/conf');
const page = readFileSync(join(conf, 'REFERENCE.md'), 'utf8');
const sample = readFileSync(join(conf, 'sample.conf'), 'utf8');

describe('reference', () => {
  it('is up to date (node edge/conf/reference.ts writes it)', () => assert.equal(page, reference(sample)));

  it('names every directive', () => {
    for (const { path } of leavesOf(ROOT.fields)) assert.ok(page.includes(`\n| \`${path.at(-1)}\` |`), path.join('.'));
  });

  it('explains every directive in sentences', () => {
    for (const { path, leaf } of leavesOf(ROOT.fields)) assert.match(leaf.doc, /^[A-Z`].+\.$/s, path.join('.'));
  });

  it('shows a sample that works', () => {
    const { config, warnings } = loadConfig(join(conf, 'sample.conf'));
    assert.deepEqual(warnings, []);
    assert.equal(config.vhosts.length, 2);
  });
});
