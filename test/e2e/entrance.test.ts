/** Whom a running edge lets in by itself: addresses, web pages and limits; by RTMP, HTTP and WebSocket. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import type { EdgeProcess } from '../support/edge-process.ts';
import { clip } from '../support/media.ts';
import { originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { player, publisher, reload, startEdge, stream, testOptions } from '../support/rtmp-scene.ts';

const root = `
  http_server { enabled on; listen 127.0.0.1:0; dir /nonexistent; }
  exporter { enabled on; listen 127.0.0.1:0; }`;

function configWith(vhost: string): string {
  return originConfig({ root, vhost: `http_remux { enabled on; } ${vhost}` });
}

async function scene(t: TestContext, vhost: string): Promise<EdgeProcess> {
  return await startEdge(t, configWith(vhost));
}

/** What an RTMP client is told that asks so, from this address. */
async function refusal(edge: EdgeProcess, ask: 'play' | 'publish', from: object = {}, name = stream): Promise<string> {
  const peer = await RtmpPeer.connect({ port: edge.port(), ...from });
  peer[ask](name);
  const { level, description } = await peer.status(
    ask === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Rejected',
  );
  assert.equal(level, 'error');
  await peer.end();
  return description;
}

function url(edge: EdgeProcess, scheme = 'http', name = stream): string {
  return `${scheme}://127.0.0.1:${edge.port('http')}/live/${name}.flv`;
}

async function refusedFor(edge: EdgeProcess, reason: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${edge.port('exporter')}/metrics`)).text();
  return Number(new RegExp(`^edge_access_refused_total\\{.*reason="${reason}".*\\} (\\d+)`, 'm').exec(text)?.[1]);
}

test('a file of SRS with `security` does not let strangers in, by RTMP, HTTP or WebSocket', testOptions, async (t) => {
  const security = 'security { enabled on; allow play all; allow publish 127.0.0.1; deny play 127.0.0.1; }';
  const edge = await scene(t, security);
  await publisher(t, edge);
  assert.match(await refusal(edge, 'play'), /127\.0\.0\.1 may not play/);
  assert.match(await refusal(edge, 'publish', { localAddress: '127.0.0.2' }, 'other'), /127\.0\.0\.2 may not publish/);
  for (const method of ['GET', 'HEAD']) assert.equal((await fetch(url(edge), { method })).status, 403);
  const socket = new WebSocket(url(edge, 'ws'));
  await once(socket, 'error');
  const other = await RtmpPeer.player({ port: edge.port(), localAddress: '127.0.0.2' }, stream);
  other.end();
  assert.ok((await refusedFor(edge, 'security')) >= 5);
});

test('a reload of `security` counts for new clients; who is in stays in', testOptions, async (t) => {
  const edge = await scene(t, '');
  const source = await publisher(t, edge);
  const peer = await player(t, edge);
  source.send(...clip());
  await peer.frames(13);
  await reload(edge, configWith('security { enabled on; deny play all; deny publish all; }'));
  assert.match(await refusal(edge, 'play'), /may not play/);
  source.send(...clip({ startMs: 2_000 }));
  await peer.frames(20);
});

test('`refer`: pages of others may not show the stream', testOptions, async (t) => {
  const edge = await scene(t, 'refer { enabled on; play example.com; }');
  const source = await publisher(t, edge);
  source.send(...clip());
  const get = async (referer?: string): Promise<number> => {
    const gone = new AbortController();
    const { status } = await fetch(url(edge), { headers: referer ? { referer } : {}, signal: gone.signal });
    gone.abort();
    return status;
  };
  assert.equal(await get('https://www.example.com/watch'), 200);
  assert.equal(await get('https://example.org/'), 403);
  assert.equal(await get(), 403);
  assert.match(await refusal(edge, 'play', { properties: { pageUrl: 'http://example.org/' } }), /example\.org/);
  const peer = await RtmpPeer.player({ port: edge.port(), properties: { pageUrl: 'http://example.com/' } }, stream);
  peer.end();
});

test('limits: one too many is refused, and let in when another has left', testOptions, async (t) => {
  const edge = await scene(
    t,
    'edge { limits { players_per_stream 1; publishers 1; streams 2; clients_per_address 3; } }',
  );
  const source = await publisher(t, edge);
  source.send(...clip());
  const first = await player(t, edge);
  assert.match(await refusal(edge, 'play'), /has 1 players/);
  assert.equal((await fetch(url(edge))).status, 503);
  assert.match(await refusal(edge, 'publish', {}, 'second'), /1 publishers/);
  await player(t, edge, 'second');
  const third = { localAddress: '127.0.0.3' };
  assert.match(await refusal(edge, 'play', third, 'third'), /2 streams/);
  assert.equal((await fetch(url(edge, 'http', 'second'))).status, 429);
  const { client: id } = await edge.logged(
    ({ msg, stream: name }) => msg === 'play' && name === `__defaultVhost__/live/${stream}`,
  );
  first.end();
  await edge.logged(({ msg, client }) => msg === 'client gone' && client === id);
  const again = await RtmpPeer.player({ port: edge.port(), ...third }, stream);
  again.end();
  assert.equal(await refusedFor(edge, 'clients_per_address'), 1);
});

test(
  'a publisher that sends too much, and one that nobody watches, must go and are told why',
  testOptions,
  async (t) => {
    const edge = await scene(t, 'edge { limits { publisher_kbps 8; } }');
    const source = await publisher(t, edge);
    for (let time = 0; time < 40_000; time += 1_000) source.send(...clip({ startMs: time }));
    assert.match((await source.status('NetStream.Publish.Rejected')).description, /publisher_kbps 8/);
    assert.equal(await refusedFor(edge, 'publisher_kbps'), 1);

    await reload(
      edge,
      configWith('').replace('vhost __defaultVhost__ {', 'vhost __defaultVhost__ { publish { kickoff_for_idle 1; }'),
    );
    const idle = await publisher(t, edge);
    assert.match((await idle.status('NetStream.Publish.Rejected')).description, /kickoff_for_idle 1 s/);
  },
);
