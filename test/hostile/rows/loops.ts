/** Clients that come and go, or begin and stop, as fast as they can. */

import { connect as connectTcp } from 'node:net';
import { type Attack, hostileAddress, type Row } from '../attack.ts';
import { command, connect, createStream, handshake } from '../bytes.ts';

const inFlight = 100;
/** A client that gets no answer goes after this. */
const patienceMs = 500;

/** Opens connections, writes and resets them at the first answer, until there were `count` of them; some at a time. */
async function storm(
  attack: Attack,
  port: number,
  count: number,
  bytes: (index: number) => Buffer,
): Promise<undefined> {
  const one = (index: number): Promise<void> =>
    new Promise((resolve) => {
      const socket = connectTcp({ host: '127.0.0.1', port, localAddress: hostileAddress(index % 20) });
      socket.on('error', () => {});
      const timer = setTimeout(() => socket.resetAndDestroy(), patienceMs);
      socket.on('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.on('data', () => socket.resetAndDestroy());
      socket.on('connect', () => socket.write(bytes(index)));
    });
  const worker = async (): Promise<void> => {
    while (attack.passing < count && !attack.over) await one(attack.passing++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return undefined;
}

/** One connection that says something again and again and reads the answers. */
async function repeat(attack: Attack, bytes: (index: number) => Buffer, count: number): Promise<undefined> {
  const client = attack.open(attack.target.rtmp, { reads: true });
  if (!(await client.send(Buffer.concat([handshake, connect(), createStream])))) return undefined;
  for (let at = 0; at < count; at += 100) {
    const some = Array.from({ length: 100 }, (_, index) => bytes(at + index));
    if (!(await client.send(Buffer.concat(some)))) break;
  }
  await attack.stay();
  return undefined;
}

const closeStream = command('closeStream', 0, 1, null);
const deleteStream = command('deleteStream', 0, 0, null, 1);

export const loops: readonly Row[] = [
  {
    name: 'connect-storm',
    input: '46,000 connections that say `connect` and go',
    run: (attack) => {
      const hello = Buffer.concat([handshake, connect()]);
      return storm(attack, attack.target.rtmp, attack.part(46_000, 2_000), () => hello);
    },
  },
  {
    name: 'tcp-storm',
    input: '46,000 connections that send one wrong byte, to RTMP, RTMPS and HTTP',
    run: async (attack) => {
      const { rtmp, rtmps, http } = attack.target;
      const third = attack.part(46_000 / 3, 700);
      for (const [index, port] of [rtmp, rtmps, http].entries()) {
        await storm(attack, port, third * (index + 1), () => Buffer.from('\x00\r\n\r\n'));
      }
      return undefined;
    },
  },
  {
    name: 'flv-storm',
    input: '20,000 HTTP and WebSocket players that ask for a stream, a live or an unknown one, and go',
    run: (attack) => {
      const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
      const key = `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n`;
      return storm(attack, attack.target.http, attack.part(20_000, 1_000), (index) => {
        const name = index % 4 < 2 ? 'honest-pulled' : `unknown-${index}`;
        const headers = index % 2 === 0 ? '' : upgrade + key;
        return Buffer.from(`GET /live/${name}.flv HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
      });
    },
  },
  {
    name: 'play-close-loop',
    input: '`play` and `closeStream` of a live stream, 80,000 times on one connection',
    run: (attack) => {
      const play = command('play', 0, 1, null, 'honest-pulled');
      return repeat(attack, () => Buffer.concat([play, closeStream]), attack.part(80_000, 4_000));
    },
  },
  {
    name: 'publish-unpublish-loop',
    input: '`publish` and `deleteStream`, 80,000 times on one connection',
    run: (attack) => {
      const publish = (index: number): Buffer => command('publish', 0, 1, null, `loop-${index % 10}`, 'live');
      const bytes = (index: number): Buffer => Buffer.concat([publish(index), deleteStream]);
      return repeat(attack, bytes, attack.part(80_000, 4_000));
    },
  },
  {
    name: 'unknown-streams',
    input: '`play` and `closeStream` of 80,000 streams that nobody has',
    run: (attack) => {
      const play = (index: number): Buffer => command('play', 0, 1, null, `unknown-${index}`);
      const bytes = (index: number): Buffer => Buffer.concat([play(index), closeStream]);
      return repeat(attack, bytes, attack.part(80_000, 4_000));
    },
  },
  {
    name: 'refused-names',
    input: '20,000 connections that ask for a stream of a publisher, which is taken, or for one without a name',
    run: (attack) => {
      const taken = command('publish', 0, 1, null, 'honest-pushed', 'live');
      const nameless = command('play', 0, 1, null, '');
      const hello = Buffer.concat([handshake, connect(), createStream]);
      return storm(attack, attack.target.rtmp, attack.part(20_000, 1_000), (index) =>
        Buffer.concat([hello, index % 2 === 0 ? taken : nameless]),
      );
    },
  },
];
