/** Messages, names and values of great size. */

import { setChunkSize } from '../../../edge/rtmp/control.ts';
import { MessageType } from '../../../edge/rtmp/message.ts';
import { type Attack, hostileAddress, type Row } from '../attack.ts';
import { command, connect, control, createStream, handshake, messageHeader } from '../bytes.ts';

const megabyte = 1e6;

/** What `unfinished` counts on. */
const partBytes = 1_000_000;
const parts = control(setChunkSize(partBytes));

/** A message of about so many bytes whose last chunk never comes. */
function unfinished(csid: number, type: number, bytes: number): Buffer {
  const count = Math.ceil(bytes / partBytes);
  const chunk = Buffer.concat([Buffer.from([0xc0 | csid]), Buffer.alloc(partBytes, 1)]);
  const chunks = Buffer.concat(Array(count).fill(chunk)).subarray(1);
  return Buffer.concat([messageHeader(csid, type, count * partBytes + 1, 0), chunks]);
}

/** AMF0: a name, a number, then nested objects without an end. */
function nested(depth: number): Buffer {
  const start = Buffer.from([2, 0, 1, 0x78, 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([start, Buffer.concat(Array(depth).fill(Buffer.from([3, 0, 1, 0x61])))]);
}

/** AMF0: a name, a number, then a strict array of so many nulls, a byte each. */
function nulls(count: number): Buffer {
  const array = Buffer.alloc(5 + count, 5);
  array[0] = 0x0a;
  array.writeUInt32BE(count, 1);
  return Buffer.concat([Buffer.from([2, 0, 1, 0x78, 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]), array]);
}

function whole(csid: number, type: number, payload: Buffer): Buffer {
  return Buffer.concat([messageHeader(csid, type, payload.length, 0), payload]);
}

async function each(attack: Attack, count: number, act: (index: number) => Promise<void>): Promise<undefined> {
  await Promise.all(Array.from({ length: count }, (_, index) => act(index)));
  await attack.stay();
  return undefined;
}

const greatChunks = control(setChunkSize(0x7fffffff));

export const sizes: readonly Row[] = [
  {
    name: 'large-before-connect',
    input: '40 connections that send 4 unfinished messages of 15 MB each before `connect`',
    run: (attack) =>
      each(attack, attack.part(40, 10), async (index) => {
        const client = attack.open(attack.target.rtmp, { from: hostileAddress(index % 10) });
        if (!(await client.send(Buffer.concat([handshake, parts])))) return;
        for (let csid = 3; csid < 7; csid++) {
          if (!(await client.send(unfinished(csid, MessageType.video, attack.part(15 * megabyte, 8 * megabyte)))))
            return;
        }
      }),
  },
  {
    name: 'large-while-waiting',
    input: '40 connections that send unfinished messages of 15 MB behind `connect`, without publishing',
    run: (attack) =>
      each(attack, attack.part(40, 10), async (index) => {
        const client = attack.open(attack.target.rtmp, { from: hostileAddress(index), reads: true });
        if (!(await client.send(Buffer.concat([handshake, connect(), createStream, parts])))) return;
        for (let csid = 3; csid < 7; csid++) {
          if (!(await client.send(unfinished(csid, MessageType.video, attack.part(15 * megabyte, 8 * megabyte)))))
            return;
        }
      }),
  },
  {
    name: 'large-while-publishing',
    input: '60 publishers that send 4 unfinished messages of 15 MB each',
    run: (attack) =>
      each(attack, attack.part(60, 10), async (index) => {
        const peer = await attack.publisher(`large-${attack.id}-${index}`, { localAddress: hostileAddress(index) });
        const client = attack.adopt(peer.socket);
        if (!(await client.send(parts))) return;
        for (let csid = 10; csid < 14; csid++) {
          const bytes = unfinished(csid, MessageType.video, attack.part(15 * megabyte, 8 * megabyte));
          if (!(await client.send(bytes))) return;
        }
      }),
  },
  {
    name: 'huge-amf',
    input: 'values in AMF: nested without an end, arrays of 16 million nulls, in `connect`, commands and metadata',
    run: (attack) => {
      const shapes = [nested(attack.part(4_000_000, 300_000)), nulls(attack.part(16_000_000, 1_000_000))];
      return each(attack, attack.part(8, 4), async (index) => {
        const shape = shapes[index % 2] ?? Buffer.alloc(0);
        const type = index % 4 < 2 ? MessageType.commandAmf0 : MessageType.dataAmf0;
        const client = attack.open(attack.target.rtmp, { from: hostileAddress(index), reads: true });
        const start = index % 4 === 0 ? handshake : Buffer.concat([handshake, connect(), createStream]);
        if (index % 4 >= 2) {
          // Only a publisher may send data.
          const peer = await attack.publisher(`amf-${attack.id}-${index}`, { localAddress: hostileAddress(index) });
          peer.socket.write(Buffer.concat([greatChunks, whole(5, type, shape)]));
          return;
        }
        await client.send(Buffer.concat([start, greatChunks, whole(3, type, shape)]));
      });
    },
  },
  {
    name: 'large-names',
    input: 'names of 10 MB: as `tcUrl`, app or URL of the page on ten connections, as stream on ten',
    run: (attack) => {
      const name = 'x'.repeat(attack.part(10 * megabyte, megabyte));
      return each(attack, 20, async (index) => {
        const client = attack.open(attack.target.rtmp, { from: hostileAddress(index), reads: true });
        if (!(await client.send(handshake))) return;
        if (index % 2 === 0) {
          const long = [{ tcUrl: `rtmp://127.0.0.1/${name}` }, { app: name }, { pageUrl: name }, { swfUrl: name }];
          await client.send(connect(long[(index / 2) % long.length]));
        } else {
          const verb = index % 4 === 1 ? 'play' : 'publish';
          await client.send(Buffer.concat([connect(), createStream, command(verb, 0, 1, null, name, 'live')]));
        }
      });
    },
  },
  {
    name: 'tiny-chunks',
    input: 'publishers that send 20 MB in chunks of one byte, and aggregates full of empty messages',
    run: (attack) =>
      each(attack, 2, async (index) => {
        const peer = await attack.publisher(`tiny-${attack.id}-${index}`, { localAddress: hostileAddress(index) });
        const client = attack.adopt(peer.socket);
        if (index === 0) {
          const size = 1_000_000;
          // The header's chunk and each that continues it have one byte of payload, 0x27.
          const chunks = Buffer.alloc(2 * size - 1, 0x27);
          for (let at = 1; at < chunks.length; at += 2) chunks[at] = 0xc6;
          await client.send(control(setChunkSize(1)));
          const message = Buffer.concat([messageHeader(6, MessageType.video, size, 1), chunks]);
          await client.flood(message, attack.part(20 * megabyte));
          return;
        }
        const empty = Buffer.from([8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 11]);
        const aggregate = Buffer.concat(Array(100_000).fill(empty));
        const message = Buffer.concat([messageHeader(6, MessageType.aggregate, aggregate.length, 1), aggregate]);
        await client.send(greatChunks);
        await client.flood(message, attack.part(30 * megabyte));
      }),
  },
];
