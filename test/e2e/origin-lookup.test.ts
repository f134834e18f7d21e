/** Edges that find origins by a name when none of the listed ones works, with a DNS server. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { onStatus } from '../../edge/rtmp/command.ts';
import { makeCertificate } from '../support/certificate.ts';
import { type DnsAnswer, DnsServer } from '../support/dns-server.ts';
import type { EdgeProcess, LogLine } from '../support/edge-process.ts';
import { a, b, c, LookupScene, nobody } from '../support/lookup-scene.ts';
import { clip } from '../support/media.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { type EdgeOptions, edgeConfig, originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { player, publisher, reload, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';

const name = 'origins.live.test';

/** An edge's configuration that lists some of the hosts, and knows the name. */
function configOf({ dns, port }: LookupScene, listed: readonly string[], more: Partial<EdgeOptions> = {}): string {
  return edgeConfig({
    play: 'time_jitter off;',
    ...more,
    origins: listed.map((host) => `${host}:${port}`),
    process: `name_servers ${dns.address}; ${more.process ?? ''}`,
    edge: `origin_lookup ${name}:${port}; ${more.edge ?? ''}`,
  });
}

/** An edge, and a player that sees the stream. */
async function watched(
  t: TestContext,
  scene: LookupScene,
  listed: readonly string[],
  more: Partial<EdgeOptions> = {},
): Promise<{ readonly edge: EdgeProcess; readonly peer: RtmpPeer }> {
  const edge = await startEdge(t, configOf(scene, listed, more));
  const peer = await player(t, edge);
  await scene.goesOn(peer);
  return { edge, peer };
}

/** An address behind which the origins are met by turns, as those of a Service by chance. */
async function startService(t: TestContext, port: number, hosts: readonly string[]): Promise<string> {
  let turn = 0;
  const server = createServer((socket) => {
    const origin = connect({ host: hosts[turn++ % hosts.length] ?? '', port });
    for (const [one, other] of [[socket, origin] as const, [origin, socket] as const]) {
      one.on('error', () => other.destroy());
      one.pipe(other);
    }
  });
  server.listen(port, '127.0.3.8');
  await once(server, 'listening');
  t.after(() => server.close());
  return '127.0.3.8';
}

/** Who takes connections and says nothing, as an address where nobody is any more says nothing. */
async function startMute(t: TestContext, host: string, port: number): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(port, host);
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return server;
}

/** Longer than a test lasts: who waits for an answer waits in vain. */
const patient = { edge: 'request_timeout 600000; locate_interval 20;' };

