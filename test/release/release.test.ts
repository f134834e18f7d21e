/** What a release is made of, as far as it is quick; `make release` makes the image, too. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import manifest from '../../package.json' with { type: 'json' };
import type { Material } from '../image/base.ts';
import { output } from '../image/run.ts';
import { EdgeProcess } from '../support/edge-process.ts';
import { suiteCleaner, temporaryDirectory } from '../support/programs.ts';
import { changesOf } from './changes.ts';
import { writeChart, writePackage } from './packages.ts';
import { writeProvenance } from './provenance.ts';
import { writeSums } from './release.ts';
import { writeSbom } from './sbom.ts';
import { readSettings } from './settings.ts';
import { type Stage, stage } from './stage.ts';

const version = '7.8.9-rc.1';
const library = {
  kind: 'deb',
  name: 'libc6',
  version: '2.36-9+deb12u1',
  architecture: 'arm64',
  sha256: '0'.repeat(64),
} as const satisfies Material;

interface Built {
  readonly staged: Stage;
  readonly chart: string;
  readonly npm: string;
}

const bytes = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

describe('a release', () => {
  const cleaner = suiteCleaner();
  const build = (): Built => {
    const work = temporaryDirectory(cleaner);
    const staged = stage(version, work);
    const [chart, npm] = [join(work, 'chart.tgz'), join(work, 'npm.tgz')];
    writeChart(staged, chart);
    writePackage(staged, npm);
    return { staged, chart, npm };
  };
  let built: Built;
  let again: Built;
  before(() => {
    built = build();
    // Somebody else, whose new files are readable for nobody.
    const usual = process.umask(0o077);
    again = build();
    process.umask(usual);
  });

  test('has the same chart and the same package, whoever builds it', () => {
    assert.equal(bytes(built.chart), bytes(again.chart));
    assert.equal(bytes(built.npm), bytes(again.npm));
  });

  test('names its version in the chart', () => {
    const chart = output('tar', ['-xOzf', built.chart, 'edgecluster/Chart.yaml']);
    assert.deepEqual(chart.match(/^(version|appVersion): .*$/gm), [`version: ${version}`, `appVersion: ${version}`]);
    const files = output('tar', ['-tzf', built.chart]).split('\n');
    for (const each of ['values.yaml', 'values.schema.json', 'templates/deployment.yaml', 'files/edgecluster.yaml']) {
      assert.ok(files.includes(`edgecluster/${each}`), each);
    }
  });

  test('has a package that is installed into an empty folder, and then runs', async () => {
    const folder = temporaryDirectory(cleaner);
    writeFileSync(join(folder, 'package.json'), '{}');
    // What npm has fetched for this project is in its cache.
    output('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', built.npm], {
      cwd: folder,
    });
    const bin = (name: string): string => join(folder, 'node_modules/.bin', name);
    assert.equal(output(bin('edge'), ['--version']).trim(), version);
    assert.equal(output(bin('edgecluster'), ['--version']).trim(), version);
    assert.match(output(bin('kubectl-edge'), ['--help']), /kubectl edge/);
    writeFileSync(join(folder, 'edge.conf'), 'listen 1935; vhost __defaultVhost__ { }');
    assert.match(output(bin('edge'), ['-t', '-c', 'edge.conf'], { cwd: folder }), /can be used/);
    const ec = readFileSync(join(import.meta.dirname, '../../crds/examples/edgecluster.yaml'), 'utf8');
    writeFileSync(join(folder, 'ec.yaml'), ec);
    assert.match(output(bin('edgecluster'), ['render', '--conf', '-f', 'ec.yaml'], { cwd: folder }), /^listen 1935;/);

    const program = join(folder, 'node_modules', manifest.name, 'dist/edge/main.js');
    const config = 'listen 127.0.0.1:0; http_api { enabled on; listen 127.0.0.1:0; } vhost __defaultVhost__ { }';
    const edge = await EdgeProcess.start(config, { program });
    cleaner.after(() => edge.kill());
    // Files that are found by where the program is.
    for (const path of ['/edge/', '/edge/page.js', '/edge/mpegts.js']) {
      const { status } = await fetch(`http://127.0.0.1:${edge.port('http-api')}${path}`);
      assert.equal(status, 200, path);
    }
  });

  test('lists what is in it, as CycloneDX, the same each time', () => {
    const file = join(temporaryDirectory(cleaner), 'sbom.json');
    writeSbom(built.staged, [library], file);
    const first = bytes(file);
    writeSbom(again.staged, [library], file);
    assert.equal(bytes(file), first);
    const bill = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly bomFormat: string;
      readonly metadata: { readonly component: { readonly version: string } };
      readonly components: readonly { readonly name: string; readonly version: string; readonly purl: string }[];
    };
    assert.deepEqual([bill.bomFormat, bill.metadata.component.version], ['CycloneDX', version]);
    const listed = new Map(bill.components.map((each) => [each.name, each]));
    for (const [name, wanted] of Object.entries(manifest.dependencies)) {
      assert.equal(listed.get(name)?.version, wanted, name);
    }
    // Types are what packages that run depend on.
    const only = Object.keys(manifest.devDependencies).filter((name) => !name.startsWith('@types/'));
    for (const name of only) assert.ok(!listed.has(name), name);
    assert.equal(listed.get('libc6')?.purl, 'pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=arm64');
  });

  test('tells what it was made from, and its checksums tell what was changed', async () => {
    const folder = temporaryDirectory(cleaner);
    const chart = join(folder, 'chart.tgz');
    cpSync(built.chart, chart);
    const bases = { kind: 'local', materials: [library] } as const;
    await writeProvenance(built.staged, bases, [chart], join(folder, 'provenance.json'));
    await writeSums(folder);
    const check = (): number | null =>
      spawnSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: folder }).status;
    assert.equal(check(), 0);
    const { subject, predicate } = JSON.parse(readFileSync(join(folder, 'provenance.json'), 'utf8'));
    const [sum] = output('sha256sum', [chart]).split(' ');
    assert.deepEqual(subject, [{ name: 'chart.tgz', digest: { sha256: sum } }]);
    const { resolvedDependencies, externalParameters } = predicate.buildDefinition;
    assert.deepEqual(externalParameters, { VERSION: version });
    const commit = output('git', ['-C', import.meta.dirname, 'rev-parse', 'HEAD']).trim();
    assert.deepEqual(resolvedDependencies[0], { name: 'edgecluster', digest: { gitCommit: commit } });
    const urls = resolvedDependencies.map(({ uri }: { readonly uri?: string }) => uri);
    for (const [name, wanted] of Object.entries(manifest.dependencies)) {
      assert.ok(urls.includes(`pkg:npm/${name.replace('@', '%40')}@${wanted}`), name);
    }
    writeFileSync(chart, 'another');
    assert.equal(check(), 1);
  });

  test('has nothing that is not committed', () => {
    const folder = temporaryDirectory(cleaner);
    const clone = join(folder, 'clone');
    output('git', ['clone', '--quiet', '--no-local', join(import.meta.dirname, '../..'), clone]);
    writeFileSync(join(clone, 'helm/values.yaml'), 'secret: here\n');
    mkdirSync(join(clone, 'node_modules'));
    const program = `
      import { stage } from ${JSON.stringify(join(clone, 'test/release/stage.ts'))};
      console.log(stage('1.2.3', ${JSON.stringify(mkdtempSync(join(folder, 'work-')))}).directory);`;
    const directory = output(process.execPath, ['--input-type=module', '--eval', program]).trim();
    assert.doesNotMatch(readFileSync(join(directory, 'helm/values.yaml'), 'utf8'), /secret: here/);
  });
});

describe('what `make release` is told', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const wrong: readonly [NodeJS.ProcessEnv, RegExp][] = [
    [{}, /which version\? For example: make release VERSION=/],
    [{ VERSION: 'v1.2.3' }, /no semantic version/],
    [{ VERSION: '1.2' }, /no semantic version/],
    [{ VERSION: '1.2.3+build' }, /no semantic version/],
    [{ VERSION: '../1.2.3' }, /no semantic version/],
    [{ VERSION: '1.2.3', BASE: `base@${digest}` }, /BUILD_BASE is missing/],
    [{ VERSION: '1.2.3', BASE: 'base:24', BUILD_BASE: `build@${digest}` }, /Pin it by its digest: base:24@sha256/],
    [{ VERSION: '1.2.3', BASE: 'base@sha256:12', BUILD_BASE: `build@${digest}` }, /Pin it/],
  ];
  for (const [environment, message] of wrong) {
    test(`refuses ${JSON.stringify(environment)}`, () => assert.throws(() => readSettings(environment), message));
  }

  test('takes images with their digests, or makes its own', () => {
    const [base, buildBase] = [`base@${digest}`, `registry:5000/a/build:24@${digest}`];
    assert.deepEqual(readSettings({ VERSION: '1.2.3', BASE: base, BUILD_BASE: buildBase }), {
      version: '1.2.3',
      bases: { kind: 'pinned', base, buildBase },
      directory: 'release',
    });
    assert.deepEqual(readSettings({ VERSION: '1.0.0-rc.1' }).bases, { kind: 'local' });
  });
});

describe('the changelog’s part', () => {
  const changelog =
    '# Changelog\n\n## Unreleased\n\nNew.\n\n## 1.2.3 (2026-11-26)\n\nThat.\n\n### More\n\n## 1.2.2\n\nOld.\n';
  test('is what stands below the version’s heading', () => {
    assert.equal(changesOf(changelog, '1.2.3'), '# edgecluster 1.2.3\n\nThat.\n\n### More\n');
    assert.equal(changesOf(changelog, '1.2.2'), '# edgecluster 1.2.2\n\nOld.\n');
  });
  test('is what is unreleased, where the version has no heading yet', () => {
    assert.equal(changesOf(changelog, '2.0.0'), '# edgecluster 2.0.0\n\nNew.\n');
  });
  test('must be there', () => assert.throws(() => changesOf('# Changelog\n', '1.0.0'), /neither "## 1\.0\.0" nor/));
});
