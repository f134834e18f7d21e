/** The reference page and its sample. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ROOT } from '../../edge/conf/directives/root.ts';
import { type Directive, parseTree } from '../../edge/conf/grammar.ts';
import { loadConfig } from '../../edge/conf/load.ts';
import { reference } from '../../edge/conf/reference.ts';
import { leavesOf } from '../../edge/conf/schema.ts';
import {
  formerForms,
  refusedForms,
  rowOf,
  saidOf,
  srsDirectives,
  srsDirectivesPage,
} from '../../edge/conf/srs-directives.ts';

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

describe('the page of SRS’s directives', () => {
  const rows = srsDirectives();
  const srs = process.env.SRS_CONF_DIR;

  /** Directives of a file without a row. An `include` is no directive of its own. */
  function withoutRow(file: string): string[] {
    const pathsOf = (directives: readonly Directive[], path: readonly string[]): (readonly string[])[] =>
      directives.flatMap(({ name, children }) => {
        if (name === 'include') return [];
        const here = [...path, name];
        return children === undefined ? [here] : pathsOf(children, here);
      });
    const { directives } = parseTree(readFileSync(file, 'utf8'), file);
    return pathsOf(directives, []).flatMap((path) => (rowOf(path, rows) === undefined ? [path.join(' ')] : []));
  }

  it('is up to date (node edge/conf/reference.ts writes it)', () => {
    assert.equal(readFileSync(join(conf, '../docs/srs-directives.md'), 'utf8'), srsDirectivesPage());
  });

  it('has a row for every directive that SRS knows', () => {
    assert.deepEqual(withoutRow(join(import.meta.dirname, 'fixtures/every-directive.conf')), []);
  });

  it(
    'has a row for every directive of SRS’s own full.conf',
    { skip: srs === undefined && 'SRS_CONF_DIR IS NOT SET: set it to the folder `trunk/conf` of SRS' },
    () => assert.deepEqual(withoutRow(join(srs ?? '', 'full.conf')), []),
  );

  it('tells the truth of former forms: each is usable and warned about', () => {
    for (const form of formerForms) {
      const { usable, said } = saidOf(form);
      assert.ok(usable && said.some((warning) => warning.includes('today it is')), `${form}: ${said.join()}`);
    }
  });

  it('tells the truth of refused forms: each is an error that says what to do', () => {
    for (const form of refusedForms) {
      const { usable, said } = saidOf(form);
      assert.ok(!usable && said.every((problem) => problem.includes('; ')), `${form}: ${said.join()}`);
    }
  });

  it('what decides about who may come in is served, never ignored', () => {
    for (const name of ['security', 'refer', 'auth', 'token_traverse', 'on_connect', 'on_play', 'on_publish']) {
      const found = rows.filter(({ path }) => path.includes(name));
      assert.ok(found.length > 0 && found.every(({ treatment }) => treatment.kind === 'served'), name);
    }
  });
});
