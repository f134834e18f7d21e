/** Requests to servers of the operator's own, whatever these servers do. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { exchange, withoutSecrets } from '../../edge/net/exchange.ts';
import { temporaryDirectory } from '../support/programs.ts';

/** A server that says this to whatever it is sent, and what it was sent. */
async function server(t: TestContext, says: string): Promise<{ readonly port: number; readonly heard: string[] }> {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      heard.push(bytes.toString());
      socket.write(says);
    });
  });
  listener.listen(0, '::');
  await once(listener, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  return { port: (listener.address() as AddressInfo).port, heard };
}

const ask = { timeoutMs: 5_000, answerMaxBytes: 100 };
const yes = 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n0';

describe('a request', () => {
  test('has the credentials of its URL, and goes to an address of IPv6 as well', async (t) => {
    const { port, heard } = await server(t, yes);
    const url = `http://us%40er:p%3Aw@[::1]:${port}/path?key=1#none`;
    assert.deepEqual(await exchange(url, ask), { status: 200, text: '0' });
    const [head = ''] = heard;
    assert.match(head, /^GET \/path\?key=1 HTTP\/1\.1\r\n/);
    assert.match(head, new RegExp(`^Authorization: Basic ${Buffer.from('us@er:p:w').toString('base64')}\\r$`, 'm'));
    assert.match(head, new RegExp(`^Host: \\[::1\\]:${port}\\r$`, 'm'));
    assert.equal(withoutSecrets(url), `http://[::1]:${port}/path`);
  });

  for (const [what, says, message] of [
    [
      'another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
      /without an answer/,
    ],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n', /Parse Error/],
    ['too many headers', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, /overflow/],
    ['too much', `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(200)}`, /^answered with more than 100 bytes$/],
  ] as const) {
    test(`ends when the answer is ${what}`, async (t) => {
      const { port } = await server(t, says);
      await assert.rejects(exchange(`http://127.0.0.1:${port}/`, { ...ask, body: Buffer.from('{}') }), { message });
    });
  }

  test('ends in time while provisional answers go on', async (t) => {
    const { port } = await server(t, 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(100));
    const url = `http://127.0.0.1:${port}/`;
    await assert.rejects(exchange(url, { ...ask, timeoutMs: 50 }), { message: 'no answer in 50 ms' });
  });
});

const namespace = ['--user', '--map-root-user', '--mount', '--net'];
const enter = 'mount --bind "$1" /etc/resolv.conf; ip link set lo up; shift; exec "$@"';
const inNamespace = (file: string): string[] => [...namespace, 'sh', '-e', '-c', enter, 'sh', file];
const skip = spawnSync('unshare', [...inNamespace('/dev/null'), 'true']).status !== 0 && 'unshare cannot mount here';

/** Asks at a name that DNS is silent about, again and again, and then looks up one that needs no DNS. */
const program = `
  import { createSocket } from 'node:dgram';
  import { lookup } from 'node:dns/promises';
  import { once } from 'node:events';
  import { exchange } from ${JSON.stringify(resolve('edge/net/exchange.ts'))};
  await once(createSocket('udp4').bind(53, '127.0.0.1'), 'listening');
  const asks = Array.from({ length: 20 }, () => exchange('http://hooks.test/', { timeoutMs: 100, answerMaxBytes: 1 }));
  const outcomes = (await Promise.allSettled(asks)).map(({ reason }) => reason?.message);
  console.log([...new Set(outcomes)].join(), (await lookup('localhost')).address);
  process.kill(process.pid);
`;

test('a name that DNS is silent about holds up no other look-up', { skip, timeout: 60_000 }, async (t) => {
  const file = join(temporaryDirectory(t), 'resolv.conf');
  writeFileSync(file, 'nameserver 127.0.0.1\n');
  const args = [...inNamespace(file), process.execPath, '--input-type=module', '--eval', program];
  const said = await promisify(execFile)('unshare', args, { timeout: 15_000 }).catch(
    (ended: { stdout: string }) => ended,
  );
  assert.match(said.stdout, /^no answer in 100 ms (127\.0\.0\.1|::1)\n$/);
});
