/** Connections from accept to close: all are counted, those that do not get on end, and probes come through. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { pino } from 'pino';
import { Outbox } from '../../edge/budget/outbox.ts';
import { parseConfig } from '../../edge/conf/load.ts';
import { Edge } from '../../edge/edge.ts';
import { Gate } from '../../edge/server/gate.ts';
import { WriteWatch } from '../../edge/server/write-watch.ts';
import { makeCertificate } from '../support/certificate.ts';
import { clientHello } from '../support/client-hello.ts';
import { missing } from '../support/programs.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { startEdge } from './harness.ts';

const testOptions = { timeout: 90_000 };

async function start(t: TestContext, text: string): Promise<Edge> {
  const loaded = parseConfig(`listen 127.0.0.1:0; inotify_auto_reload off; vhost __defaultVhost__ { } ${text}`);
  const log = pino({ level: 'silent' });
  const logCounts = () => ({ lostLines: 0, leftOutLines: 0 });
  const edge = new Edge({ loaded, read: () => loaded, serverId: 'test', log, logCounts });
  await edge.start();
  t.after(() => edge.close());
  return edge;
}

function portOf(edge: Edge, protocol: string): number {
  return edge.addresses.find((address) => address.protocol === protocol)?.port ?? 0;
}

function open(t: TestContext, port: number): Socket {
  const socket = connect(port, '127.0.0.1')
    .on('error', () => {})
    .resume();
  t.after(() => socket.destroy());
  return socket;
}

async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const http = 'http_server { enabled on; listen 127.0.0.1:0; }';
const exporter = 'exporter { enabled on; listen 127.0.0.1:0; }';

describe('connections', () => {
  test('of all listeners count from accept to close', testOptions, async (t) => {
    const edge = await start(t, `${http} ${exporter} http_api { enabled on; listen 127.0.0.1:0; }`);
    const { connections } = edge.budget;
    const sockets = edge.addresses.map(({ port }) => open(t, port));
    assert.equal(sockets.length, 4);
    await until(() => connections.size === 4);
    assert.equal(connections.sizeOf('service'), 2);
    for (const socket of sockets) socket.destroy();
    await until(() => connections.size === 0);
  });

  test('that are idle make room for players, probes and metrics', testOptions, async (t) => {
    const edge = await start(t, `max_connections 20; ${http} ${exporter}`);
    const { connections } = edge.budget;
    const first = await RtmpPeer.player({ port: portOf(edge, 'rtmp') }, 'one');
    t.after(() => first.reset());
    const idle = Array.from({ length: 60 }, (_, i) => open(t, portOf(edge, i % 2 === 0 ? 'rtmp' : 'http')));
    await until(() => connections.turnedAway('max_connections') > 0 && connections.size >= 20);
    const ready = await fetch(`http://127.0.0.1:${portOf(edge, 'http')}/readyz`, { headers: { connection: 'close' } });
    assert.equal(ready.status, 200);
    const metrics = await (await fetch(`http://127.0.0.1:${portOf(edge, 'exporter')}/metrics`)).text();
    assert.match(metrics, /^edge_connections_max 20$/m);
    assert.match(metrics, /^edge_connections_turned_away_total\{reason="max_connections"\} [1-9]/m);
    assert.match(metrics, /^edge_connections\{kind="service"\} 1$/m);
    const second = await RtmpPeer.player({ port: portOf(edge, 'rtmp') }, 'one');
    t.after(() => second.reset());
    assert.equal(first.closed, false);
    assert.ok(idle.some(({ destroyed }) => destroyed));
  });

  test('of one address are limited, but not its players', testOptions, async (t) => {
    const edge = await start(t, 'edge { unadmitted_per_address 3; }');
    const port = portOf(edge, 'rtmp');
    const players: RtmpPeer[] = [];
    for (let i = 0; i < 6; i++) players.push(await RtmpPeer.player({ port }, 'one'));
    t.after(() => {
      for (const player of players) player.reset();
    });
    const idle = Array.from({ length: 10 }, () => open(t, port));
    await until(() => edge.budget.connections.turnedAway('address') === 7);
    await until(() => idle.filter(({ destroyed }) => destroyed).length === 7);
    const late = await RtmpPeer.player({ port }, 'one');
    t.after(() => late.reset());
    assert.ok(players.every(({ closed }) => !closed));
  });
});

describe('a TLS handshake', { skip: missing('openssl') }, () => {
  test('that never ends is ended, and counts until then', testOptions, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'gate-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const { keyFile, certFile } = makeCertificate(directory, 'localhost');
    const tls = `listen 127.0.0.1:0; key ${keyFile}; cert ${certFile};`;
    const edge = await start(
      t,
      `rtmps { enabled on; ${tls} } edge { handshake_timeout 1000; }
       http_server { enabled on; listen 127.0.0.1:0; https { enabled on; ${tls} } }`,
    );
    const { connections } = edge.budget;
    for (const protocol of ['rtmps', 'https']) {
      const silent = open(t, portOf(edge, protocol));
      const half = open(t, portOf(edge, protocol));
      // The beginning of a ClientHello.
      half.write(Buffer.from('1603010200010001fc0303', 'hex'));
      const peer =
        protocol === 'rtmps' ? await RtmpPeer.player({ port: portOf(edge, protocol), tls: true }, 'one') : undefined;
      t.after(() => peer?.socket.destroy());
      await Promise.all([silent, half].map((socket) => socket.destroyed || once(socket, 'close')));
      assert.equal(connections.turnedAway('timeout'), protocol === 'rtmps' ? 2 : 4);
      await until(() => connections.size === 1);
      assert.notEqual(peer?.closed, true);
    }
  });

  test('is answered in its turn, also when many hold back their first message and send it at once', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'gate-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const { keyFile, certFile } = makeCertificate(directory, 'live.test');
    const [key, cert] = [keyFile, certFile].map((file) => readFileSync(file));
    let turn = 0;
    const turns: number[] = [];
    const server = createTlsServer({
      key,
      cert,
      SNICallback: (_, done) => {
        turns.push(turn);
        done(null);
      },
    }).on('tlsClientError', () => {});
    new Gate('https', 'http', await startEdge(t)).guardTls(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const hello = await clientHello('live.test');
    const sockets = Array.from({ length: 30 }, () => open(t, port));
    // All but the last byte: one that is answered at its beginning could be held up by its end.
    for (const socket of sockets) socket.write(hello.subarray(0, -1));
    const leaves = open(t, port);
    leaves.write(hello);
    await until(() => turns.length === 1);
    leaves.destroy();
    let counts = true;
    t.after(() => {
      counts = false;
    });
    const count = (): void => {
      turn++;
      if (counts) setImmediate(count);
    };
    setImmediate(count);
    for (const socket of sockets) socket.write(hello.subarray(-1));
    await until(() => turns.length === sockets.length + 1);
    assert.equal(new Set(turns).size, turns.length, `turns in which they were answered: ${turns.join(' ')}`);
  });
});

describe('write_timeout', () => {
  test('ends who accepts no byte though it goes on sending, and nobody who reads slowly', testOptions, async (t) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const watch = new WriteWatch();
    const timeoutMs = 1_500;
    async function pair(): Promise<{ client: Socket; outbox: Outbox; ended: () => boolean }> {
      const client = connect(port, '127.0.0.1').on('error', () => {});
      const [socket] = (await once(server, 'connection')) as [Socket];
      socket.on('error', () => {}).resume();
      const outbox = new Outbox(socket, () => {});
      watch.add(outbox, () => timeoutMs);
      t.after(() => {
        watch.remove(outbox);
        client.destroy();
        socket.destroy();
      });
      return { client, outbox, ended: () => socket.destroyed };
    }
    const [sender, reader] = [await pair(), await pair()];
    for (const { client, outbox } of [sender, reader]) {
      client.pause();
      outbox.write(Buffer.alloc(30_000_000));
      assert.ok(outbox.pendingBytes > 0);
    }
    const sending = setInterval(() => sender.client.write('still here'), 20);
    t.after(() => clearInterval(sending));
    // A piece now and then, much slower than the timeout would allow for the whole.
    let readBytes = 0;
    const reading = setInterval(() => {
      readBytes += reader.client.read(400_000)?.length ?? reader.client.read()?.length ?? 0;
    }, 100);
    t.after(() => clearInterval(reading));
    await until(() => sender.ended());
    assert.equal(reader.ended(), false);
    assert.ok(readBytes > 0 && reader.outbox.pendingBytes > 0);
  });
});
