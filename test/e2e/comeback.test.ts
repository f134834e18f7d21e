/**
 * A publisher whose connection vanished comes back (`publish { override on; }`): by the same edge, by another one, with a
 * token and without.
 */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { MessageType } from '../../edge/rtmp/message.ts';
import { HookServer } from '../support/hook-server.ts';
import { clip } from '../support/media.ts';
import { temporaryDirectory } from '../support/programs.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { edgeConfig, originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { player, publisher, startEdge, stream, testOptions } from '../support/rtmp-scene.ts';
import { signedQuery } from '../support/signed-query.ts';
import { SrsOrigin, srsMissing } from '../support/srs.ts';

const override = 'publish { override on; }';

async function toldToGo(peer: RtmpPeer): Promise<void> {
  const { level, description } = await peer.status('NetStream.Publish.BadName');
  assert.equal(level, 'error');
  assert.equal(description, 'another publisher has taken the stream over');
  await peer.untilClosed();
}

/** What a player has goes on without an end, and its time never runs back. */
function assertGoesOn(watcher: RtmpPeer): void {
  assert.equal(watcher.closed, false);
  const codes = watcher.commands.map((command) => ('code' in command ? command.code : command.kind));
  assert.ok(!codes.includes('NetStream.Play.UnpublishNotify'), codes.join(' '));
  for (const track of [MessageType.audio, MessageType.video]) {
    const times = watcher.mediaMessages.filter(({ type }) => type === track).map(({ timestamp }) => timestamp);
    assert.ok(
      times.every((time, index) => index === 0 || time >= (times[index - 1] ?? 0)),
      times.join(' '),
    );
  }
}

function live(t: TestContext, peer: RtmpPeer, seed: number, video = true): void {
  const broadcast = new Broadcast([peer], { seed, video });
  t.after(() => broadcast.stop());
}

/** Resolves when a player gets frames of the broadcast with this seed, no headers. */
async function sees(watcher: RtmpPeer, seed: number): Promise<void> {
  await watcher.next(({ type, payload }) => {
    if (type !== MessageType.audio && type !== MessageType.video) return false;
    return payload[1] === 1 && payload[type === MessageType.audio ? 2 : 5] === seed;
  });
}

test('whom a callback agrees to takes over at once, though the old one still sends', testOptions, async (t) => {
  const hooks = await HookServer.start(t);
  const edge = await startEdge(t, originConfig({ vhost: `${hooks.block} ${override}` }));
  const first = await publisher(t, edge);
  const watcher = await player(t, edge);
  live(t, first, 1);
  await sees(watcher, 1);
  hooks.refuses = ({ action, param }) => action === 'on_publish' && param?.includes('token=bad') === true;
  const bad = await RtmpPeer.connect({ port: edge.port() });
  bad.publish(`${stream}?token=bad`);
  await bad.status('NetStream.Publish.Rejected');
  assert.equal(first.closed, false, 'whom the callback refuses takes nothing over');
  const second = await publisher(t, edge);
  await toldToGo(first);
  live(t, second, 2);
  await sees(watcher, 2);
  assertGoesOn(watcher);
  const [oldest] = hooks.calls.filter(({ action }) => action === 'on_publish');
  while (!hooks.calls.some(({ action, client_id }) => action === 'on_unpublish' && client_id === oldest?.client_id)) {
    await hooks.until('on_close');
  }
});

test('who comes back without a token is let in when the old connection is silent', testOptions, async (t) => {
  const vhost = `${override} edge { limits { publishers 1; clients_per_address 2; } }`;
  const edge = await startEdge(t, originConfig({ vhost }));
  const first = await publisher(t, edge);
  const watcher = await player(t, edge);
  first.send(...clip());
  await watcher.frames(13);
  // It says nothing more, as one whose network is gone.
  const second = await publisher(t, edge);
  await toldToGo(first);
  live(t, second, 2);
  await sees(watcher, 2);
  assertGoesOn(watcher);
});

test(
  'over two edges the newer push wins; the older edge ends its publisher and does not push again',
  testOptions,
  async (t) => {
    const file = join(temporaryDirectory(t), 'keys');
    writeFileSync(file, '1:a secret that is long\n');
    const token = `edge { token { publish on; keys_file ${file}; } }`;
    const origin = await startEdge(t, originConfig({ vhost: `${override} ${token}` }));
    const [one, two] = [
      await startEdge(t, edgeConfig({ origins: [origin.port()] })),
      await startEdge(t, edgeConfig({ origins: [origin.port()] })),
    ];
    const expires = Math.floor(Date.now() / 1000) + 600;
    const key = { keyId: '1', secret: 'a secret that is long' };
    const name = `${stream}?${signedQuery({ action: 'publish', path: `/live/${stream}`, expires, ...key })}`;
    const first = await publisher(t, one, name);
    const watchers = [await player(t, one), await player(t, two)];
    live(t, first, 1);
    for (const watcher of watchers) await sees(watcher, 1);
    const stranger = await RtmpPeer.connect({ port: two.port() });
    stranger.publish(stream);
    await stranger.status('NetStream.Publish.Rejected');
    const second = await publisher(t, two, name);
    await toldToGo(first);
    live(t, second, 2);
    for (const watcher of watchers) await sees(watcher, 2);
    watchers.forEach(assertGoesOn);
    assert.equal(one.log.filter(({ msg }) => msg === 'push connected').length, 1);
  },
);

test(
  'over two edges without a token: the newer push waits for the silence of the older one',
  testOptions,
  async (t) => {
    const origin = await startEdge(t, originConfig({ vhost: override }));
    // The origin may take a second for its answer.
    const config = edgeConfig({ origins: [origin.port()], edge: 'request_timeout 5000;' });
    const [one, two] = [await startEdge(t, config), await startEdge(t, config)];
    const first = await publisher(t, one);
    const watcher = await player(t, two);
    first.send(...clip());
    await watcher.frames(13);
    const second = await publisher(t, two);
    await toldToGo(first);
    live(t, second, 2);
    await sees(watcher, 2);
    assertGoesOn(watcher);
  },
);

test('an SRS origin behind one edge gets the newer publisher, and players go on', {
  ...testOptions,
  skip: srsMissing(),
}, async (t) => {
  const hooks = await HookServer.start(t);
  const origin = await SrsOrigin.start(t);
  const config = {
    origins: [origin.port],
    vhost: hooks.block,
    publish: 'override on;',
    edge: 'first_frame_timeout 3000;',
  };
  const edge = await startEdge(t, edgeConfig(config));
  const first = await publisher(t, edge);
  const watcher = await player(t, edge);
  // SRS looks into pictures, and made-up ones are none.
  live(t, first, 1, false);
  await sees(watcher, 1);
  const second = await publisher(t, edge);
  await toldToGo(first);
  live(t, second, 2, false);
  await sees(watcher, 2);
  assertGoesOn(watcher);
});
