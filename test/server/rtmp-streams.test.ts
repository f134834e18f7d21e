/** Several message streams on one connection: one plays or publishes, and nothing that happens to others stops it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildCommand } from '../../edge/rtmp/command.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { audioFrame, clip, keyframe } from '../support/media.ts';
import { originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer, tag } from '../support/rtmp-peer.ts';
import { player, publisher, startEdge, stream, testOptions } from '../support/rtmp-scene.ts';

/** Creates a message stream; returns its id. */
async function createStream(peer: RtmpPeer): Promise<number> {
  const id = peer.call('createStream', null);
  const answer = await peer.command('createStream', (each) => each.kind === 'result' && each.transactionId === id);
  assert.ok(answer.kind === 'result' && typeof answer.info === 'number');
  return answer.info;
}

/** Sends a command on a message stream. */
function on(peer: RtmpPeer, streamId: number, name: string, ...values: (string | number | null)[]): void {
  peer.send(buildCommand(name, 0, [null, ...values], streamId));
}

function on2(message: RtmpMessage, streamId: number): RtmpMessage {
  return { ...message, streamId };
}

test('a second play and a second publish are refused at once; the first goes on', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig());
  const watcher = await player(t, edge);
  const source = await publisher(t, edge);
  const sent = clip();
  source.send(...sent.slice(0, 10));
  await watcher.frames(10);
  for (const [peer, ask] of [
    [source, 'publish'],
    [source, 'play'],
    [watcher, 'play'],
    [watcher, 'publish'],
  ] as const) {
    const id = await createStream(peer);
    assert.notEqual(id, 1);
    const from = peer.received.length;
    on(peer, id, ask, 'another');
    const code = ask === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Failed';
    const refused = await peer.status(code, from);
    assert.equal(refused.streamId, id);
    assert.equal(refused.level, 'error');
    assert.match(refused.description, /has a stream already/);
    const before = peer.received.length;
    on(peer, 1, ask, 'another');
    assert.equal((await peer.status(code, before)).streamId, 1);
    on(peer, 0, 'deleteStream', id);
  }
  source.send(...sent.slice(10));
  assert.deepEqual((await watcher.frames(sent.length)).map(tag), sent.map(tag));
});

test('asking for the same again is answered again', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig());
  const watcher = await player(t, edge);
  const source = await publisher(t, edge);
  for (const [peer, ask, code] of [
    [source, 'publish', 'NetStream.Publish.Start'],
    [watcher, 'play', 'NetStream.Play.Start'],
  ] as const) {
    const from = peer.received.length;
    on(peer, 1, ask, `${stream}?again`);
    await peer.status(code, from);
  }
  const sent = clip();
  source.send(...sent);
  assert.deepEqual((await watcher.frames(sent.length)).map(tag), sent.map(tag));
});

test('what closes another stream leaves ours alone', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig());
  const watcher = await player(t, edge);
  const source = await publisher(t, edge);
  const sent = clip();
  for (const peer of [source, watcher]) {
    on(peer, 0, 'deleteStream', 2);
    on(peer, 1, 'deleteStream', 7);
    on(peer, 2, 'closeStream');
    const id = peer.call('FCUnpublish', null, 'another');
    await peer.command('an answer', (each) => each.kind === 'result' && each.transactionId === id);
  }
  assert.ok(!source.commands.some((each) => each.kind === 'onStatus' && each.code === 'NetStream.Unpublish.Success'));
  // Media of another message stream is not ours.
  source.send(...sent.slice(0, 10), on2(audioFrame(7, 777), 2), ...sent.slice(10).map((each) => on2(each, 0)));
  assert.deepEqual((await watcher.frames(sent.length)).map(tag), sent.map(tag));
  on(watcher, 1, 'closeStream');
  on(source, 0, 'deleteStream', 1);
  const others = await publisher(t, edge);
  others.send(...sent);
  assert.equal(watcher.media.length, sent.length);
});

test('FCUnpublish names the stream in any spelling', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig());
  const source = await publisher(t, edge, 'cam?token=x');
  for (const name of ['cam', 'cam?token=y', '/cam', 'c%61m', '']) {
    const from = source.received.length;
    source.call('FCUnpublish', null, name);
    await source.status('NetStream.Unpublish.Success', from);
    source.publish('cam?token=x');
    await source.status('NetStream.Publish.Start', from);
  }
});

