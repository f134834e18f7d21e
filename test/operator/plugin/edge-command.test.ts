/** `edgecluster edge` as it is typed: what it refuses, and the Role that it prints. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { edgecluster } from '../../support/edgecluster-command.ts';

const options = { timeout: 90_000 };

describe('edgecluster edge', { concurrency: 2 }, () => {
  for (const [args, message] of [
    [[], /^which command\?\n\nusage: kubectl edge COMMAND/],
    [['tops'], /^there is no command "tops"/],
    [['kick'], /^which client\? Say its id/],
    [['kick', ''], /^which client\? Say its id/],
    [['drain', ''], /^which edge\? Say the name of its pod/],
    [['drain', '../x'], /^"\.\.\/x" is no name of a pod/],
    [['top', ''], /^"" is no name of an EdgeCluster/],
    [['streams', 'live,other'], /^"live,other" is no name of an EdgeCluster/],
    [['top', '-n', 'A/b'], /^--namespace: "A\/b" is no namespace/],
    [['drain', 'a', 'b'], /^drain takes one name, not 2/],
    [['drain', 'a', '-A'], /^drain does not take --all-namespaces/],
    [['top', '-n', 'a', '-A'], /^say --namespace or --all-namespaces/],
    [['streams', '--stream', 'x'], /^streams does not take --stream/],
    [['clients', '-o', 'yaml'], /^--output: "yaml" is none of text, json/],
  ] as const) {
    it(`refuses "${args.join(' ')}"`, options, async () => {
      const { code, out, err } = await edgecluster(['edge', ...args]);
      assert.deepEqual([code, out], [2, '']);
      assert.match(err, message);
    });
  }

  it('says so where there is no way to a cluster', options, async () => {
    const { code, err } = await edgecluster(['edge', 'top', '--kubeconfig', '/nowhere']);
    assert.equal(code, 1);
    assert.match(err, /^there is no way to a cluster: .*; give --kubeconfig\n$/);
  });

  it('prints a Role', options, async () => {
    const { kind, rules } = parse((await edgecluster(['edge', 'rights'])).out) as { kind: string; rules: object[] };
    assert.deepEqual([kind, rules.length], ['Role', 5]);
  });
});
