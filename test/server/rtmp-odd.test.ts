/** What odd encoders and odd origins send costs them nothing: it is understood, or passed over. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AmfValue, decodeAmf0, encodeAmf0 } from '../../edge/rtmp/amf0.ts';
import { ChunkStreamId, encodeMessage } from '../../edge/rtmp/chunk-writer.ts';
import { buildCommand } from '../../edge/rtmp/command.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';
import type { EdgeProcess } from '../support/edge-process.ts';
import { clip } from '../support/media.ts';
import { aggregateOf, harmlessMessages, oddData, unusableMessages } from '../support/odd-messages.ts';
import { edgeConfig, originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer, tag } from '../support/rtmp-peer.ts';
import { player, publisher, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';

const exporter = 'exporter { enabled on; listen 127.0.0.1:0; }';

async function metric(edge: EdgeProcess, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${edge.port('exporter')}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
}

function dataOf(peer: RtmpPeer): AmfValue[][] {
  return peer.mediaMessages
    .filter(({ type }) => type === MessageType.dataAmf0)
    .map(({ payload }) => decodeAmf0(payload));
}

test('a publisher’s odd messages are passed over, counted, and logged once', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig({ root: exporter }));
  const watcher = await player(t, edge);
  const source = await publisher(t, edge);
  const sent = clip();
  // Each between two good ones: nothing of the stream is lost.
  const odd = [...unusableMessages, ...harmlessMessages];
  odd.forEach((message, index) => {
    const good = sent[index];
    source.send(message, ...(good === undefined ? [] : [good]));
  });
  const rest = sent.slice(odd.length);
  source.send(...rest);
  assert.deepEqual((await watcher.frames(sent.length)).map(tag), sent.map(tag));
  assert.equal(await metric(edge, 'edge_client_odd_messages_total'), unusableMessages.length);
  assert.equal(edge.log.filter(({ msg }) => msg.includes('passed over')).length, 1);
  const since = edge.log.length;
  source.end();
  const { oddMessages } = await edge.logged(({ msg }) => msg === 'client gone', since);
  assert.equal(oddMessages, unusableMessages.length);
});

test('data in odd ways reaches players as data', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig());
  const watcher = await player(t, edge);
  const source = await publisher(t, edge);
  const sent = clip();
  source.send(...sent, ...oddData.map(([message]) => message));
  await watcher.frames(sent.length + oddData.length);
  assert.deepEqual(
    dataOf(watcher).slice(1),
    oddData.map(([, values]) => values),
  );
});

test('data in odd ways reaches the origin as data', testOptions, async (t) => {
  const origin = await startOrigin(t);
  const edge = await startEdge(t, edgeConfig({ origins: [origin.port] }));
  const source = await publisher(t, edge);
  const sent = clip();
  source.send(...unusableMessages, ...sent, ...oddData.map(([message]) => message), aggregateOf(sent));
  const { media } = await origin.request('publish');
  await origin.until('all media', () => media.length >= 2 * sent.length + oddData.length || undefined);
  assert.ok(media.every(({ type }) => type === MessageType.audio || type === MessageType.video || type === 18));
  const names = media.filter(({ type }) => type === 18).map(({ payload }) => decodeAmf0(payload)[0]);
  assert.ok(names.includes('onTextData') && names.includes('onCuePoint'));
  assert.equal(origin.connections.length, 1);
});

test('a publisher’s aggregates are taken apart, whatever is behind their last tag', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig());
  const watcher = await player(t, edge);
  const source = await publisher(t, edge);
  const sent = clip();
  source.send(aggregateOf(sent.slice(0, 10)), aggregateOf(sent.slice(10)));
  assert.deepEqual((await watcher.frames(sent.length)).map(tag), sent.map(tag));
});

test('an odd origin keeps its connection, and nobody looks for another', testOptions, async (t) => {
  const sent = clip();
  const origin = await startOrigin(t, {
    connect: (command, connection) => {
      connection.send(...unusableMessages);
      connection.accept(command);
      connection.send(...unusableMessages);
    },
    play: (_, connection) => {
      connection.send(...unusableMessages, ...harmlessMessages);
      for (const message of sent) connection.send(message, ...unusableMessages);
      connection.send(...oddData.map(([message]) => message), aggregateOf(sent.map((each) => later(each))));
    },
  });
  const other = await startOrigin(t);
  const config = edgeConfig({ origins: [origin.port, other.port], root: exporter, edge: 'balance failover;' });
  const edge = await startEdge(t, config);
  const watcher = await player(t, edge);
  await watcher.until(
    'the last of the aggregate',
    () => watcher.mediaMessages.some(({ timestamp }) => timestamp >= later(sent.at(-1)!).timestamp) || undefined,
  );
  const media = (messages: readonly RtmpMessage[]): string[] =>
    messages.filter(({ type, payload }) => type !== MessageType.dataAmf0 && payload[1] !== 0).map(tag);
  assert.deepEqual(media(watcher.mediaMessages), media([...sent, ...sent.map(later)]));
  assert.deepEqual(
    dataOf(watcher).slice(1, 1 + oddData.length),
    oddData.map(([, values]) => values),
  );
  assert.equal(origin.connections.length, 1);
  assert.equal(other.connections.length, 0);
  assert.equal(edge.log.filter(({ msg }) => msg.includes('passed over')).length, 1);
  assert.equal(await metric(edge, 'edge_origin_odd_messages_total'), (3 + sent.length) * unusableMessages.length + 1);
});

/** The same message, some seconds later. */
function later(message: RtmpMessage): RtmpMessage {
  return { ...message, timestamp: message.timestamp + 4000 };
}

