/** Publishers and players whose media are made to cost memory: headers, GOPs, and streams that nobody reads. */

import { ChunkStreamId, encodeMessage } from '../../../edge/rtmp/chunk-writer.ts';
import { MessageType } from '../../../edge/rtmp/message.ts';
import { interFrame, keyframe, videoHeader } from '../../support/media.ts';
import { type Attack, type HostileClient, hostileAddress, type Row } from '../attack.ts';

const megabyte = 1e6;
/** What RtmpPeer announces. */
const chunkSize = 4096;

type Media = ReturnType<typeof keyframe>;

function encode(...messages: readonly Media[]): Buffer {
  return Buffer.concat(messages.map((message) => encodeMessage(message, ChunkStreamId.video, chunkSize)));
}

/** Enhanced RTMP v2, multitrack video: the sequence headers of two tracks in one message. */
function twoTracks(one: number, other: number): Media {
  const track = (id: number): number[] => [id, 0, 0, 60, ...Array<number>(60).fill(id)];
  const payload = Buffer.from([0x96, 0x10, 0x61, 0x76, 0x63, 0x31, ...track(one), ...track(other)]);
  return { type: MessageType.video, timestamp: 0, streamId: 1, payload };
}

/** Players that take what they are told and read no byte of the stream. */
async function deafPlayers(attack: Attack, stream: string, count: number): Promise<HostileClient[]> {
  const clients: HostileClient[] = [];
  for (let index = 0; index < count; index++) {
    const from = hostileAddress(100 + index);
    if (index % 2 === 0) {
      const peer = await attack.player(stream, { localAddress: from });
      peer.socket.pause();
      clients.push(attack.adopt(peer.socket));
    } else {
      const client = attack.open(attack.target.http, { from });
      await client.send(Buffer.from(`GET /live/${stream}.flv HTTP/1.1\r\nHost: x\r\n\r\n`));
      clients.push(client);
    }
  }
  return clients;
}

/** Publishes at the origin, so that the edge must pull it, the same bytes again and again. */
async function publishAtOrigin(attack: Attack, stream: string, bytes: Buffer, totalBytes: number): Promise<void> {
  const peer = await attack.publisher(stream, { port: attack.target.origin });
  const client = attack.adopt(peer.socket);
  await client.send(encode(videoHeader(0), keyframe(0)));
  const players = await deafPlayers(attack, stream, 4);
  await attack.pause(1_000);
  await client.flood(bytes, totalBytes);
  await attack.stay();
  for (const player of players) player.socket.resume();
}

