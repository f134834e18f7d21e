/**
 * Names of streams in all spellings, by RTMP and HTTP: callbacks are asked about the very stream that is played, and
 * the origin is asked for no other.
 */

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { resolveStreamUrl } from '../../edge/rtmp/url.ts';
import { HookServer } from '../support/hook-server.ts';
import { clip } from '../support/media.ts';
import { edgeConfig, originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { publisher, startEdge, startOrigin, testOptions } from '../support/rtmp-scene.ts';

const http = { root: 'http_server { enabled on; listen 127.0.0.1:0; }', vhost: 'http_remux { enabled on; }' };

type Spelling = { readonly app?: string; readonly tcUrl?: string; readonly stream: string } | { readonly path: string };

/** What is asked for, and how it may be spelt. */
const names: readonly [name: string, spellings: readonly Spelling[]][] = [
  [
    'live/private/cam',
    [
      { app: 'live/private', stream: 'cam' },
      { app: 'live', stream: 'private/cam' },
      { app: 'live', stream: 'private%2Fcam' },
      { app: 'live', stream: 'private%252fcam' },
      { app: 'live%2Fprivate', stream: 'cam' },
      { app: '/live//private/', stream: '/cam\0' },
      { app: '', tcUrl: 'rtmp://HOST/live/private/cam', stream: '' },
      { app: 'live/private', tcUrl: 'rtmp://HOST', stream: 'cam?vhost=nowhere.test' },
      { app: 'live/private', tcUrl: '', stream: 'cam' },
      { path: '/live/private/cam.flv' },
      { path: '/live/private%2Fcam.flv' },
      { path: '/live%2Fprivate/cam.flv' },
      { path: '/live%252Fprivate/cam.flv' },
      { path: '/live//private/cam%00.flv' },
      { path: '/live/private/cam.flv?vhost=nowhere.test' },
    ],
  ],
  ['tenant-1/live/0/cam', [{ app: 'tenant-1/live/0', stream: 'cam' }, { path: '/tenant-1/live/0/cam.flv' }]],
  [
    '__defaultApp__/cam',
    [
      { tcUrl: 'rtmp://HOST/cam', app: 'cam', stream: '' },
      { tcUrl: 'rtmp://HOST/', app: '', stream: 'cam' },
      { tcUrl: 'rtmp://HOST', app: '', stream: 'cam?k=v' },
      { path: '/__defaultApp__/cam.flv' },
    ],
  ],
  [
    'live/mycaf\u00e9',
    [
      { app: 'live', stream: 'my caf\u00e9' },
      { app: 'live', stream: 'my%20cafe\u0301' },
      { app: 'live', stream: 'my%20caf%C3%A9' },
      { path: '/live/my%20caf%C3%A9.flv' },
      { path: '/live/my%20cafe%CC%81.flv' },
    ],
  ],
];

test('callback, edge and origin mean one stream, whatever the spelling', testOptions, async (t) => {
  const hooks = await HookServer.start(t);
  const origin = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
  const edge = await startEdge(
    t,
    edgeConfig({ ...http, vhost: `${http.vhost} ${hooks.block}`, origins: [origin.port], edge: 'linger 0;' }),
  );
  for (const [name, spellings] of names) {
    for (const spelling of spellings) {
      const title = JSON.stringify(spelling);
      hooks.calls.length = 0;
      origin.connections.length = 0;
      const since = edge.log.length;
      if ('path' in spelling) {
        const gone = new AbortController();
        const { status } = await fetch(`http://127.0.0.1:${edge.port('http')}${spelling.path}`, {
          signal: gone.signal,
        });
        assert.equal(status, 200, title);
        gone.abort();
      } else {
        const { stream, tcUrl } = spelling;
        const host = `127.0.0.1:${edge.port()}`;
        const sent = tcUrl === undefined ? {} : { tcUrl: tcUrl.replace('HOST', host) };
        const peer = await RtmpPeer.player({ port: edge.port(), ...spelling, ...sent }, stream);
        await peer.frames(1);
        peer.end();
      }
      const asked = hooks.calls.find(({ action }) => action === 'on_play');
      assert.equal(`${asked?.app}/${asked?.stream}`, name, title);
      const entered = hooks.calls.findLast(({ action }) => action === 'on_connect');
      if (!('path' in spelling)) assert.equal(entered?.app, asked?.app, title);
      const { tcUrl = '', app = '' } = origin.connections[0]?.connectCommand ?? {};
      const wanted = resolveStreamUrl({ tcUrl, app, stream: origin.connections[0]?.stream });
      assert.deepEqual([wanted.vhost, `${wanted.app}/${wanted.stream}`], ['127.0.0.1', name], title);
      await edge.logged(({ msg, stream }) => msg === 'client gone' && stream === `__defaultVhost__/${name}`, since);
    }
  }
});

test('what a callback refuses is refused in every spelling, to play and to publish', testOptions, async (t) => {
  const hooks = await HookServer.start(t);
  hooks.refuses = ({ action, app, stream }) =>
    (action === 'on_play' || action === 'on_publish') && `${app}/${stream}` === 'live/private/cam';
  const edge = await startEdge(t, originConfig({ ...http, vhost: `${http.vhost} ${hooks.block}` }));
  for (const spelling of names[0]?.[1] ?? []) {
    const title = JSON.stringify(spelling);
    if ('path' in spelling) {
      const { status } = await fetch(`http://127.0.0.1:${edge.port('http')}${spelling.path}`);
      assert.equal(status, 403, title);
      continue;
    }
    const { stream, tcUrl } = spelling;
    const sent = tcUrl === undefined ? {} : { tcUrl: tcUrl.replace('HOST', `127.0.0.1:${edge.port()}`) };
    for (const [ask, code] of [
      ['play', 'NetStream.Play.Failed'],
      ['publish', 'NetStream.Publish.Rejected'],
    ] as const) {
      const peer = await RtmpPeer.connect({ port: edge.port(), ...spelling, ...sent });
      peer[ask](stream);
      await peer.status(code);
      await peer.untilClosed();
    }
  }
});

test('an application that a callback refused is not entered by the name of a stream', testOptions, async (t) => {
  const hooks = await HookServer.start(t);
  hooks.refuses = ({ action, app }) => action === 'on_connect' && app === 'live/private';
  const edge = await startEdge(t, originConfig({ vhost: hooks.block }));
  for (const ask of ['play', 'publish'] as const) {
    const peer = await RtmpPeer.connect({ port: edge.port() });
    peer[ask]('private/cam');
    await peer.status('NetConnection.Connect.Rejected');
    await peer.untilClosed();
  }
});

test('published by RTMP in one spelling, played by HTTP in another', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig(http));
  for (const [name, stream, path] of [
    ['spaces', 'my cam', '/live/my%20cam.flv'],
    ['several levels', 'show/0/cam', '/live/show/0/cam.flv'],
    ['UTF-8', '\u30ab\u30e1\u30e9', `/live/${encodeURIComponent('\u30ab\u30e1\u30e9')}.flv`],
  ] as const) {
    (await publisher(t, edge, stream)).send(...clip());
    const gone = new AbortController();
    const { status } = await fetch(`http://127.0.0.1:${edge.port('http')}${path}`, { signal: gone.signal });
    assert.equal(status, 200, name);
    gone.abort();
  }
});

