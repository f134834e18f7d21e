/** How DNS is asked, against a DNS server of the tests. */

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { addressesOf, type DnsSettings, searched } from '../../edge/net/dns.ts';
import { DnsServer } from '../support/dns-server.ts';
import { temporaryDirectory } from '../support/programs.ts';

const never = new AbortController().signal;

/** Asks these servers. */
function settingsOf(...servers: readonly DnsServer[]): DnsSettings {
  const addresses = servers.map(({ address }) => address.split(':'));
  return {
    servers: addresses.map(([host = '', port]) => ({ host, port: Number(port) })),
    resolvConf: '/nowhere',
    certain: false,
  };
}

describe('all addresses of a name', () => {
  let dns: DnsServer;
  before(async () => {
    dns = await DnsServer.start();
  });
  after(() => dns.close());

  function look(name: string, signal = never): Promise<string[]> {
    return addressesOf(name, settingsOf(dns), signal);
  }

  test('both families, in an order that does not depend on the answer’s', async () => {
    dns.answer('both.test', ['fd00::2', '10.0.0.10', 'fd00::1', '10.0.0.9']);
    assert.deepEqual(await look('both.test'), ['10.0.0.9', '10.0.0.10', 'fd00::1', 'fd00::2']);
    dns.answer('six.test', ['fd00::2']);
    assert.deepEqual(await look('six.test'), ['fd00::2']);
    assert.deepEqual(await look('six.test.'), ['fd00::2'], 'a name that is complete');
  });

  test('of the servers that are configured, whatever search domains the system has', async (t) => {
    const resolvConf = join(temporaryDirectory(t), 'resolv.conf');
    writeFileSync(resolvConf, 'search test\noptions ndots:5\n');
    dns.answer('short.test', ['10.0.0.1']);
    dns.answer('short', ['10.0.0.2']);
    assert.deepEqual(await addressesOf('short', { ...settingsOf(dns), resolvConf }, never), ['10.0.0.2']);
  });

  test('none for a name that does not exist, or has none', async () => {
    dns.answer('empty.test', []);
    assert.deepEqual(await look('empty.test'), []);
    assert.deepEqual(await look('missing.test'), []);
  });

  test('more than a packet holds', async () => {
    const many = Array.from({ length: 600 }, (_, index) => `10.1.${Math.floor(index / 250)}.${index % 250}`);
    dns.answer('many.test', many);
    assert.equal((await look('many.test')).length, 600);
  });

  test('a server that fails, or never answers, is an error that says so', async () => {
    dns.answer('fails.test', 'fails');
    await assert.rejects(look('fails.test'), /ESERVFAIL/);
    dns.answer('silent.test', 'silent');
    await assert.rejects(look('silent.test'), /ETIMEOUT/);
  });

  describe('of servers that are silent', () => {
    let second: DnsServer;
    before(async () => {
      second = await DnsServer.start();
      for (const server of [dns, second]) server.answer('silent.test', 'silent');
    });
    after(() => second.close());

    /** Asks two servers, which takes longer than to ask one. */
    const lookTwice = (signal: AbortSignal): Promise<string[]> =>
      addressesOf('silent.test', settingsOf(dns, second), signal);

    test('a look-up ends in 4 s, however many there are', async () => {
      await assert.rejects(lookTwice(never), /no answer in 4000 ms/);
    });

    test('who ends it is not kept waiting', async () => {
      const [end, endOther] = [new AbortController(), new AbortController()];
      const other = look('silent.test', endOther.signal);
      const looking = lookTwice(end.signal);
      const ended: string[] = [];
      const settled = [looking.catch(() => ended.push('looking')), other.catch(() => ended.push('other'))];
      await dns.asked(dns.queries.length + 1);
      end.abort();
      await Promise.race(settled);
      assert.deepEqual(ended, ['looking']);
      endOther.abort();
      await Promise.all(settled);
      await assert.rejects(looking, /abort/i);
      await assert.rejects(look('silent.test', end.signal), /abort/i);
    });
  });
});

/** What a server of the tests says to a question of one type. */
interface Reply {
  /** Empty for none of that type; `fails` when the server cannot tell; undefined for no reply. */
  readonly answer: readonly number[] | 'fails' | undefined;
  /** Awaited before it is sent. */
  readonly after?: Promise<void>;
}