test('a stream with another id plays and publishes as the first does', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig());
  const source = await RtmpPeer.connect({ port: edge.port() });
  const watcher = await RtmpPeer.connect({ port: edge.port() });
  t.after(() => source.reset());
  t.after(() => watcher.reset());
  assert.deepEqual([await createStream(source), await createStream(watcher)], [2, 2]);
  on(watcher, 2, 'play', stream);
  assert.equal((await watcher.status('NetStream.Play.Start')).streamId, 2);
  on(source, 2, 'publish', stream, 'live');
  assert.equal((await source.status('NetStream.Publish.Start')).streamId, 2);
  const sent = clip();
  source.send(...sent.map((each) => on2(each, 2)));
  const got = await watcher.frames(sent.length);
  assert.deepEqual(got.map(tag), sent.map(tag));
  assert.ok(got.every(({ streamId }) => streamId === 2));
  // Another player of the same stream is on the bytes of stream 1.
  const usual = await player(t, edge);
  assert.ok((await usual.frames(3)).every(({ streamId }) => streamId === 1));
  on(watcher, 1, 'closeStream');
  on(source, 0, 'deleteStream', 1);
  source.send(on2(audioFrame(900, 900), 2));
  await watcher.frames(sent.length + 1);
});

test('ids are used again; there are not many', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig());
  const peer = await RtmpPeer.connect({ port: edge.port() });
  t.after(() => peer.reset());
  assert.deepEqual([await createStream(peer), await createStream(peer), await createStream(peer)], [2, 3, 4]);
  const id = peer.call('createStream', null);
  const refused = await peer.command('a refusal', (each) => each.kind === 'error' && each.transactionId === id);
  assert.match(JSON.stringify(refused), /NetConnection\.Call\.Failed/);
  on(peer, 3, 'closeStream');
  on(peer, 0, 'deleteStream', 2);
  assert.deepEqual([await createStream(peer), await createStream(peer)], [2, 3]);
  on(peer, 99, 'play', stream);
  const { streamId, description } = await peer.status('NetStream.Play.Failed');
  assert.equal(streamId, 99);
  assert.match(description, /no message stream 99/);
  on(peer, 0, 'play', stream);
  await peer.status('NetStream.Play.Start');
});

test('play, closeStream, createStream, play, many times over on one connection', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig());
  const source = await publisher(t, edge);
  source.send(...clip());
  const peer = await RtmpPeer.connect({ port: edge.port() });
  t.after(() => peer.reset());
  for (let round = 0; round < 10; round++) {
    const from = peer.received.length;
    on(peer, 1, 'play', stream);
    await peer.status('NetStream.Play.Start', from);
    on(peer, 1, 'closeStream');
    if (round % 2 === 0) assert.equal(await createStream(peer), 1);
  }
});

test('receiveAudio and receiveVideo: who wants none of it is spared, others are not', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig());
  const [peer, other] = [await player(t, edge), await player(t, edge)];
  const source = await publisher(t, edge);
  source.send(...clip({ gops: 1 }));
  await peer.frames(13);
  const ask = async (name: string, wanted: boolean, streamId = 1): Promise<void> => {
    peer.send(buildCommand(name, 0, [null, wanted], streamId));
    // What was sent before would be here before this answer.
    const id = peer.call('getStreamLength', null, stream);
    await peer.command('an answer', (command) => command.kind === 'result' && command.transactionId === id);
  };
  await ask('receiveAudio', false);
  await ask('receiveVideo', false, 2);
  // On a message stream that plays nothing it must not look like the answer to `play`.
  const statuses = (): number => peer.commands.filter(({ kind }) => kind === 'onStatus').length;
  const [told, id] = [statuses(), 99];
  peer.send(buildCommand('receiveVideo', id, [null, true], 2));
  await peer.command('an answer', (command) => command.kind === 'result' && command.transactionId === id);
  assert.equal(statuses(), told);
  source.send(keyframe(200, 1), audioFrame(203, 1), keyframe(240, 2));
  await peer.next(({ timestamp }) => timestamp === 240);
  await ask('receiveVideo', false);
  const from = peer.received.length;
  await ask('receiveAudio', true);
  await peer.status('NetStream.Play.Start', from);
  source.send(keyframe(280, 3), audioFrame(283, 3));
  await peer.next(({ timestamp }) => timestamp === 283);
  await ask('receiveVideo', true);
  source.send(audioFrame(323, 4), keyframe(360, 5));
  await peer.next(({ timestamp }) => timestamp === 360);
  const times = peer.mediaMessages.slice(13).map(({ type, timestamp }) => `${type} ${timestamp}`);
  assert.deepEqual(times, ['9 200', '9 240', '8 283', '8 323', '9 360']);
  await other.frames(20);
});