export const media: readonly Row[] = [
  {
    name: 'sequence-headers',
    input: '20,000 sequence headers for ever new tracks, through the edge to the origin and back to a player',
    run: async (attack) => {
      const stream = `headers-${attack.id}`;
      const client = attack.adopt((await attack.publisher(stream)).socket);
      await client.send(encode(videoHeader(0), keyframe(0)));
      await attack.player(stream, { localAddress: hostileAddress(1) });
      const count = attack.part(20_000, 5_000);
      for (let at = 0; at < count; at += 500) {
        const headers = Array.from({ length: 500 }, (_, index) => twoTracks((at + index) >>> 8, (at + index) & 0xff));
        if (!(await client.send(encode(...headers)))) break;
      }
      for (let second = 1; !attack.over; second++) {
        await client.send(encode(interFrame(second * 1_000)));
        await attack.pause(1_000);
      }
      return undefined;
    },
  },
  {
    name: 'still-timestamps',
    input: 'players that read nothing of a stream of 1.2 GB whose timestamps stand still',
    run: async (attack) => {
      await publishAtOrigin(
        attack,
        'still',
        encode(keyframe(0, 1, 60_000)),
        attack.part(1_200 * megabyte, 400 * megabyte),
      );
      return undefined;
    },
  },
  {
    name: 'still-with-headers',
    input: 'the same with sequence headers between the frames, and with frames that are no key frames',
    run: async (attack) => {
      const headers = Array.from({ length: 40 }, (_, index) => videoHeader(0, index));
      const frames = Array.from({ length: 10 }, (_, index) => interFrame(0, index, 60_000));
      const bytes = encode(...headers, ...frames);
      await publishAtOrigin(attack, `still-${attack.id}`, bytes, attack.part(1_000 * megabyte, 400 * megabyte));
      return undefined;
    },
  },
  {
    name: 'many-gops',
    input: '60 streams with 12 MB in one GOP each: 30 that are pulled and played, 30 that are pushed',
    run: async (attack) => {
      const frames = Array.from({ length: 199 }, (_, index) => interFrame(40 * (index + 1), index, 60_000));
      const gop = encode(videoHeader(0), keyframe(0), ...frames);
      const one = async (index: number): Promise<void> => {
        const pulled = index % 2 === 0;
        const from = hostileAddress(index);
        const port = pulled ? attack.target.origin : attack.target.rtmp;
        const client = attack.adopt(
          (await attack.publisher(`gop-${attack.id}-${index}`, { port, localAddress: from })).socket,
        );
        if (pulled) {
          await client.send(encode(videoHeader(0), keyframe(0)));
          const player = attack.open(attack.target.http, { from, reads: true });
          await player.send(Buffer.from(`GET /live/gop-${attack.id}-${index}.flv HTTP/1.1\r\nHost: x\r\n\r\n`));
        }
        await client.send(gop);
        // Goes on, so that the stream stays.
        for (let timestamp = 9_000; !attack.over && !client.closed; timestamp += 1_000) {
          await client.send(encode(interFrame(timestamp)));
          await attack.pause(1_000);
        }
      };
      const streams: Promise<void>[] = [];
      for (let index = 0; index < attack.part(60, 24) && !attack.over; index++) {
        streams.push(one(index));
        await attack.pause(50);
      }
      await Promise.all(streams);
      return undefined;
    },
  },
  {
    name: 'huge-openings',
    input: '200 players that read nothing, of a stream with 6 MB of headers and 12 MB of GOP',
    run: async (attack) => {
      const stream = `opening-${attack.id}`;
      const client = attack.adopt((await attack.publisher(stream, { port: attack.target.origin })).socket);
      const record = Buffer.alloc(6 * megabyte, 1);
      const header = { ...videoHeader(0), payload: Buffer.concat([videoHeader(0).payload, record]) };
      const frames = Array.from({ length: 20 }, (_, index) => interFrame(40 * (index + 1), index, 600_000));
      await client.send(encode(header, keyframe(0), ...frames));
      await deafPlayers(attack, stream, attack.part(200, 60));
      for (let timestamp = 1_000; !attack.over; timestamp += 200) {
        if (!(await client.send(encode(interFrame(timestamp))))) break;
        await attack.pause(200);
      }
      return undefined;
    },
  },
  {
    name: 'sends-never-reads',
    input: 'players that read nothing and go on sending; `write_timeout` of 3 s',
    edge: { vhost: 'edge { write_timeout 3000; }' },
    run: async (attack) => {
      const stream = `never-read-${attack.id}`;
      const publisher = attack.adopt((await attack.publisher(stream, { port: attack.target.origin })).socket);
      await publisher.send(encode(videoHeader(0), keyframe(0)));
      const players = await deafPlayers(attack, stream, 4);
      const ping = encode({ type: MessageType.userControl, timestamp: 0, streamId: 0, payload: Buffer.alloc(6, 3) });
      for (let timestamp = 40; !attack.over; timestamp += 40) {
        const picture =
          timestamp % 2_000 === 0 ? keyframe(timestamp, timestamp, 400_000) : interFrame(timestamp, 1, 400_000);
        void publisher.send(encode(picture));
        for (const [index, player] of players.entries()) if (index % 2 === 0) player.socket.write(ping);
        await attack.pause(40);
      }
      return undefined;
    },
  },
];
