/** How names are looked up by what `/etc/resolv.conf` says: in a mount namespace in which it is another one. */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { DnsServer } from '../support/dns-server.ts';
import { temporaryDirectory } from '../support/programs.ts';

const testOptions = { timeout: 60_000 };
const namespace = ['--user', '--map-root-user', '--mount'];
const mounts = spawnSync('unshare', [...namespace, 'mount', '--bind', '/dev/null', '/etc/resolv.conf']).status === 0;
const skip = !mounts && 'unshare cannot mount here';

/**
 * Looks the first argument up, by the system's settings; whether there are any or not, they are at the second. The third
 * says whether only what is certain counts.
 */
const program = `
  import { addressesOf } from ${JSON.stringify(resolve('edge/net/dns.ts'))};
  const [name, resolvConf, certain] = process.argv.slice(1);
  const settings = { servers: [], resolvConf, certain: certain === 'true' };
  try {
    console.log((await addressesOf(name, settings, new AbortController().signal)).join(' ') || 'none');
  } catch (error) {
    console.log(error.code ?? error.message);
  }
`;

/** A DNS server, and who looks names up as a pod does whose settings name it. */
async function scene(t: TestContext, settings: string) {
  const dns = await DnsServer.start();
  t.after(() => dns.close());
  const file = join(temporaryDirectory(t), 'resolv.conf');
  writeFileSync(file, `nameserver ${dns.address}\n${settings}\n`);
  const script = 'mount --bind "$1" /etc/resolv.conf; shift; exec "$@"';
  const node = [process.execPath, '--input-type=module', '--eval', program];
  const lookUp = async (name: string, resolvConf = '/etc/resolv.conf', certain = false): Promise<string> => {
    const args = [...namespace, 'sh', '-e', '-c', script, 'sh', file, ...node, name, resolvConf, `${certain}`];
    return (await promisify(execFile)('unshare', args)).stdout.trim();
  };
  /** The names of which the server was asked, in order. */
  const asked = (): string[] => [...new Set(dns.queries.splice(0).map(({ name }) => name))];
  return { dns, lookUp, asked };
}

describe('the system’s DNS', { skip }, () => {
  const pod = 'search media.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5';

  test('is asked for a short name in its search domains, in order, until one has it', testOptions, async (t) => {
    const { dns, lookUp, asked } = await scene(t, pod);
    dns.answer('origin.live.svc.cluster.local', ['10.0.0.1', 'fd00::1']);
    dns.answer('origin.live', ['10.0.0.2']);
    assert.equal(await lookUp('origin.live'), '10.0.0.1 fd00::1');
    assert.deepEqual(asked(), ['origin.live.media.svc.cluster.local', 'origin.live.svc.cluster.local']);
    assert.equal(await lookUp('origin.live.'), '10.0.0.2');
    assert.deepEqual(asked(), ['origin.live']);
  });

  test(
    'is asked for the name as it is where no search domain has it, though one of them fails',
    testOptions,
    async (t) => {
      const { dns, lookUp, asked } = await scene(t, pod);
      dns.answer('a.b.media.svc.cluster.local', 'fails');
      dns.answer('a.b.svc.cluster.local', []);
      dns.answer('a.b', ['10.0.0.1', '10.0.0.2']);
      assert.equal(await lookUp('a.b'), '10.0.0.1 10.0.0.2');
      assert.deepEqual(
        asked(),
        ['media.svc.cluster.local', 'svc.cluster.local', 'cluster.local']
          .map((domain) => `a.b.${domain}`)
          .concat('a.b'),
      );
      dns.answer('a.b', []);
      assert.equal(await lookUp('a.b'), 'ESERVFAIL', 'what one of them has is not known');
      assert.equal(await lookUp('c.d'), 'none');
    },
  );

  test('is asked in no domain after one that fails where only what is certain counts', testOptions, async (t) => {
    const { dns, lookUp, asked } = await scene(t, 'search one two three');
    dns.answer('origin.two', 'fails');
    dns.answer('origin.three', ['10.0.0.3']);
    assert.equal(await lookUp('origin', '/etc/resolv.conf', true), 'ESERVFAIL');
    assert.deepEqual(asked(), ['origin.one', 'origin.two']);
    dns.answer('origin.two', []);
    assert.equal(await lookUp('origin', '/etc/resolv.conf', true), '10.0.0.3');
  });

  test('is asked for a name with dots enough as it is, and then in the search domains', testOptions, async (t) => {
    const { dns, lookUp, asked } = await scene(t, 'search one two\noptions ndots:2');
    dns.answer('a.b.c.one', ['10.0.0.1']);
    assert.equal(await lookUp('a.b.c'), '10.0.0.1');
    assert.deepEqual(asked(), ['a.b.c', 'a.b.c.one']);
  });

  test('that is silent ends a look-up in 4 s, however many search domains there are', testOptions, async (t) => {
    const domains = Array.from({ length: 20 }, (_, index) => `domain${index}`);
    const { dns, lookUp, asked } = await scene(t, `search ${domains.join(' ')}`);
    for (const domain of domains) dns.answer(`origin.${domain}`, 'silent');
    assert.equal(await lookUp('origin'), 'no answer in 4000 ms');
    const { length } = asked();
    assert.ok(length > 1 && length < domains.length, `${length}`);
  });

  test('is asked for the name as it is where its settings cannot be read', testOptions, async (t) => {
    const { dns, lookUp, asked } = await scene(t, pod);
    dns.answer('origin', ['10.0.0.1']);
    assert.equal(await lookUp('origin', '/nowhere'), '10.0.0.1');
    assert.deepEqual(asked(), ['origin']);
  });
});