test('names that servers would read in different ways are refused with a status', testOptions, async (t) => {
  const edge = await startEdge(t, originConfig(http));
  const bad = ['../private/cam', 'a%3Fvhost=other.test', 'a%23b', 'a\u0001b', 'caf%E9', 'x'.repeat(600)];
  for (const stream of bad) {
    for (const ask of ['play', 'publish'] as const) {
      const peer = await RtmpPeer.connect({ port: edge.port() });
      peer[ask](stream);
      const { description } = await peer.status('NetConnection.Connect.Rejected');
      assert.ok(description.length < 300, description);
      await peer.untilClosed();
    }
  }
  for (const path of ['..%2Fprivate%2Fcam', 'a%3Fvhost=other.test', 'a%23b', 'a%01b', 'caf%E9', 'x'.repeat(600)]) {
    const answer = await fetch(`http://127.0.0.1:${edge.port('http')}/live/${path}.flv`);
    assert.equal(answer.status, 400, path);
  }
  const tooLong = await fetch(`http://127.0.0.1:${edge.port('http')}/live/a.flv?token=${'x'.repeat(5000)}`);
  assert.equal(tooLong.status, 400);
});

test('a tcUrl or a name that is far too long reaches neither log nor origin', testOptions, async (t) => {
  const origin = await startOrigin(t);
  const early = { cluster: 'token_traverse on;', edge: 'on_connect_at connect;' };
  const edge = await startEdge(t, edgeConfig({ origins: [origin.port], ...early }));
  // The first fits into a message of a client that has not yet been let in; the second ends the connection.
  for (const long of ['x'.repeat(9_000), 'x'.repeat(1_000_000)]) {
    const isAnswered = long.length < 10_000;
    for (const options of [
      { tcUrl: `rtmp://127.0.0.1/${long}` },
      { tcUrl: `rtmp://${long}/live` },
      { tcUrl: `rtmp://127.0.0.1/live?token=${long}` },
      { tcUrl: '', app: long },
      { properties: { pageUrl: long } },
      { args: [{ srs_pid: long, srs_id: 1 }] },
    ]) {
      const peer = await RtmpPeer.open({ port: edge.port(), ...options });
      t.after(() => peer.reset());
      peer.sendConnect();
      if (!isAnswered) await peer.untilClosed();
      else {
        const answer = await peer.command('an answer', ({ kind }) => kind === 'result' || kind === 'error');
        assert.equal(answer.kind, 'properties' in options || 'args' in options ? 'result' : 'error');
      }
    }
  }
  assert.equal(origin.connections.length, 2);
  const { pageUrl, tcUrl = '' } = origin.connections[0]?.connectCommand ?? {};
  assert.equal(pageUrl?.length, 1024);
  assert.ok(tcUrl.length < 100);
  for (const line of edge.log) assert.ok(JSON.stringify(line).length < 4_000, line.msg);
});

test('a host in capitals is the vhost', testOptions, async (t) => {
  const config = `${originConfig(http).replace('__defaultVhost__', 'Video.Test')} vhost __defaultVhost__ { }`;
  const edge = await startEdge(t, config);
  const tcUrl = 'rtmp://VIDEO.test/live';
  const peer = await RtmpPeer.publisher({ port: edge.port(), tcUrl }, 'cam');
  t.after(() => peer.reset());
  peer.send(...clip());
  const socket = connect(edge.port('http'), '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write('GET /live/cam.flv HTTP/1.1\r\nHost: vIdEo.test.:8080\r\n\r\n');
  const answer = await new Promise<string>((resolve) =>
    socket.once('data', (bytes) => resolve(bytes.toString('latin1'))),
  );
  assert.match(answer, /^HTTP\/1\.1 200 /);
});
