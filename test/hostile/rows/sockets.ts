/** Connections that are opened and left alone, or fed a byte a second. */

import { clientHello } from '../../support/client-hello.ts';
import type { Attack, HostileClient, Row } from '../attack.ts';
import { hostileAddress } from '../attack.ts';
import { handshake } from '../bytes.ts';

/** The beginning of a TLS record of 512 bytes that will be a ClientHello. */
const helloStart = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);

/** Longer than the edge's deadlines for clients that have not said what they want. */
const deadlineSeconds = 13;

async function openAll(
  attack: Attack,
  ports: readonly number[],
  count: number,
  first?: Buffer,
): Promise<HostileClient[]> {
  const clients: HostileClient[] = [];
  for (let index = 0; index < count; index++) {
    const port = ports[index % ports.length];
    if (port === undefined) break;
    const client = attack.open(port);
    if (first !== undefined) void client.send(first);
    clients.push(client);
    if (index % 50 === 49) await attack.pause(20);
  }
  return clients;
}

/** A byte a second on each connection, until the end. */
async function drip(attack: Attack, clients: readonly HostileClient[], byte: Buffer): Promise<undefined> {
  while (!attack.over) {
    for (const client of clients) if (!client.closed) void client.send(byte);
    await attack.pause(1_000);
  }
  return undefined;
}

export const sockets: readonly Row[] = [
  {
    name: 'tls-slow',
    input: '270 TLS connections (RTMPS and HTTPS) that send a byte a second; 300 file descriptors',
    edge: { openFiles: 300 },
    seconds: deadlineSeconds,
    run: async (attack) => {
      const { rtmps, https } = attack.target;
      const clients = await openAll(attack, [rtmps, https], 270, helloStart);
      return drip(attack, clients, Buffer.from([0]));
    },
  },
  {
    name: 'tls-at-once',
    input:
      '600 TLS connections that send all but the last byte of their first message, then that byte at once; again and again',
    run: async (attack) => {
      const hello = await clientHello('live.test');
      while (!attack.over) {
        const clients = Array.from({ length: 600 }, (_, index) => {
          const { rtmps, https } = attack.target;
          return attack.open(index % 2 === 0 ? rtmps : https, { from: hostileAddress(index % 6) });
        });
        for (const client of clients) void client.send(hello.subarray(0, -1));
        await attack.pause(1_000);
        for (const client of clients) void client.send(hello.subarray(-1));
        await attack.pause(1_000);
        for (const client of clients) client.socket.destroy();
      }
      return undefined;
    },
  },
  {
    name: 'idle-handshakes',
    input: '320 RTMP handshakes from one address, nothing behind them; `max_connections 300`',
    edge: { root: 'max_connections 300;' },
    seconds: deadlineSeconds,
    run: async (attack) => {
      await openAll(attack, [attack.target.rtmp], 320, handshake);
      await attack.stay();
      return undefined;
    },
  },
  {
    name: 'silent-sockets',
    input: '600 connections to all ports that send nothing; `max_connections 300`',
    edge: { root: 'max_connections 300;' },
    seconds: deadlineSeconds,
    run: async (attack) => {
      const { rtmp, rtmps, http, https, api } = attack.target;
      await openAll(attack, [rtmp, rtmps, http, https, api], 600);
      await attack.stay();
      return undefined;
    },
  },
  {
    name: 'http-header-drip',
    input: '270 HTTP requests whose header comes a byte a second; 300 file descriptors',
    edge: { openFiles: 300 },
    seconds: deadlineSeconds,
    run: async (attack) => {
      const { http, api } = attack.target;
      const clients = await openAll(attack, [http, api], 270, Buffer.from('GET /healthz HTTP/1.1\r\nHost: x\r\nX: '));
      return drip(attack, clients, Buffer.from('x'));
    },
  },
  {
    name: 'http-body-drip',
    input: '270 HTTP requests whose body comes a byte a second; 300 file descriptors',
    edge: { openFiles: 300 },
    seconds: deadlineSeconds,
    run: async (attack) => {
      const { http, api } = attack.target;
      const head = 'POST /api/v1/clients HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n';
      const clients = await openAll(attack, [http, api], 270, Buffer.from(head));
      return drip(attack, clients, Buffer.from('x'));
    },
  },
  {
    name: 'http-idle',
    input: '270 HTTP connections that get one answer and stay; 300 file descriptors',
    edge: { openFiles: 300 },
    seconds: deadlineSeconds,
    run: async (attack) => {
      const { http, api } = attack.target;
      await openAll(attack, [http, api], 270, Buffer.from('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'));
      await attack.stay();
      return undefined;
    },
  },
  {
    name: 'spread-idle',
    input: '320 RTMP handshakes from 160 addresses, a byte a second behind them; `max_connections 300`',
    edge: { root: 'max_connections 300;' },
    seconds: deadlineSeconds,
    run: async (attack) => {
      const clients = Array.from({ length: 320 }, (_, index) => {
        const client = attack.open(attack.target.rtmp, { from: hostileAddress(index % 160) });
        void client.send(handshake.subarray(0, 100));
        return client;
      });
      return drip(attack, clients, Buffer.from([0]));
    },
  },
];
