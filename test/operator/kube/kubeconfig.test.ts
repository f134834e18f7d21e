/** Which kubeconfig files are read, and which cluster is meant: the same as with kubectl. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { kubeConfigAccess, loadAccess } from '../../../operator/kube/access.ts';
import { loadKubeConfig } from '../../../operator/kube/kubeconfig.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A file whose only context is called as the file. */
function write(name: string, server: string, change: object = {}): string {
  const file = join(directory, name);
  const config = {
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority': 'ca.crt' } }],
    users: [{ name: 'u', user: { token: name } }],
    contexts: [{ name, context: { cluster: 'c', user: 'u', namespace: name } }],
    'current-context': name,
    ...change,
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

const load = (...files: readonly string[]) =>
  loadKubeConfig(undefined, { KUBECONFIG: files.join(delimiter) }, directory);

describe('the files of $KUBECONFIG', () => {
  it('what several say, the first one decides', async () => {
    const config = await load(write('a', 'https://a'), write('b', 'https://b'));
    const { server, namespace } = kubeConfigAccess(config);
    assert.deepEqual([server, namespace], ['https://a', 'a']);
    assert.equal(config.getUser('u')?.token, 'a');
    config.setCurrentContext('b');
    assert.equal(kubeConfigAccess(config).namespace, 'b', 'what only the second has, is there');
  });

  it('a file without a current context leaves it to the next', async () => {
    const config = await load(write('a', 'https://a', { 'current-context': '' }), write('b', 'https://b'));
    assert.equal(config.currentContext, 'b');
  });

  it('those that are missing or empty are passed over', async () => {
    writeFileSync(join(directory, 'empty'), '\n');
    const config = await load(join(directory, 'none'), join(directory, 'empty'), write('b', 'https://b'));
    assert.equal(kubeConfigAccess(config).server, 'https://b');
  });

  it('paths in a file begin at its directory', async () => {
    assert.equal((await load(write('a', 'https://a'))).clusters[0]?.caFile, join(directory, 'ca.crt'));
  });

  it('none is there', async () => {
    const none = join(directory, 'none');
    await assert.rejects(load(none), { message: `there is no kubeconfig file ${none}, as $KUBECONFIG says` });
  });
});

describe('without $KUBECONFIG', () => {
  it('~/.kube/config is read', async () => {
    mkdirSync(join(directory, '.kube'));
    write('.kube/config', 'https://home');
    for (const env of [{}, { KUBECONFIG: '' }])
      assert.equal(kubeConfigAccess(await loadKubeConfig(undefined, env, directory)).server, 'https://home');
  });

  it('it is not there either: no server is made up', async () => {
    const message = `there is no kubeconfig file ${join(directory, '.kube/config')}, and $KUBECONFIG is not set`;
    await assert.rejects(loadKubeConfig(undefined, {}, directory), { message });
  });
});

describe('a file that is named', () => {
  it('must be there, and can be read', async () => {
    const none = join(directory, 'none');
    await assert.rejects(loadAccess(none), { message: `there is no kubeconfig file ${none}` });
    await assert.rejects(loadAccess(directory), { message: /^kubeconfig .* cannot be read: EISDIR/ });
  });

  it('is told where its YAML is wrong, on one line and without what stands there', async () => {
    const file = join(directory, 'wrong');
    writeFileSync(file, 'users: [\n  token: secret\n');
    await assert.rejects(loadAccess(file), ({ message }: Error) => {
      assert.match(message, /^kubeconfig .*wrong: .*\(\d+:\d+\)$/);
      assert.doesNotMatch(message, /secret/);
      return true;
    });
  });

  it('has no current context', async () => {
    const file = write('a', 'https://a', { 'current-context': undefined });
    await assert.rejects(loadAccess(file), { message: 'kubeconfig: no context is current; set current-context' });
    assert.equal((await loadAccess(file, 'a')).server, 'https://a');
  });
});
