/** Clients that an origin refuses: they are told at once, and nobody else pays for it. */

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { buildCommand } from '../../edge/rtmp/command.ts';
import { parseControl, pingRequest } from '../../edge/rtmp/control.ts';
import { MessageType } from '../../edge/rtmp/message.ts';
import type { EdgeProcess } from '../support/edge-process.ts';
import { HookServer } from '../support/hook-server.ts';
import { clip } from '../support/media.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { edgeConfig } from '../support/rtmp-config.ts';
import type { OriginConnection, OriginScript } from '../support/rtmp-origin.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { player, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';
import { SrsOrigin, srsMissing } from '../support/srs.ts';

const good = `${stream}?token=good`;
const bad = `${stream}?token=bad`;

const isBad = (name: string): boolean => name.endsWith('token=bad');

/** As SRS does it: `play` is answered before its callback is asked, and a refused client is left without a word. */
const strict: OriginScript = {
  play: (name, connection) => {
    if (isBad(name)) connection.socket.end();
    else connection.send(...clip());
  },
  publish: (name, connection) => {
    if (isBad(name)) connection.socket.end();
    else connection.publishes();
  },
};

/** What an RTMP client is told that may not play. */
async function refusedPlayer(t: TestContext, edge: EdgeProcess, name: string): Promise<string> {
  const peer = await RtmpPeer.connect({ port: edge.port() });
  t.after(() => peer.reset());
  peer.play(name);
  const { description } = await peer.status('NetStream.Play.Failed');
  await peer.untilClosed();
  return description;
}

/** A player that the edge has heard, and gives no answer yet. */
async function waitingPlayer(t: TestContext, edge: EdgeProcess, name: string): Promise<RtmpPeer> {
  const peer = await RtmpPeer.connect({ port: edge.port() });
  t.after(() => peer.reset());
  // While a player waits, nothing else is answered: a ping that comes in the same segment shows that it was read.
  const pong = 4711;
  peer.send(pingRequest(pong), buildCommand('play', 0, [null, name], 1));
  await peer.until('the answer to a ping', () =>
    peer.received.find(({ message }) => {
      const control = message.type === MessageType.userControl ? parseControl(message) : undefined;
      return control?.kind === 'pingResponse' && control.timestamp === pong;
    }),
  );
  return peer;
}

async function refusedPublisher(t: TestContext, edge: EdgeProcess, name: string): Promise<string> {
  const peer = await RtmpPeer.connect({ port: edge.port() });
  t.after(() => peer.reset());
  peer.publish(name);
  const { description } = await peer.status('NetStream.Publish.Rejected');
  await peer.untilClosed();
  return description;
}

function asked(connections: readonly OriginConnection[], name: string): number {
  return connections.filter((connection) => connection.stream === name).length;
}

const http = { root: 'http_server { enabled on; listen 127.0.0.1:0; }', vhost: 'http_remux { enabled on; }' };

