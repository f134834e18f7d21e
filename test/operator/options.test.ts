import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readOperatorOptions } from '../../operator/options.ts';

const env = { EDGE_IMAGE: 'edge:1' };

describe('options of the operator', () => {
  it('defaults', () => {
    const { identity, ...options } = readOperatorOptions([], env);
    assert.match(identity, /_[0-9a-f]{8}$/);
    assert.deepEqual(options, {
      namespaces: [],
      leaderElection: true,
      leaseNamespace: 'default',
      leaseName: 'edgecluster-operator',
      masterKeySecret: 'edgecluster-operator-master-key',
      formerIdentityPrefix: undefined,
      watchSecrets: false,
      requireConsent: true,
      rotateEveryDays: 30,
      edgeImage: 'edge:1',
      upgradePace: { clusters: 1, pauseMs: 30_000 },
      listen: { host: undefined, port: 8081 },
      logLevel: 'info',
      kubeconfig: undefined,
    });
  });

  it('flags come before the environment', () => {
    const args = ['--namespaces=a, b,a', '--leader-election=false', '--lease-namespace=x', '--lease-name=y'];
    const secrets = [
      '--master-key-secret=z',
      '--watch-secrets=true',
      '--require-origin-consent=false',
      '--rotate-every-days=0',
    ];
    const pace = ['--upgrade-clusters=5', '--upgrade-pause-seconds=0'];
    const more = [
      ...secrets,
      ...pace,
      '--edge-image=edge:2',
      '--listen=[::1]:99',
      '--log-level=debug',
      '--kubeconfig=/k',
    ];
    const options = readOperatorOptions([...args, ...more], { ...env, POD_NAMESPACE: 'pods', POD_NAME: 'operator-1' });
    const { identity, ...rest } = options;
    assert.match(identity, /^operator-1_/);
    assert.deepEqual(rest, {
      namespaces: ['a', 'b'],
      leaderElection: false,
      leaseNamespace: 'x',
      leaseName: 'y',
      masterKeySecret: 'z',
      formerIdentityPrefix: undefined,
      watchSecrets: true,
      requireConsent: false,
      rotateEveryDays: undefined,
      edgeImage: 'edge:2',
      upgradePace: { clusters: 5, pauseMs: 0 },
      listen: { host: '::1', port: 99 },
      logLevel: 'debug',
      kubeconfig: '/k',
    });
    assert.equal(readOperatorOptions([], { ...env, POD_NAMESPACE: 'pods' }).leaseNamespace, 'pods');
    assert.equal(readOperatorOptions([], { ...env, POD_NAMESPACE: '' }).leaseNamespace, 'default');
  });

  it('two in the same pod are two', () => {
    assert.notEqual(readOperatorOptions([], env).identity, readOperatorOptions([], env).identity);
  });

  it('one knows its own pod’s former process, whose port it must have got first', () => {
    const pod = { ...env, POD_NAME: 'operator-1', POD_UID: '0b1e7f9c' };
    const { identity, formerIdentityPrefix } = readOperatorOptions([], pod);
    assert.equal(formerIdentityPrefix, 'operator-1_0b1e7f9c_');
    assert.match(identity, /^operator-1_0b1e7f9c_[0-9a-f]{8}$/);
    assert.equal(readOperatorOptions(['--listen=:0'], pod).formerIdentityPrefix, undefined);
  });

  for (const [what, args, message] of [
    ['no image', [], /--edge-image IMAGE or set EDGE_IMAGE/],
    ['a namespace that is none', ['--edge-image=x', '--namespaces=A_b'], /"A_b" is no namespace/],
    ['a lease that cannot be', ['--edge-image=x', '--lease-name=A b'], /--lease-name: "A b" is no name of an object/],
    ['a Secret that cannot be', ['--edge-image=x', '--master-key-secret='], /--master-key-secret: "" is no name/],
    ['no namespace of the lease', ['--edge-image=x', '--lease-namespace='], /--lease-namespace: "" is no namespace/],
    ['an address that is none', ['--edge-image=x', '--listen=8081'], /--listen: "8081" is not HOST:PORT or :PORT/],
    ['a port that is none', ['--edge-image=x', '--listen=:80810'], /--listen/],
    ['days that are none', ['--edge-image=x', '--rotate-every-days=a month'], /"a month" is no number of days/],
    ['a pace that is none', ['--edge-image=x', '--upgrade-clusters=0'], /"0" is no whole number from 1 to 10000/],
    ['an unknown level', ['--edge-image=x', '--log-level=loud'], /none of trace, debug/],
    ['an unknown flag', ['--edge-image=x', '--colour'], /there is no option --colour/],
    ['something else', ['--edge-image=x', 'now'], /Unexpected argument 'now'/],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => readOperatorOptions(args, {}), message);
    });
  }
});
