/** Tokens of a running edge: signed URLs by RTMP, HTTP and WebSocket, through FFmpeg, too; what the log says of them. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { capture, makeClip, publishFile } from '../support/ffmpeg.ts';
import { HookServer } from '../support/hook-server.ts';
import { clip } from '../support/media.ts';
import { missing, temporaryDirectory } from '../support/programs.ts';
import { originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { reload, startEdge, stream, testOptions } from '../support/rtmp-scene.ts';
import { signedQuery } from '../support/signed-query.ts';

const root = 'http_server { enabled on; listen 127.0.0.1:0; dir /nonexistent; }';
const key = { keyId: '1', secret: 'a secret that is long' };
const expires = Math.floor(Date.now() / 1000) + 600;

function query(action: 'play' | 'publish', name = stream, changes: object = {}): string {
  return `?${signedQuery({ action, path: `/live/${name}`, ...key, expires, ...changes })}`;
}

test('only who shows a signature plays and publishes; callbacks are asked after that', testOptions, async (t) => {
  const hooks = await HookServer.start(t);
  const file = join(temporaryDirectory(t), 'keys');
  writeFileSync(file, '1:a secret that is long\n');
  const token = `edge { token { play on; publish on; keys_file ${file}; } }`;
  const edge = await startEdge(t, originConfig({ root, vhost: `${hooks.block} http_remux { enabled on; } ${token}` }));
  const at = { port: edge.port() };
  const refusal = async (ask: 'play' | 'publish', name: string): Promise<string> => {
    const peer = await RtmpPeer.connect(at);
    peer[ask](name);
    const code = ask === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Rejected';
    return (await peer.status(code)).description;
  };
  assert.equal(await refusal('publish', stream), 'token: the URL has none');
  assert.match(await refusal('publish', stream + query('play')), /signature/);
  assert.match(await refusal('publish', stream + query('publish', 'other')), /signature/);
  assert.match(await refusal('play', stream + query('play', stream, { expires: 1_000 })), /expired/);
  assert.match(await refusal('play', stream + query('play', stream, { ip: '127.0.0.2' })), /another address/);
  assert.ok(!hooks.calls.some(({ action }) => action === 'on_play' || action === 'on_publish'));
  const source = await RtmpPeer.publisher(at, stream + query('publish'));
  source.send(...clip());
  const peer = await RtmpPeer.player(at, stream + query('play', stream, { ip: '127.0.0.1' }));
  await peer.frames(13);
  // In tcUrl, as some programs send it.
  const tcUrl = `rtmp://127.0.0.1:${edge.port()}/live${query('play')}`;
  const other = await RtmpPeer.player({ ...at, tcUrl }, stream);
  await other.frames(13);
  const path = `127.0.0.1:${edge.port('http')}/live/${stream}.flv`;
  for (const method of ['GET', 'HEAD']) assert.equal((await fetch(`http://${path}`, { method })).status, 403);
  assert.equal((await fetch(`http://${path}${query('play')}`, { method: 'HEAD' })).status, 200);
  await once(new WebSocket(`ws://${path}`), 'error');
  await once(new WebSocket(`ws://${path}${query('play')}`), 'open');
  // A key that is added counts at once.
  appendFileSync(file, '2:another one that is long\n');
  const rotated = query('play', stream, { keyId: '2', secret: 'another one that is long' });
  for (;;) if ((await fetch(`http://${path}${rotated}`, { method: 'HEAD' })).status === 200) break;
  const lines = JSON.stringify(edge.log);
  assert.match(lines, /sig=\*\*\*/);
  assert.doesNotMatch(lines, /sig=[0-9a-f]/);
  for (const each of [source, peer, other]) each.end();
});

test(
  'a reload that names keys which are not there is refused; keys that are gone let nobody in',
  testOptions,
  async (t) => {
    const directory = temporaryDirectory(t);
    const file = join(directory, 'keys');
    const edge = await startEdge(t, originConfig({ root, vhost: 'http_remux { enabled on; }' }));
    const url = `http://127.0.0.1:${edge.port('http')}/live/${stream}.flv`;
    const head = async (parameters = ''): Promise<number> => (await fetch(url + parameters, { method: 'HEAD' })).status;
    const token = `edge { token { play on; keys_file ${file}; } }`;
    const next = originConfig({ root, vhost: `http_remux { enabled on; } ${token}` });
    edge.configure(next);
    edge.signal('SIGHUP');
    const { reason } = await edge.logged(({ msg }) => msg.startsWith('reload failed'));
    assert.match(String(reason), /the keys in .*keys cannot be read/);
    assert.equal(await head(), 404);
    writeFileSync(file, '1:a secret that is long\n');
    await reload(edge, next);
    assert.equal(await head(), 403);
    assert.equal(await head(query('play')), 404);
    rmSync(file);
    while ((await head(query('play'))) !== 403);
  },
);

test('keys that come after the configuration that names them: it is taken then', testOptions, async (t) => {
  const directory = temporaryDirectory(t);
  const [file, included] = [join(directory, 'keys'), join(directory, 'included.conf')];
  const usual = originConfig({ root: 'inotify_auto_reload on;' });
  const edge = await startEdge(t, usual);
  writeFileSync(included, `edge { token { play on; keys_file ${file}.wrong; } }`);
  edge.configure(originConfig({ root: 'inotify_auto_reload on;', vhost: `include ${included};` }));
  await edge.logged(({ msg, reason }) => msg.startsWith('reload failed') && /keys\.wrong/.test(String(reason)));
  // A file that the configuration in force does not include.
  writeFileSync(included, `edge { token { play on; keys_file ${file}; } }`);
  await edge.logged(({ msg, reason }) => msg.startsWith('reload failed') && /keys cannot/.test(String(reason)));
  writeFileSync(file, '1:a secret that is long\n');
  await edge.logged(({ msg }) => msg === 'configuration changed');
});

test('FFmpeg publishes and plays with signed URLs', { ...testOptions, skip: missing('ffmpeg') }, async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'keys');
  writeFileSync(file, '1:a secret that is long\n');
  const token = `edge { token { play on; publish on; keys_file ${file}; } }`;
  const edge = await startEdge(t, originConfig({ root, vhost: `http_remux { enabled on; } ${token}` }));
  publishFile(t, makeClip(directory, 'clip'), edge.rtmp(`live/${stream}${query('publish')}`), { loop: true });
  await edge.logged(({ msg }) => msg === 'publish');
  const player = capture(t, edge.rtmp(`live/${stream}${query('play')}`));
  await player.frames(10);
});
