/** Names that nobody answers, beside others: by functions that a test answers, and by the system's own threads. */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import type { LookupAddress } from 'node:dns';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { besideDns, type LookUpDone } from '../../edge/net/system-lookup.ts';
import { temporaryDirectory } from '../support/programs.ts';

/** Looks a name up, by a system and a DNS that the test answers. */
function bench(t: TestContext, family = 0) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let system: LookUpDone = assert.fail;
  const dns = Promise.withResolvers<readonly string[]>();
  const asked: AbortSignal[] = [];
  const lookUp = besideDns(
    (_, __, done) => {
      system = done;
    },
    (_, signal) => {
      asked.push(signal);
      return dns.promise;
    },
  );
  const answers: (NodeJS.ErrnoException | LookupAddress[])[] = [];
  const first = new Promise<void>((go) => {
    lookUp('a.test', { all: true, family }, (error, addresses) => {
      answers.push(error ?? addresses);
      go();
    });
  });
  return { system: (...args: Parameters<LookUpDone>) => system(...args), dns, asked, answers, first };
}

const found = [{ address: '10.0.0.1', family: 4 }];

test('DNS is not asked where the system answers soon', (t) => {
  const { system, asked, answers } = bench(t);
  t.mock.timers.tick(249);
  system(null, found);
  t.mock.timers.tick(10_000);
  assert.deepEqual([asked.length, answers], [0, [found]]);
});

test('where it does not, DNS’s answer counts, and what the system says later does not', async (t) => {
  const { system, dns, asked, answers, first } = bench(t, 6);
  t.mock.timers.tick(250);
  dns.resolve(['10.0.0.1', 'fd00::1']);
  await first;
  system(new Error('late'), []);
  assert.deepEqual(answers, [[{ address: 'fd00::1', family: 6 }]]);
  assert.ok(asked[0]?.aborted);
});

test('a name that DNS does not know, or cannot tell of, is the system’s to answer', async (t) => {
  for (const outcome of ['none', 'fails'] as const) {
    await t.test(outcome, async (sub) => {
      const { system, dns, answers, asked } = bench(sub);
      sub.mock.timers.tick(250);
      if (outcome === 'none') dns.resolve([]);
      else dns.reject(new Error('SERVFAIL'));
      await new Promise(setImmediate);
      assert.deepEqual(answers, []);
      system(null, found);
      assert.deepEqual(answers, [found]);
      assert.ok(asked[0]?.aborted);
    });
  }
});

const namespaces = ['--user', '--map-root-user', '--mount', '--net'];
const mounts = spawnSync('unshare', [...namespaces, 'ip', 'link', 'set', 'lo', 'up']).status === 0;
const skip = !mounts && 'unshare cannot make a network here';

/** In a network of its own, where DNS stands at port 53: says which names are answered, as they are. */
const program = `
  import { DnsServer } from ${JSON.stringify(resolve('test/support/dns-server.ts'))};
  import { SharedLookUp } from ${JSON.stringify(resolve('edge/net/host-lookup.ts'))};
  const dns = await DnsServer.start(53);
  for (const name of ['one.silent', 'two.silent']) dns.answer(name, 'silent');
  dns.answer('origin.test', ['10.0.0.1']);
  dns.answer('alias.test', ['10.0.0.2']);
  const { lookup } = new SharedLookUp();
  const look = (name) => new Promise((go) => lookup(name, { all: true }, (error, found) => go(error?.code ?? found)));
  const silent = ['one.silent', 'two.silent'].map(async (name) => console.log(name, await look(name)));
  for (const name of ['origin.test', 'alias.test']) console.log(name, JSON.stringify(await look(name)));
  await Promise.all(silent);
  process.exit();
`;

test('two names that nobody answers do not hold up others, be they in DNS or the hosts file', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const directory = temporaryDirectory(t);
  const [file, hosts] = [join(directory, 'resolv.conf'), join(directory, 'hosts')];
  writeFileSync(hosts, '10.1.0.2 alias.test\n');
  writeFileSync(file, 'nameserver 127.0.0.1\noptions timeout:2 attempts:1\n');
  const script = `ip link set lo up; mount --bind "$1" /etc/resolv.conf; mount --bind "$2" /etc/hosts; shift 2; exec "$@"`;
  const node = [process.execPath, '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)('unshare', [
    ...namespaces,
    'sh',
    '-e',
    '-c',
    script,
    'sh',
    file,
    hosts,
    ...node,
  ]);
  const [first, second, ...others] = stdout.trim().split('\n');
  assert.equal(first, 'origin.test [{"address":"10.0.0.1","family":4}]');
  assert.equal(second, 'alias.test [{"address":"10.1.0.2","family":4}]');
  assert.deepEqual(others.toSorted(), ['one.silent EAI_AGAIN', 'two.silent EAI_AGAIN']);
});