/** A DNS server that has another reply for each family. */
async function serverOf(t: TestContext, v4: Reply, v6: Reply, host = '127.0.0.1'): Promise<DnsSettings> {
  const server = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  t.after(() => server.close());
  server.bind(0, host);
  await once(server, 'listening');
  server.on('message', async (question, { port, address }) => {
    const end = question.indexOf(0, 12) + 5;
    const type = question.readUInt16BE(end - 4);
    const { answer, after } = type === 1 ? v4 : v6;
    await after;
    if (answer === undefined) return;
    const bytes = answer === 'fails' ? [] : answer;
    // The name of the question, the type, class IN, a TTL of 5 s, and the address.
    const head = [0xc0, 0x0c, 0, type, 0, 1, 0, 0, 0, 5, 0, bytes.length];
    const reply = Buffer.concat([question.subarray(0, end), Buffer.from(bytes.length > 0 ? [...head, ...bytes] : [])]);
    reply.writeUInt16BE(answer === 'fails' ? 0x8582 : 0x8580, 2);
    reply.writeUInt16BE(bytes.length > 0 ? 1 : 0, 6);
    // What Node asks for beside the question is not answered.
    reply.writeUInt16BE(0, 10);
    server.send(reply, port, address);
  });
  return { servers: [{ host, port: server.address().port }], resolvConf: '/nowhere', certain: false };
}

describe('where families are answered differently', () => {
  const four = [10, 0, 0, 7];
  const loopback = [...Array<number>(15).fill(0), 1];

  test('one that never answers does not hold up the other', async (t) => {
    const silent = await serverOf(t, { answer: undefined }, { answer: undefined });
    const end = new AbortController();
    const other = addressesOf('silent.test', silent, end.signal).catch(() => 'silent');
    const settings = await serverOf(t, { answer: four }, { answer: undefined });
    assert.deepEqual(await Promise.race([addressesOf('four.test', settings, never), other]), ['10.0.0.7']);
    end.abort();
    await other;
  });

  test('one that has no address, or cannot tell, is no reason not to wait for the other', async (t) => {
    for (const answer of [[], 'fails'] as const) {
      const after = delay(200);
      const settings = await serverOf(t, { answer: four, after }, { answer });
      assert.deepEqual(await addressesOf('four.test', settings, never), ['10.0.0.7'], `${answer}`);
    }
    const settings = await serverOf(t, { answer: [] }, { answer: loopback, after: delay(200) }, '::1');
    assert.deepEqual(await addressesOf('six.test', settings, never), ['::1']);
  });

  test('both are waited for where only what is certain counts, and none counts without the other', async (t) => {
    const late = await serverOf(t, { answer: four, after: delay(200) }, { answer: loopback });
    assert.deepEqual(await addressesOf('both.test', { ...late, certain: true }, never), ['10.0.0.7', '::1']);
    for (const answer of ['fails', undefined] as const) {
      const half = await serverOf(t, { answer }, { answer: loopback });
      await assert.rejects(addressesOf('six.test', { ...half, certain: true }, never), /ESERVFAIL|ETIMEOUT/);
    }
  });
});

test('nobody at the DNS server’s port is an error', async () => {
  const settings = { servers: [{ host: '127.0.0.1', port: 9 }], resolvConf: '/nowhere', certain: false };
  await assert.rejects(addressesOf('a.test', settings, never), /ECONNREFUSED/);
});

describe('search domains', () => {
  const pod = `search media.svc.cluster.local svc.cluster.local cluster.local
nameserver 10.96.0.10
options ndots:5 edns0
`;

  test('come first for a short name, as in a pod, and last for a long one', () => {
    assert.deepEqual(searched('origin.live.svc', pod), [
      'origin.live.svc.media.svc.cluster.local',
      'origin.live.svc.svc.cluster.local',
      'origin.live.svc.cluster.local',
      'origin.live.svc',
    ]);
    assert.equal(searched('a.b.c.d.e.f', pod)[0], 'a.b.c.d.e.f');
    assert.deepEqual(searched('origin.live.svc.', pod), ['origin.live.svc.']);
  });

  test('there may be none, several lines of them, or a file that is odd', () => {
    assert.deepEqual(searched('origin', ''), ['origin']);
    assert.deepEqual(searched('origin', 'search a\n search b c'), ['origin.b', 'origin.c', 'origin']);
    assert.deepEqual(searched('origin', 'domain a.b'), ['origin.a.b', 'origin']);
    assert.deepEqual(searched('origin.live', 'search .\noptions ndots:x ndots'), ['origin.live']);
    assert.deepEqual(searched('origin.live', '#search a\nsearch'), ['origin.live']);
    assert.deepEqual(searched('origin', 'search  a \t b'), ['origin.a', 'origin.b', 'origin']);
    assert.deepEqual(searched('a.b', 'search x\noptions ndots:15'), ['a.b.x', 'a.b']);
    for (const odd of ['xndots:9', 'ndots:123', 'ndots:2x']) {
      assert.deepEqual(searched('a.b', `search x\noptions ${odd}`), ['a.b', 'a.b.x'], odd);
    }
    assert.deepEqual(searched('a.b', 'search x\nnameserver ndots:9'), ['a.b', 'a.b.x']);
  });
});
