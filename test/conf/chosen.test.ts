/** Which file is the configuration, where another file chooses. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadChosen } from '../../edge/conf/chosen.ts';
import { fingerprintOfAll } from '../../edge/conf/fingerprint.ts';
import { configHash } from '../../edge/conf/load.ts';
import { ConfigError } from '../../edge/conf/problem.ts';

const usual = 'listen 1935; vhost usual { }';
const canary = 'listen 1935; vhost canary { }';

function scene(t: TestContext, choice?: string) {
  const directory = mkdtempSync(join(tmpdir(), 'chosen-'));
  t.after(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, 'conf'));
  const path = (name: string): string => join(directory, name);
  const write = (name: string, text: string): void => writeFileSync(path(name), text);
  write('conf/edge.conf', usual);
  write('conf/canary-1.conf', canary);
  write('secret.conf', canary);
  if (choice !== undefined) write('choice', choice);
  const load = () => loadChosen(path('conf/edge.conf'), { SRS_CONFIG_CHOICE_FILE: path('choice') });
  return { path, write, load, vhost: () => load().config.vhosts[0]?.name };
}

test('the file that is named counts, with or without a line end', (t) => {
  for (const choice of ['canary-1.conf', 'canary-1.conf\n']) {
    const { load } = scene(t, choice);
    assert.equal(load().hash, configHash(canary));
  }
});

test('what names no file beside the usual one is no choice', (t) => {
  const choices = [
    undefined,
    '',
    '\n',
    'canary-2.conf',
    '../secret.conf',
    '/etc/passwd',
    '.',
    'canary-1.conf x',
    '..conf',
  ];
  for (const choice of choices) assert.equal(scene(t, choice).vhost(), 'usual', String(choice));
  const { path, vhost } = scene(t);
  mkdirSync(path('choice'));
  assert.equal(vhost(), 'usual', 'a folder');
  assert.equal(loadChosen(path('conf/edge.conf'), {}).hash, configHash(usual), 'no variable');
});

test('the choice, and the named file that comes or goes, are changes of the configuration', (t) => {
  const { path, write, load } = scene(t);
  const changes: readonly (readonly [string, () => void])[] = [
    ['chosen', () => write('choice', 'canary-2.conf')],
    ['the named file comes', () => write('conf/canary-2.conf', canary)],
    ['it is another', () => write('conf/canary-2.conf', `${canary} `)],
    ['it goes', () => rmSync(path('conf/canary-2.conf'))],
    ['the usual one', () => write('conf/edge.conf', `${usual} `)],
    ['chosen no more', () => rmSync(path('choice'))],
  ];
  for (const [what, change] of changes) {
    const { files, fingerprint } = load();
    assert.equal(fingerprintOfAll(files), fingerprint, `${what}: as it was read`);
    change();
    assert.notEqual(fingerprintOfAll(files), fingerprint, what);
  }
  assert.equal(load().hash, configHash(`${usual} `));
});

test('a chosen file that cannot be used is an error, and what decides about it is watched on', (t) => {
  const { path, write, load } = scene(t, 'canary-1.conf');
  write('conf/canary-1.conf', 'paly;');
  assert.throws(load, (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /canary-1\.conf:1:1: unknown directive "paly"/);
    assert.ok(error.source?.files.includes(path('choice')));
    return true;
  });
});

test('files of a pod: links that are swapped', (t) => {
  const { path, load } = scene(t);
  const version = (name: string, text: string): void => {
    mkdirSync(path(`pod/${name}`), { recursive: true });
    writeFileSync(path(`pod/${name}/choice`), text);
    symlinkSync(name, path('pod/..data_tmp'));
    renameSync(path('pod/..data_tmp'), path('pod/..data'));
  };
  version('..1', '');
  symlinkSync(join('pod', '..data', 'choice'), path('choice'));
  const { files, fingerprint, hash } = load();
  assert.equal(hash, configHash(usual));
  version('..2', 'canary-1.conf');
  assert.notEqual(fingerprintOfAll(files), fingerprint);
  assert.equal(load().hash, configHash(canary));
});