describe('clients that an origin refuses', { concurrency: 2 }, () => {
  test(
    'a publisher: at once, asked for once, at no other origin, and others may publish there',
    testOptions,
    async (t) => {
      const origins = [await startOrigin(t, strict), await startOrigin(t, strict)];
      const edge = await startEdge(t, edgeConfig({ origins: origins.map(({ port }) => port) }));
      assert.match(await refusedPublisher(t, edge, bad), /closed the connection behind publish/);
      const peer = await RtmpPeer.publisher({ port: edge.port() }, good);
      t.after(() => peer.reset());
      const publishes = origins.flatMap((origin) => origin.asked('publish'));
      assert.equal(asked(publishes, bad), 1);
      assert.equal(asked(publishes, good), 1);
      assert.ok(
        !edge.log.some(({ msg, state }) => msg === 'origin state' && (state === 'down' || state === 'suspect')),
      );
    },
  );

  test('a publisher that origins accept and then drop is told so, and not pushed for ever', testOptions, async (t) => {
    const origin = await startOrigin(t, {
      publish: (_, connection) => {
        connection.publishes();
        // The stream's first frames are enough.
        connection.socket.once('data', () => connection.socket.end());
      },
    });
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port] }));
    const peer = await RtmpPeer.publisher({ port: edge.port() }, good);
    const live = new Broadcast([peer]);
    t.after(() => {
      live.stop();
      peer.reset();
    });
    const { description } = await peer.status('NetStream.Publish.Rejected');
    assert.match(description, /ends the connection, 3 times in a row/);
    await peer.untilClosed();
    assert.equal(origin.asked('publish').length <= 4, true);
  });

  test('a player: it is told, others of the stream go on waiting and get it with theirs', testOptions, async (t) => {
    const origins = [await startOrigin(t, strict), await startOrigin(t, strict)];
    const edge = await startEdge(
      t,
      edgeConfig({ ...http, origins: origins.map(({ port }) => port), edge: 'token_ttl 60000;' }),
    );
    assert.match(await refusedPlayer(t, edge, bad), /the origin refuses/);
    const plays = (): OriginConnection[] => origins.flatMap((origin) => origin.asked('play'));
    const before = asked(plays(), bad);
    assert.ok(before <= origins.length, `asked ${before} times`);
    assert.match(await refusedPlayer(t, edge, bad), /the origin refuses/);
    const answer = await fetch(`http://127.0.0.1:${edge.port('http')}/live/${stream}.flv?token=bad`);
    assert.equal(answer.status, 403);
    assert.equal(asked(plays(), bad), before, 'what was learned holds for a while');
    await (await player(t, edge, good)).frames(13);
  });

  test('an origin that dies behind play refuses nobody', testOptions, async (t) => {
    const dying = await startOrigin(t, { play: () => void dying.die() });
    const well = await startOrigin(t, strict);
    const edge = await startEdge(t, edgeConfig({ origins: [dying.port, well.port], edge: 'balance failover;' }));
    await (await player(t, edge, good)).frames(13);
  });

  test('a stream that was live is looked for on, whatever an origin says to its parameters', testOptions, async (t) => {
    let isRefusing = false;
    const origin = await startOrigin(t, {
      play: (_, connection) => {
        if (isRefusing) connection.socket.end();
        else connection.send(...clip({ seed: origin.connections.length }));
      },
    });
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port] }));
    const peer = await player(t, edge, good);
    await peer.frames(13);
    isRefusing = true;
    origin.asked('play')[0]?.reset();
    await origin.request('play', 2);
    isRefusing = false;
    await peer.frames(26);
  });

  test(
    'token_traverse: nobody plays a stream that is pulled already without the origin’s word, by RTMP or HTTP',
    testOptions,
    async (t) => {
      const origin = await startOrigin(t, strict);
      const edge = await startEdge(
        t,
        edgeConfig({
          ...http,
          origins: [origin.port],
          cluster: 'token_traverse on;',
          // The origin sends its clip once: what players get later is what the edge has kept of it.
          edge: 'token_ttl 60000; first_frame_timeout 60000;',
        }),
      );
      const url = `http://127.0.0.1:${edge.port('http')}/live/${stream}.flv`;
      await (await player(t, edge, good)).frames(13);
      assert.match(await refusedPlayer(t, edge, bad), /the origin refuses/);
      assert.equal((await fetch(`${url}?token=bad`)).status, 403);
      const gone = new AbortController();
      assert.equal((await fetch(`${url}?token=other`, { signal: gone.signal })).status, 200);
      gone.abort();
      for (let round = 0; round < 3; round++) await (await player(t, edge, `${stream}?token=other`)).frames(13);
      assert.equal(asked(origin.asked('play'), `${stream}?token=other`), 1, 'its answer is kept');
      assert.equal(asked(origin.asked('play'), bad), 1);
      assert.equal(asked(origin.asked('play'), good), 1, 'the pull itself was the question');
    },
  );

  for (const names of [
    [bad, good],
    [good, bad],
  ])
    test(
      `token_traverse: players that wait together are let in or refused each by its own, first ${names[0]}`,
      testOptions,
      async (t) => {
        const waiting: OriginConnection[] = [];
        const origin = await startOrigin(t, { play: (_, connection) => void waiting.push(connection) });
        const edge = await startEdge(
          t,
          edgeConfig({ origins: [origin.port], cluster: 'token_traverse on;', edge: 'first_frame_timeout 20000;' }),
        );
        const peers = new Map<string, RtmpPeer>();
        for (const name of names) peers.set(name, await waitingPlayer(t, edge, name));
        const first = await origin.until('the first player', () => waiting[0]);
        assert.equal(first.stream, names[0]);
        origin.script = strict;
        strict.play?.(first.stream ?? '', first);
        const { description } = (await peers.get(bad)?.status('NetStream.Play.Failed')) ?? {};
        assert.match(description ?? '', /the origin refuses/);
        await peers.get(bad)?.untilClosed();
        await peers.get(good)?.frames(13);
      },
    );
});

describe('clients that SRS refuses', { skip: srsMissing(), concurrency: 2 }, () => {
  async function scene(t: TestContext): Promise<{ hooks: HookServer; edge: EdgeProcess }> {
    const hooks = await HookServer.start(t);
    const urls = ['on_play', 'on_publish'].map((name) => `${name} ${hooks.url};`).join(' ');
    const origin = await SrsOrigin.start(t, `http_hooks { enabled on; ${urls} }`);
    const config = {
      ...http,
      origins: [origin.port],
      cluster: 'token_traverse on;',
      edge: 'first_frame_timeout 3000;',
    };
    return { hooks, edge: await startEdge(t, edgeConfig(config)) };
  }

  const calls = (hooks: HookServer, action: string, token: string): number =>
    hooks.calls.filter((call) => call.action === action && call.param?.includes(`token=${token}`)).length;

  test('a publisher with a bad token is refused at once, and its token asked for once', testOptions, async (t) => {
    const { hooks, edge } = await scene(t);
    await refusedPublisher(t, edge, bad);
    assert.equal(calls(hooks, 'on_publish', 'bad'), 1);
  });

  test('a publisher whose pictures SRS does not like is told so', testOptions, async (t) => {
    const { hooks, edge } = await scene(t);
    const source = await RtmpPeer.publisher({ port: edge.port() }, good);
    const live = new Broadcast([source]);
    t.after(() => {
      live.stop();
      source.reset();
    });
    await source.status('NetStream.Publish.Rejected');
    assert.ok(calls(hooks, 'on_publish', 'good') <= 4);
  });

  test('a player with a bad token does not play a stream that is pulled already', testOptions, async (t) => {
    const { hooks, edge } = await scene(t);
    const source = await RtmpPeer.publisher({ port: edge.port() }, good);
    // SRS looks into pictures, and made-up ones are none.
    const live = new Broadcast([source], { video: false });
    t.after(() => {
      live.stop();
      source.reset();
    });
    await (await player(t, edge, good)).frames(30);
    assert.match(await refusedPlayer(t, edge, bad), /the origin refuses/);
    assert.equal((await fetch(`http://127.0.0.1:${edge.port('http')}/live/${stream}.flv?token=bad`)).status, 403);
    assert.equal(calls(hooks, 'on_play', 'bad'), 1);
    await (await player(t, edge, `${stream}?token=other`)).frames(30);
  });
});
