/** A server that knows where streams are is asked, and what it answers is tried before the listed origins. */

import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import { LocateServer, locatedAt } from '../support/locate-server.ts';
import { clip } from '../support/media.ts';
import { edgeConfig } from '../support/rtmp-config.ts';
import type { OriginScript } from '../support/rtmp-origin.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import {
  deadOrigin,
  player,
  publisher,
  reload,
  startEdge,
  startOrigin,
  stream,
  testOptions,
} from '../support/rtmp-scene.ts';

const silent: OriginScript = {};
const full: OriginScript = { play: (_, connection) => connection.send(...clip()) };

/** Long beside a test: nothing is to be waited for. */
const patient = 'locate_timeout 10000; locate_ttl 3600000;';

describe('locate_url', { concurrency: 3 }, () => {
  test(
    'its origins are asked in their order and the listed one is not; one question serves all',
    testOptions,
    async (t) => {
      const locator = await LocateServer.start(t);
      const [listed, first, second] = [
        await startOrigin(t, full),
        await startOrigin(t, silent),
        await startOrigin(t, full),
      ];
      const held: ServerResponse[] = [];
      locator.answer = (_, response) => held.push(response);
      const edge = await startEdge(
        t,
        edgeConfig({ origins: [listed.port], edge: `${locator.directive} ${patient} linger 0;` }),
      );
      const players = await Promise.all([player(t, edge), player(t, edge), player(t, edge)]);
      await locator.asked(1);
      assert.equal(listed.connections.length, 0, 'who has nothing to begin with waits for the answer');
      for (const response of held) response.end(locatedAt(first.port, second.port));
      for (const peer of players) await peer.frames(13);
      assert.deepEqual(
        [listed, first, second].map((origin) => origin.asked('play').length),
        [0, 1, 1],
      );
      assert.deepEqual(
        locator.questions.map(({ vhost, app, stream: name, purpose }) => ({ vhost, app, name, purpose })),
        [{ vhost: '__defaultVhost__', app: 'live', name: stream, purpose: 'play' }],
      );
      for (const peer of players) peer.reset();
      await second.until('the end of the pull', () => second.connections[0]?.closed || undefined);
      await (await player(t, edge)).frames(13);
      assert.equal(locator.questions.length, 1, 'the answer counts for locate_ttl');
    },
  );

  test('publishers are sent on to its origins, and to a listed one when those are gone', testOptions, async (t) => {
    const locator = await LocateServer.start(t);
    const [listed, located] = [await startOrigin(t), await startOrigin(t)];
    locator.answer = (_, response) => response.end(locatedAt(located.port));
    const edge = await startEdge(t, edgeConfig({ origins: [listed.port], edge: `${locator.directive} ${patient}` }));
    const source = await publisher(t, edge);
    source.send(...clip());
    await located.request('publish');
    assert.equal(listed.connections.length, 0);
    assert.deepEqual(
      locator.questions.map(({ purpose }) => purpose),
      ['publish'],
    );
    await located.die();
    await listed.request('publish');
    assert.equal(source.closed, false);
  });

  const failures: readonly (readonly [string, (response: ServerResponse) => void, RegExp])[] = [
    ['cut off', (response) => void response.socket?.destroy(), /socket hang up|ECONNRESET/],
    ['no', (response) => void response.end('{"code": 5}'), /code 5/],
    ['something else', (response) => void response.end('<html>'), /the answer is not/],
    ['a redirection', (response) => void response.writeHead(302, { Location: '/' }).end(), /status 302/],
    ['no origin', (response) => void response.end('{"code":0,"data":{"origins":["x:y"]}}'), /"x:y" is not/],
  ];
  test('a failure: the listed origin is asked, and the log says so', testOptions, async (t) => {
    const locator = await LocateServer.start(t);
    const listed = await startOrigin(t, full);
    locator.answer = ({ stream: name }, response) => failures[Number(name)]?.[1](response);
    const edge = await startEdge(
      t,
      edgeConfig({
        origins: [listed.port],
        root: 'exporter { enabled on; listen 127.0.0.1:0; }',
        edge: `${locator.directive} ${patient}`,
      }),
    );
    for (const [index, [what, , reason]] of failures.entries()) {
      await (await player(t, edge, `${index}`)).frames(13);
      const about = `__defaultVhost__/live/${index}`;
      const line = await edge.logged(({ msg, stream: of }) => msg.startsWith('locate_url failed') && of === about);
      assert.match(String(line.reason), reason, what);
      assert.equal(line.purpose, 'play');
    }
    assert.ok(!edge.log.some((line) => JSON.stringify(line).includes('secret')), 'what the URL shows is secret');
    const metrics = await (await fetch(`http://127.0.0.1:${edge.port('exporter')}/metrics`)).text();
    assert.match(metrics, /edge_locate_questions_total\{result="failed"\} 5/);
  });

  test('a server that hangs is waited for as long as locate_timeout says', testOptions, async (t) => {
    const locator = await LocateServer.start(t);
    const listed = await startOrigin(t, full);
    locator.answer = () => {};
    const edge = await startEdge(
      t,
      edgeConfig({ origins: [listed.port], edge: `${locator.directive} locate_timeout 100;` }),
    );
    await (await player(t, edge)).frames(13);
    const { reason } = await edge.logged(({ msg }) => msg.startsWith('locate_url failed'));
    assert.equal(reason, 'no answer in 100 ms');
  });

  test('nobody listens there, and no origin is there: who is refused learns no address', testOptions, async (t) => {
    const gone = await deadOrigin(t);
    const edge = await startEdge(
      t,
      edgeConfig({
        origins: [gone.port],
        edge: `locate_url http://127.0.0.1:${gone.port}/secret; publish_timeout 200;`,
      }),
    );
    const peer = await RtmpPeer.connect({ port: edge.port() });
    peer.publish(stream);
    const { description } = await peer.status('NetStream.Publish.Failed');
    assert.match(description, /^no origin accepted the stream within 200 ms/);
    assert.doesNotMatch(description, /secret|locate/);
    await edge.logged(({ msg }) => msg.startsWith('locate_url failed'));
  });

  test('all located origins are down: the listed one is next', testOptions, async (t) => {
    const locator = await LocateServer.start(t);
    const [gone, listed] = [await deadOrigin(t), await startOrigin(t, full)];
    locator.answer = (_, response) => response.end(locatedAt(gone.port));
    const edge = await startEdge(t, edgeConfig({ origins: [listed.port], edge: `${locator.directive} ${patient}` }));
    await (await player(t, edge)).frames(13);
  });

  test('every listed origin is down: what the server names later is found', testOptions, async (t) => {
    const locator = await LocateServer.start(t);
    const [gone, located] = [await deadOrigin(t), await startOrigin(t, full)];
    const edge = await startEdge(
      t,
      edgeConfig({ origins: [gone.port], edge: `${locator.directive} locate_timeout 10000; locate_ttl 1;` }),
    );
    const peer = await player(t, edge);
    await locator.asked(1);
    locator.answer = (_, response) => response.end(locatedAt(located.port));
    await peer.frames(13);
  });

  test(
    'the stream goes on by the last answer when its origin dies; the server is asked beside',
    testOptions,
    async (t) => {
      const locator = await LocateServer.start(t);
      const [listed, first, second] = [
        await startOrigin(t, silent),
        await startOrigin(t, full),
        await startOrigin(t, full),
      ];
      locator.answer = (_, response) => response.end(locatedAt(first.port, second.port));
      const edge = await startEdge(
        t,
        edgeConfig({ origins: [listed.port], edge: `${locator.directive} locate_timeout 10000; locate_ttl 0;` }),
      );
      const peer = await player(t, edge);
      await peer.frames(13);
      // Never answered.
      locator.answer = () => {};
      await first.die();
      await second.request('play');
      await locator.asked(2);
      assert.equal(listed.connections.length, 0);
      assert.equal(peer.closed, false);
    },
  );

  test(
    'a reload of the list leaves a located stream alone; one that takes locate_url away moves it',
    testOptions,
    async (t) => {
      const locator = await LocateServer.start(t);
      const [located, listed, next] = [
        await startOrigin(t, full),
        await startOrigin(t, full),
        await startOrigin(t, full),
      ];
      locator.answer = (_, response) => response.end(locatedAt(located.port));
      const edge = await startEdge(t, edgeConfig({ origins: [listed.port], edge: `${locator.directive} ${patient}` }));
      const peer = await player(t, edge);
      await peer.frames(13);
      await reload(edge, edgeConfig({ origins: [next.port], edge: `${locator.directive} ${patient}` }));
      assert.equal(located.connections[0]?.closed, false);
      await reload(edge, edgeConfig({ origins: [next.port] }));
      await next.request('play');
      await located.until('to be left', () => located.connections[0]?.closed || undefined);
      assert.equal(peer.closed, false);
      assert.equal(listed.connections.length, 0);
    },
  );
});
