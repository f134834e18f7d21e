/**
 * Clients that speak AMF3, as Flash did: commands of type 17 and data of type 15, in which a byte of zero comes before
 * AMF0, and within that AMF3 behind its marker (AMF0 specification §3.1; RTMP 1.0 §7.1.1, §7.1.2).
 */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { encodeAmf0, isAmfObject } from '../../edge/rtmp/amf0.ts';
import { buildCommand } from '../../edge/rtmp/command.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';
import { clip } from '../support/media.ts';
import { type Cleaner, suiteCleaner } from '../support/programs.ts';
import { describeTags } from '../support/programs-flv.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { askedToPlay, type Chain, startChain } from './cluster.ts';

const formatByte = Buffer.from([0]);

/** A message of AMF0 in its AMF3 form. */
function wrapped(message: RtmpMessage): RtmpMessage {
  if (message.type !== MessageType.commandAmf0 && message.type !== MessageType.dataAmf0) return message;
  const type = message.type === MessageType.commandAmf0 ? MessageType.commandAmf3 : MessageType.dataAmf3;
  return { ...message, type, payload: Buffer.concat([formatByte, message.payload]) };
}

/** A command of a stream: its name and number in AMF0, null and the stream's name in AMF3. */
function streamCommand(name: 'publish' | 'play', stream: string): RtmpMessage {
  const [marker, amf3Null, amf3String] = [0x11, 0x01, 0x06];
  const payload = Buffer.concat([
    formatByte,
    encodeAmf0(name, 0),
    Buffer.from([marker, amf3Null, marker, amf3String, (stream.length << 1) | 1]),
    Buffer.from(stream, 'latin1'),
  ]);
  return { type: MessageType.commandAmf3, timestamp: 0, streamId: 1, payload };
}

/** Connects and creates a stream, all in AMF3. */
async function connect(cleaner: Cleaner, port: number): Promise<RtmpPeer> {
  const peer = await RtmpPeer.open({ port });
  cleaner.after(() => peer.end());
  const connectObject = { app: 'live', tcUrl: `rtmp://127.0.0.1:${port}/live`, objectEncoding: 3 };
  peer.send(wrapped(buildCommand('connect', 1, [connectObject], 0)));
  const connected = await peer.command('connect', ({ kind }) => kind === 'result');
  assert(connected.kind === 'result' && isAmfObject(connected.info));
  assert.equal(connected.info.objectEncoding, 3);
  peer.send(wrapped(buildCommand('createStream', 2, [null], 0)));
  await peer.command('createStream', (command) => command.kind === 'result' && command.info === 1);
  return peer;
}

describe('AMF3', { concurrency: true }, () => {
  const suite = suiteCleaner();
  let chain: Chain;

  before(async () => {
    chain = await startChain(suite);
  });

  it('publishes and plays through edges; players of AMF0 get the same', async (t) => {
    const player = await connect(t, chain.lower.port());
    player.send(streamCommand('play', 'flash'));
    await player.status('NetStream.Play.Start');
    const plain = await RtmpPeer.player({ port: chain.lower.port() }, 'flash');
    t.after(() => plain.end());
    await askedToPlay(chain.origin, 'flash');

    const publisher = await connect(t, chain.upper.port());
    publisher.send(streamCommand('publish', 'flash'));
    await publisher.status('NetStream.Publish.Start');
    const published = clip({ gops: 3 });
    publisher.send(...published.map(wrapped));

    const [metadata, ...media] = published;
    for (const each of [player, plain]) {
      const [first, ...rest] = await each.frames(published.length);
      assert.equal(first?.type, MessageType.dataAmf0);
      const prefix = encodeAmf0('@setDataFrame').length;
      assert.deepEqual(first?.payload, metadata?.payload.subarray(prefix));
      assert.deepEqual(describeTags(rest), describeTags(media));
    }
  });

  it('ends a publication with FCUnpublish and deleteStream: the name is free', async (t) => {
    for (let turn = 0; turn < 2; turn++) {
      const publisher = await connect(t, chain.lower.port());
      publisher.send(streamCommand('publish', 'turns'));
      await publisher.status('NetStream.Publish.Start');
      publisher.send(...clip().map(wrapped));
      publisher.send(wrapped(buildCommand('FCUnpublish', 3, [null, 'turns'], 0)));
      publisher.send(wrapped(buildCommand('deleteStream', 4, [null, 1], 0)));
      await publisher.status('NetStream.Unpublish.Success');
    }
  });
});