describe('origins behind a name', { concurrency: 2 }, () => {
  test('listed origins are killed: players and publishers go on at what DNS has', testOptions, async (t) => {
    const dns = await DnsServer.start();
    t.after(() => dns.close());
    const real = (host: string, port: number) => startEdge(t, originConfig({ root: `listen ${host}:${port};` }));
    const before = await real(a, 0);
    const port = before.port();
    const after = await real(b, port);
    const process = `name_servers ${dns.address};`;
    const config = edgeConfig({ origins: [`${a}:${port}`], process, edge: `origin_lookup ${name}:${port};` });
    const edge = await startEdge(t, config);
    const source = await publisher(t, edge);
    const live = new Broadcast([source]);
    t.after(() => live.stop());
    const peer = await player(t, edge);
    await peer.frames(20);
    assert.deepEqual(dns.queries, [], 'while a listed origin works nobody asks DNS');
    dns.answer(name, [b]);
    await before.kill();
    const there = await RtmpPeer.player({ host: b, port }, stream);
    t.after(() => there.reset());
    await there.frames(20);
    await peer.frames(peer.mediaMessages.length + 20);
    const times = peer.mediaMessages.filter(({ type }) => type === 9).map(({ timestamp }) => timestamp);
    assert.deepEqual(
      times,
      times.toSorted((one, other) => one - other),
      'time does not run backwards',
    );
    assert.ok(!peer.closed && !source.closed);
    // Who begins to publish now is let in, too.
    await publisher(t, edge, 'another');
    assert.ok(after.log.some(({ msg }) => msg === 'started'));
  });

  test('an edge that drains finds a new origin, though a listed one is up', testOptions, async (t) => {
    const scene = await LookupScene.start(t, a);
    await scene.origin(b, { has: false });
    const { edge, peer } = await watched(t, scene, [a, b], { process: 'drain_timeout 60000;' });
    edge.signal('SIGTERM');
    await edge.logged(({ msg }) => msg === 'draining');
    await scene.origin(c);
    scene.dns.answer(name, [c]);
    await scene.at(a).die();
    await scene.goesOn(peer);
    peer.end();
    assert.equal(await edge.exit(), 0);
  });

  test(
    'while a listed origin is well, an address that stands for none of them is left alone',
    testOptions,
    async (t) => {
      const scene = await LookupScene.start(t, a, b);
      scene.at(a).script = { play: () => {} };
      scene.dns.answer(name, [b]);
      const edge = await startEdge(t, configOf(scene, [a]));
      await player(t, edge);
      await edge.logged(({ msg }) => msg === 'origins looked up');
      await player(t, edge, 'another');
      await scene.at(a).request('play', 1);
      assert.deepEqual(scene.at(b).connections, []);
    },
  );

  test('a new origin beside listed ones is asked for a stream that none of them has', testOptions, async (t) => {
    const scene = await LookupScene.start(t, b);
    await scene.origin(a, { has: false });
    scene.dns.answer(name, [a, b]);
    await watched(t, scene, [a]);
  });

  test(
    'a listed origin is killed, and nothing comes from the other: players go on at what DNS has',
    testOptions,
    async (t) => {
      const scene = await LookupScene.start(t, a, b);
      await startMute(t, c, scene.port);
      const { peer } = await watched(t, scene, [a, c], patient);
      scene.dns.answer(name, [b]);
      await scene.at(a).die();
      await scene.goesOn(peer);
    },
  );

  test(
    'origins that die in turn, a few seconds after each other, are left at once each time',
    testOptions,
    async (t) => {
      const scene = await LookupScene.start(t, a, b);
      // Who waited before the next try would wait in vain.
      const { edge, peer } = await watched(t, scene, [a, b], { edge: 'retry_min 600000; retry_max 600000;' });
      for (const host of [a, b, a, b]) {
        const isUp = ({ msg, origin, state }: LogLine) =>
          msg === 'origin state' && origin === `${host}:${scene.port}` && state === 'up';
        // More than two seconds of media, a hundred frames of each track.
        await peer.frames(peer.mediaMessages.length + 220);
        await scene.at(host).die();
        const since = edge.log.length;
        await scene.goesOn(peer);
        await scene.origin(host);
        await edge.logged(isUp, since);
      }
    },
  );

  test('while nothing comes from one origin, another that lacked the stream is asked again', testOptions, async (t) => {
    const scene = await LookupScene.start(t, a, b);
    const mute = await startMute(t, c, scene.port);
    const { script } = scene.at(b);
    scene.at(b).script = { play: () => {} };
    const { peer } = await watched(t, scene, [a, b, c], patient);
    const askedNext = once(mute, 'connection');
    await scene.at(a).die();
    // It is asked behind the one that lacks the stream.
    await askedNext;
    scene.at(b).script = script;
    await scene.goesOn(peer);
  });

  test(
    'a listed origin is killed, and nothing comes from the other: publishers go on at what DNS has',
    testOptions,
    async (t) => {
      const scene = await LookupScene.start(t, a, b);
      await startMute(t, c, scene.port);
      const edge = await startEdge(t, configOf(scene, [a, c], patient));
      const source = await publisher(t, edge);
      await scene.at(a).request('publish');
      scene.dns.answer(name, [b]);
      await scene.at(a).die();
      await scene.at(b).request('publish');
      // Who begins to publish now is let in, too.
      await publisher(t, edge, 'another');
      assert.ok(!source.closed);
    },
  );

  test(
    'the origin in use says that the stream has ended there: others that DNS has are asked',
    testOptions,
    async (t) => {
      const scene = await LookupScene.start(t, a, b);
      const { script } = scene.at(b);
      scene.at(a).script = { play: (_, connection) => connection.send(...clip()) };
      scene.at(b).script = { play: () => {} };
      scene.dns.answer(name, [a, b]);
      const edge = await startEdge(t, configOf(scene, [nobody]));
      const peer = await player(t, edge);
      await peer.frames(23);
      scene.at(b).script = script;
      const [inUse] = scene.at(a).asked('play').slice(-1);
      inUse?.send(onStatus(1, 'status', 'NetStream.Play.UnpublishNotify', 'it has ended'));
      await scene.goesOn(peer);
    },
  );

  test('behind one address, who lacks a stream may be another than who got it', testOptions, async (t) => {
    const scene = await LookupScene.start(t, a);
    const address = '127.0.3.8';
    // Behind it each connection meets somebody who takes all that is published, and has nothing to play.
    const service = await startOrigin(t, { play: () => {} }, scene.port, address);
    scene.dns.answer(name, [address]);
    await scene.at(a).die();
    const edge = await startEdge(t, configOf(scene, [nobody]));
    const source = await publisher(t, edge);
    const live = new Broadcast([source]);
    t.after(() => live.stop());
    await player(t, edge);
    // Each connection was asked twice at least, and the second time long after the first.
    await service.request('play', 8);
    assert.equal(service.asked('publish').length, 1, 'it was not pushed again');
  });

  const late: readonly { readonly title: string; readonly first: DnsAnswer | undefined }[] = [
    { title: 'does not exist', first: undefined },
    { title: 'has no address', first: [] },
    { title: 'cannot be looked up', first: 'fails' },
    { title: 'gets no answer', first: 'silent' },
    { title: 'leads nowhere', first: [nobody] },
  ];
  for (const { title, first } of late) {
    test(`the name ${title} at first: players wait, and DNS is asked until it knows better`, testOptions, async (t) => {
      const scene = await LookupScene.start(t, a, b);
      const { edge, peer } = await watched(t, scene, [a]);
      if (first !== undefined) scene.dns.answer(name, first);
      await scene.at(a).die();
      await edge.logged(({ msg }) => msg === 'origins looked up');
      scene.dns.answer(name, [b]);
      await scene.goesOn(peer);
    });
  }

  test(
    'one address for several origins: a connection is tried after another until one meets the stream',
    testOptions,
    async (t) => {
      const scene = await LookupScene.start(t, a, b);
      await scene.origin(c, { has: false });
      const { edge, peer } = await watched(t, scene, [a]);
      scene.dns.answer(name, [await startService(t, scene.port, [c, c, b])]);
      await scene.at(a).die();
      await scene.goesOn(peer);
      const { origin } = await edge.logged(({ msg }) => msg === 'pull switched');
      assert.match(String(origin), /#\d$/);
    },
  );

  test('a hundred addresses, of which one works; they come over TCP', testOptions, async (t) => {
    const scene = await LookupScene.start(t, a, b);
    const { peer } = await watched(t, scene, [a]);
    scene.dns.answer(name, [...Array.from({ length: 99 }, (_, index) => `127.0.4.${index + 1}`), b]);
    await scene.at(a).die();
    await scene.goesOn(peer);
    assert.ok(scene.dns.queries.some(({ transport }) => transport === 'tcp'));
  });

  test('forty streams lose their origin: they share look-ups', testOptions, async (t) => {
    const scene = await LookupScene.start(t, a, b);
    const edge = await startEdge(t, configOf(scene, [a]));
    const streams = Array.from({ length: 40 }, (_, index) => `s${index}`);
    const peers = await Promise.all(streams.map((one) => player(t, edge, one)));
    await Promise.all(peers.map((peer) => scene.goesOn(peer)));
    scene.dns.answer(name, [b]);
    await scene.at(a).die();
    await Promise.all(peers.map((peer) => scene.goesOn(peer)));
    // As a rule it is one, of two questions; a busy machine may take so long that its answer is old before all are served.
    assert.ok(scene.dns.queries.length < streams.length, `${scene.dns.queries.length} questions`);
  });

  test('IPv6 addresses are origins as others are', testOptions, async (t) => {
    const scene = await LookupScene.start(t, a, '::1');
    const { peer } = await watched(t, scene, [a]);
    scene.dns.answer(name, ['::1']);
    await scene.at(a).die();
    await scene.goesOn(peer);
  });

  test('rtmps: the certificate must hold the name that was looked up', testOptions, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'lookup-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const { keyFile, certFile } = makeCertificate(directory, 'origin');
    const dns = await DnsServer.start();
    t.after(() => dns.close());
    const tls = `listen ${a}:0; rtmps { enabled on; listen ${a}:0; key ${keyFile}; cert ${certFile}; }`;
    const origin = await startEdge(t, originConfig({ root: tls }));
    const source = await RtmpPeer.publisher({ host: a, port: origin.port() }, stream);
    const live = new Broadcast([source]);
    t.after(() => {
      live.stop();
      source.reset();
    });
    // The certificate is for localhost and 127.0.0.1.
    dns.answer('localhost', [a]);
    dns.answer(name, [a]);
    const at = origin.port('rtmps');
    const process = `name_servers ${dns.address};`;
    const config = (looked: string): string =>
      edgeConfig({
        origins: [`${nobody}:1`],
        process,
        edge: `origin_tls_ca_file ${certFile}; origin_lookup rtmps://${looked}:${at};`,
      });
    const edge = await startEdge(t, config('localhost'));
    const peer = await player(t, edge);
    await peer.frames(20);
    const since = edge.log.length;
    await reload(edge, config(name));
    await player(t, edge, 'another');
    const refused = await edge.logged(
      ({ msg, err }) => msg === 'pull failed' && /altnames/.test(JSON.stringify(err)),
      since,
    );
    assert.match(JSON.stringify(refused.err), new RegExp(name));
  });

  test('the list has origins that work again: streams go back to them, nobody is cut', testOptions, async (t) => {
    const scene = await LookupScene.start(t, a, b, c);
    const { edge, peer } = await watched(t, scene, [a]);
    scene.dns.answer(name, [b]);
    await scene.at(a).die();
    await edge.logged(({ msg }) => msg === 'pull switched');
    const since = edge.log.length;
    // A reload that changes nothing of it moves nobody.
    await reload(edge, configOf(scene, [a], { root: 'grace_final_wait 900;' }));
    await scene.goesOn(peer);
    assert.equal(
      edge.log.slice(since).find(({ msg }) => msg === 'pull switched'),
      undefined,
    );
    await reload(edge, configOf(scene, [c]));
    await edge.logged(({ msg, origin }) => msg === 'pull switched' && origin === `${c}:${scene.port}`, since);
    await scene.goesOn(peer);
  });

  test('token_traverse asks an origin that was looked up', testOptions, async (t) => {
    const scene = await LookupScene.start(t, a);
    scene.dns.answer(name, [a]);
    await watched(t, scene, [nobody], { cluster: 'token_traverse on;' });
  });
});