test('an origin whose answers have odd transaction ids is understood', testOptions, async (t) => {
  const origin = await startOrigin(t);
  const edge = await startEdge(t, edgeConfig({ origins: [origin.port] }));
  for (const [index, id] of [null, undefined, '1', 'x', true].entries()) {
    const info = { level: 'status', code: 'NetConnection.Connect.Success' };
    const payload = encodeAmf0('_result', ...(id === undefined ? [] : [id]), null, info);
    origin.script = {
      connect: (_, connection) => connection.send({ type: 20, timestamp: 0, streamId: 0, payload }),
      play: (_, connection) => connection.send(...clip()),
    };
    await (await player(t, edge, `s${index}`)).frames(10);
    assert.equal(origin.connections.length, index + 1);
  }
});

test('an origin that gives no stream id, or an odd one, is understood', testOptions, async (t) => {
  const origin = await startOrigin(t);
  const edge = await startEdge(t, edgeConfig({ origins: [origin.port] }));
  for (const [index, id] of [null, '1', 0, -1, 1.5, Number.NaN, 5e9].entries()) {
    origin.script = {
      createStream: (transactionId, connection) =>
        connection.send(buildCommand('_result', transactionId, [null, id], 0)),
      play: (_, connection) => connection.send(...clip()),
    };
    await (await player(t, edge, `s${index}`)).frames(10);
    assert.equal(origin.connections.length, index + 1);
  }
});

test('what comes before connect, or a second connect, is passed over', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig({ root: exporter }));
  const peer = await RtmpPeer.open({ port: edge.port() });
  t.after(() => peer.reset());
  peer.play(stream);
  peer.publish(stream);
  peer.sendConnect();
  peer.sendConnect();
  peer.call('createStream', null);
  await peer.command('createStream', (command) => command.kind === 'result' && command.transactionId === 3);
  peer.play(stream);
  await peer.status('NetStream.Play.Start');
  assert.equal(await metric(edge, 'edge_client_odd_messages_total'), 3);
});

