/** Edges that pull by HTTP-FLV from an edge that stops: they are asked to leave, and lose nothing. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeAmf0 } from '../../edge/rtmp/amf0.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';
import { reconnectRequestData } from '../../edge/rtmp/reconnect-data.ts';
import { FlvOrigin, flvOf, flvTags } from '../support/flv-origin.ts';
import { clip, keyframe } from '../support/media.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { type EdgeOptions, edgeConfig, originConfig } from '../support/rtmp-config.ts';
import { assertTagForTag } from '../support/rtmp-peer.ts';
import { player, publisher, startEdge, testOptions } from '../support/rtmp-scene.ts';

const http = {
  root: 'http_server { enabled on; listen 127.0.0.1:0; dir /nonexistent; }',
  vhost: 'http_remux { enabled on; }',
};
/** Nothing is left or looked for because a machine is slow. */
const patient = 'stall_timeout 60000; first_frame_timeout 60000;';

function childConfig(origins: EdgeOptions['origins']): string {
  const edge = `balance failover; ${patient}`;
  return edgeConfig({ origins, cluster: 'protocol flv;', edge, play: 'time_jitter off;' });
}

function data(payload: Buffer): RtmpMessage {
  return { type: MessageType.dataAmf0, timestamp: 0, streamId: 0, payload };
}

test('a parent stops: its children go to another at once, frame-exactly, and it ends', testOptions, async (t) => {
  const origin = await startEdge(t, originConfig());
  const live = new Broadcast([await publisher(t, origin)], { framesPerGop: 200 });
  t.after(() => live.stop());
  const parentConfig = edgeConfig({
    ...http,
    origins: [origin.port()],
    edge: `drain_timeout 600000; ${patient}`,
    play: 'time_jitter off;',
  });
  const [stopping, staying] = [await startEdge(t, parentConfig), await startEdge(t, parentConfig)];
  const child = await startEdge(t, childConfig([stopping.port('http'), staying.port('http')]));
  const peer = await player(t, child);
  await peer.frames(40);
  stopping.signal('SIGTERM');
  const { origin: to } = await child.logged(({ msg }) => msg === 'pull switched');
  assert.equal(to, `http://127.0.0.1:${staying.port('http')}`);
  assert.equal(await stopping.exit(), 0);
  assert.ok(!child.log.some(({ msg }) => msg === 'pull lost'), 'the child has left by itself');
  await peer.frames(peer.media.length + 20);
  live.stop();
  assertTagForTag(peer, live);
});

test('only the server can ask an edge to leave, not what is published', testOptions, async (t) => {
  const [first, second] = [
    await FlvOrigin.start(t, (response) => response.write(flvOf(clip()))),
    await FlvOrigin.start(t, (response) => response.write(flvOf(clip()))),
  ];
  const child = await startEdge(t, childConfig([first.port, second.port]));
  const peer = await player(t, child);
  await peer.frames(clip().length);
  const [asked] = first.asked;
  const [stream] = first.streams;
  assert.ok(asked !== undefined && stream !== undefined);
  assert.equal(asked.url, '/live/livestream.flv', 'the query stays the client’s');
  const key = asked.headers['x-edge-reconnect'];
  assert.ok(typeof key === 'string');
  const forged = [
    reconnectRequestData('go'),
    reconnectRequestData('go', 'x'),
    reconnectRequestData('go', `${key}x`),
    encodeAmf0('onStatus', { code: 'NetConnection.Connect.ReconnectRequest', key: [key] }),
    encodeAmf0('onCuePoint', { code: 'NetConnection.Connect.ReconnectRequest', key }),
  ];
  stream.write(flvTags([...forged.map(data), keyframe(9000, 500)]));
  await peer.next(({ payload }) => payload.equals(keyframe(9000, 500).payload));
  assert.equal(second.asked.length, 0);
  stream.write(flvTags([data(reconnectRequestData('go', key))]));
  await second.until(() => second.asked[0]);
  assert.notEqual(second.asked[0]?.headers['x-edge-reconnect'], key, 'each connection has a key of its own');
});
