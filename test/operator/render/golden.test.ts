/**
 * What whole EdgeClusters are rendered to. UPDATE_GOLDEN=1 writes the golden files anew: read the difference before it
 * is committed. With SRS_BIN (a path) SRS is asked whether it accepts the configurations.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { parseConfig } from '../../../edge/conf/load.ts';
import { tlsDirectory } from '../../../operator/render/edge-config.ts';
import { render } from '../../../operator/render/render.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { caseOf, cases, examples, inputOf } from './cases.ts';

const run = promisify(execFile);
const edge = join(import.meta.dirname, '../../../edge/main.ts');
const srs = process.env.SRS_BIN;
// An edge warns of each variable of this kind that it does not know.
delete process.env.SRS_BIN;

describe('rendered EdgeClusters', () => {
  for (const { name, cluster, renderedFile } of cases) {
    it(`${name}: as in its golden file`, () => {
      const { objects } = render(inputOf(cluster));
      const text = objects.map(toYaml).join('---\n');
      if (process.env.UPDATE_GOLDEN === '1') writeFileSync(renderedFile, text);
      assertSame(text, renderedFile);
      // YAML leaves undefined out, and so would hide it.
      const read = parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS() as unknown);
      assert.deepStrictEqual(plain(objects), read);
    });
  }
});

describe('rendered configurations', { concurrency: 2 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'render-'));
  const secrets = join(directory, 'tls');
  before(() => {
    mkdirSync(secrets);
    makeCertificate(secrets, 'localhost');
  });
  after(() => rmSync(directory, { recursive: true }));

  /** The edge.conf of a case with its Secrets where this machine has them. */
  function confFile(name: string, text: string): string {
    const file = join(directory, `${name}.conf`);
    const local = text.replaceAll(tlsDirectory('rtmps'), secrets).replaceAll(tlsDirectory('https'), secrets);
    writeFileSync(file, local);
    return file;
  }

  for (const { name, cluster } of [...examples, ...cases]) {
    const { config } = render(inputOf(cluster));
    it(`${name}: read back as it is, every directive with an effect`, () => {
      const { config: read, warnings } = parseConfig(config.text);
      assert.deepEqual(read, config.config);
      assert.deepEqual(warnings, []);
    });

    const isSrs = !/^\s*(edge|rtmps) \{/m.test(config.text);
    const skip = srs === undefined ? 'SRS_BIN is not set' : isSrs ? false : 'it uses what SRS does not know';
    it(`${name}: accepted by SRS`, { skip, timeout: 90_000 }, async () => {
      // SRS looks for its files beside objs/.
      const cwd = join(dirname(srs ?? ''), '..');
      await run(srs ?? '', ['-t', '-c', confFile(`${name}-srs`, config.text)], { cwd });
    });
  }

  for (const { name, cluster } of examples) {
    it(`${name}: accepted by the edge`, { timeout: 90_000 }, async () => {
      const file = confFile(name, render(inputOf(cluster)).config.text);
      const { stderr } = await run(process.execPath, [edge, '-t', '-c', file]);
      assert.equal(stderr, '');
    });
  }

  it('the everyday ones hold nothing that SRS does not know', () => {
    for (const name of ['small', 'autoscaling', 'host-network']) {
      assert.doesNotMatch(render(inputOf(caseOf(name).cluster)).config.text, /edge \{/);
    }
  });
});

/** Names the first line that differs: the whole text is too long to look at. */
function assertSame(text: string, file: string): void {
  const lines = text.split('\n');
  const golden = readFileSync(file, 'utf8').split('\n');
  const at = lines.findIndex((line, i) => line !== golden[i]);
  if (at >= 0) assert.equal(lines[at], golden[at], `${file}:${at + 1}: "${lines[at]}" instead of "${golden[at]}"`);
  assert.equal(lines.length, golden.length, `${file} has more lines than were rendered`);
}

/** YAML that Kubernetes reads, too: to it `off` is no word. */
function toYaml(object: unknown): string {
  return stringify(object, { version: '1.1', aliasDuplicateObjects: false, lineWidth: 0 });
}

/** As it was, but objects without a class. Throws for a field that is undefined. */
function plain(value: unknown): unknown {
  if (value === undefined) throw new Error('a field is undefined');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]));
}