test('commands with odd transaction ids are answered', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig());
  const source = await publisher(t, edge, stream);
  source.send(...clip());
  for (const id of [null, 'x', '2', undefined, false]) {
    const peer = await RtmpPeer.open({ port: edge.port() });
    t.after(() => peer.reset());
    const command = (name: string, streamId: number, ...values: AmfValue[]): void => {
      const payload = Buffer.concat([
        encodeAmf0(name, ...(id === undefined ? [] : [id]), ...values),
        Buffer.from('ee01', 'hex'),
      ]);
      peer.socket.write(encodeMessage({ type: 20, timestamp: 0, streamId, payload }, ChunkStreamId.command, 128));
    };
    command('connect', 0, { app: 'live', tcUrl: `rtmp://127.0.0.1:${edge.port()}/live` });
    await peer.command('connect', ({ kind }) => kind === 'result');
    command('createStream', 0, null);
    command('play', 1, null, stream);
    await peer.status('NetStream.Play.Start');
    await peer.frames(3);
  }
});

/** Messages of any type with any payload: sound ones cut, changed and mixed up. None stops the stream by itself. */
function anyMessages(count: number, seed: number): RtmpMessage[] {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  const values: AmfValue[] = [null, undefined, 0, 1, -1, Number.NaN, '', 'x', true, {}, { a: [1] }, [], new Date(0)];
  const names = [
    'play',
    'publish',
    'createStream',
    'onMetaData',
    '@setDataFrame',
    '_result',
    'onStatus',
    '',
    'x',
    'pause',
  ];
  const types = [0, 3, 4, 5, 6, 7, 8, 9, 10, 15, 16, 17, 18, 19, 20, 21, 22, 23, 99, 255];
  return Array.from({ length: count }, () => {
    const arity = random(5);
    const amf = [names[random(names.length)], ...Array.from({ length: arity }, () => values[random(values.length)])];
    const payload = random(4) === 0 ? Buffer.alloc(random(60), random(256)) : encodeAmf0(...amf);
    if (payload.length > 0 && random(2) === 0) payload[random(payload.length)] = random(256);
    const cut = random(3) === 0 ? payload.subarray(0, random(payload.length + 1)) : payload;
    const type = types[random(types.length)] ?? 0;
    // Media that is odd is media; what is looked at here is what is none.
    const isMedia = type === MessageType.audio || type === MessageType.video;
    return { type, timestamp: random(1000), streamId: random(3), payload: isMedia ? Buffer.alloc(0) : cut };
  });
}

test('whatever whole messages a publisher or an origin sends, it stays connected', testOptions, async (t) => {
  const seed = Date.now() % 2 ** 31;
  t.diagnostic(`seed ${seed}`);
  const odd = anyMessages(3000, seed);
  const isMedia = ({ type }: RtmpMessage): boolean => type === MessageType.audio || type === MessageType.video;
  const sent = clip({ startMs: 2000 });
  const edge = await startEdge(t, originConfig());
  const watcher = await player(t, edge);
  const source = await publisher(t, edge);
  source.send(...odd, ...sent);
  await watcher.until('the stream', () => watcher.mediaMessages.filter(isMedia).length >= 22 || undefined);
  const origin = await startOrigin(t, {
    play: (_, connection) => {
      // An error in onStatus would be the origin's refusal.
      connection.send(...odd, ...sent);
    },
  });
  const pulling = await startEdge(t, edgeConfig({ origins: [origin.port] }));
  const other = await player(t, pulling);
  await other.until('the stream', () => other.mediaMessages.filter(isMedia).length >= 22 || undefined);
  assert.equal(origin.connections.length, 1);
});

test('what breaks framing still ends that connection alone', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig());
  const watcher = await player(t, edge);
  const source = await publisher(t, edge);
  const chunkSizeOf = (payload: string): Buffer =>
    encodeMessage({ type: 1, timestamp: 0, streamId: 0, payload: Buffer.from(payload, 'hex') }, 2, 128);
  for (const bytes of [
    chunkSizeOf('00000000'),
    chunkSizeOf('80000000'),
    chunkSizeOf('0000'),
    Buffer.from([0xc5]),
    Buffer.alloc(4000, 0xff),
  ]) {
    const bad = await RtmpPeer.connect({ port: edge.port() });
    bad.socket.write(bytes);
    await bad.untilClosed();
  }
  const sent = clip();
  source.send(...sent);
  assert.deepEqual((await watcher.frames(sent.length)).map(tag), sent.map(tag));
});
