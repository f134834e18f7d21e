/**
 * What somebody without a credential sees on each port of an edge that runs as the operator renders it: from another
 * machine, and from loopback, where every process of the node is with `hostNetwork`, and a service mesh's sidecar always.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type IncomingMessage, request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import { networkInterfaces } from 'node:os';
import { type TestContext, test } from 'node:test';
import { clip } from '../support/media.ts';
import { type PortName, type RenderedEdge, startRenderedEdge } from '../support/rendered-edge.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startOrigin } from '../support/rtmp-scene.ts';

const options = { timeout: 60_000 };

/** A stream's name is often its publisher's secret. */
const secretName = 'secret-name';

const masterKeys = { current: Buffer.alloc(32, 7).toString('base64'), former: undefined };

const probes = ['/healthz', '/readyz'];
const api = [
  'versions',
  'summaries',
  'vhosts',
  'streams',
  'clients',
  'edge',
  'origins',
  'config',
  'raw?rpc=reload',
  'status',
  'health',
  'events',
];
const page = ['/', '/edge/', '/edge/page.js', '/edge/page.css', '/edge/mpegts.js', '/edge/page.json'];
const paths = [
  ...probes,
  ...page,
  '/edge/status.json',
  '/metrics',
  '/api',
  '/api/',
  '/api/v1',
  '/api/v1/',
  ...api.map((name) => `/api/v1/${name}`),
  '/api/v2/streams',
  '/console/',
  '/index.html',
  '/../../etc/passwd',
  '/%2e%2e/%2e%2e/etc/edge-api/credentials',
];

/** Loopback, and the addresses that other machines reach this one by. */
const addresses = [
  '127.0.0.1',
  ...Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).flatMap(({ internal, family, address }) => (!internal && family === 'IPv4' ? [address] : [])),
  ),
];

interface Sight {
  readonly status: number;
  readonly body: string;
}

async function ask(port: PortName, url: string, method: string): Promise<Sight> {
  const request = port === 'https' ? overHttps(url, { method, rejectUnauthorized: false }) : overHttp(url, { method });
  const [response] = (await once(request.end(), 'response')) as [IncomingMessage];
  let body = '';
  for await (const text of response.setEncoding('utf8')) body += text;
  return { status: response.statusCode ?? 0, body };
}

/** All paths at a port, from everywhere: those that something is seen at. */
async function seenAt({ ports }: RenderedEdge, port: PortName): Promise<readonly string[]> {
  const scheme = port === 'https' ? 'https' : 'http';
  const seen = new Set<string>();
  for (const address of addresses) {
    for (const path of paths) {
      for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS']) {
        const { status, body } = await ask(port, `${scheme}://${address}:${ports.get(port)}${path}`, method);
        assert.ok(!body.includes(secretName), `${method} ${port}${path} names a stream`);
        if (status < 400 && (body !== '' || method === 'DELETE' || method === 'POST')) seen.add(path);
      }
    }
  }
  return [...seen];
}

/** Ports that a process listens at, by what the kernel says. */
function listening(pid: number): ReadonlySet<number> {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  const rows = ['tcp', 'tcp6'].flatMap((family) => readFileSync(`/proc/net/${family}`, 'utf8').split('\n').slice(1));
  return new Set(
    rows.flatMap((row) => {
      const [, local = '', , state, , , , , , inode = ''] = row.trim().split(/\s+/);
      return state === '0A' && own.has(inode) ? [Number.parseInt(local.split(':')[1] ?? '', 16)] : [];
    }),
  );
}

async function start(t: TestContext, more: { readonly hostNetwork?: boolean; readonly page?: boolean }) {
  const origin = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
  const edge = await startRenderedEdge(t, { origins: [`127.0.0.1:${origin.port}`], masterKeys, ...more });
  const player = await RtmpPeer.player({ port: edge.ports.get('rtmp') ?? 0 }, secretName);
  t.after(() => player.reset());
  await player.frames(3);
  return edge;
}

for (const hostNetwork of [false, true]) {
  test(
    `an outsider sees probes, metrics, and streams by their names${hostNetwork ? ', with hostNetwork' : ''}`,
    options,
    async (t) => {
      const edge = await start(t, { hostNetwork });
      assert.deepEqual([...listening(edge.process.child.pid ?? 0)].sort(), [...edge.ports.values()].sort());
      assert.deepEqual(await seenAt(edge, 'api'), probes);
      assert.deepEqual(await seenAt(edge, 'exporter'), [...probes, '/metrics']);
      assert.deepEqual(await seenAt(edge, 'http'), probes);
      assert.deepEqual(await seenAt(edge, 'https'), probes);
      // The player is still there: nobody could disconnect it. And the credential opens what is closed.
      const authorization = `Basic ${readFileSync(edge.credentialsFile).subarray(0, -1).toString('base64')}`;
      const url = `http://127.0.0.1:${edge.ports.get('api')}/api/v1/streams`;
      const answer = await (await fetch(url, { headers: { authorization } })).text();
      assert.ok(answer.includes(secretName), answer);
    },
  );
}

test('the page is there where the manifest asks for it, and names no stream', options, async (t) => {
  const edge = await start(t, { page: true });
  assert.deepEqual(await seenAt(edge, 'http'), [...probes, ...page]);
  // The files of the console, without what they would show.
  assert.deepEqual(await seenAt(edge, 'api'), [...probes, ...page]);
});
