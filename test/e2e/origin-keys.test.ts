/** An edge below another one that wants signed URLs: it signs what it asks for with a key of its own. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { EdgeProcess } from '../support/edge-process.ts';
import { FlvOrigin, type FlvScript, flvOf } from '../support/flv-origin.ts';
import { clip } from '../support/media.ts';
import { temporaryDirectory } from '../support/programs.ts';
import { edgeConfig, originConfig } from '../support/rtmp-config.ts';
import type { RtmpOrigin } from '../support/rtmp-origin.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { player, publisher, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';
import { signedQuery } from '../support/signed-query.ts';

const root = 'http_server { enabled on; listen 127.0.0.1:0; dir /nonexistent; }';
const secret = 'a secret of the tier above';

interface Levels {
  /** Takes and gives nothing without a signature. */
  readonly above: EdgeProcess;
  readonly below: EdgeProcess;
  /** Writes the file of the edge below. */
  readonly write: (text: string) => void;
}

interface LevelsOptions {
  readonly keys?: string;
  readonly cluster?: string;
  /** Of the edge below. */
  readonly edge?: string;
  /** Of the edge above, where pulls go by HTTP-FLV. */
  readonly isHttp?: boolean;
}

async function levels(t: TestContext, options: LevelsOptions = {}): Promise<Levels> {
  const { keys = `child:${secret}\n`, cluster = '', edge = '', isHttp = false } = options;
  const directory = temporaryDirectory(t);
  const [theirs, ours] = [join(directory, 'theirs'), join(directory, 'ours')];
  writeFileSync(theirs, `other:another key that is long\nchild:${secret}\n`);
  writeFileSync(ours, keys);
  const token = `edge { token { play on; publish on; keys_file ${theirs}; } }`;
  const above = await startEdge(t, originConfig({ root, vhost: `http_remux { enabled on; } ${token}` }));
  const port = isHttp ? `origin_http_port ${above.port('http')};` : '';
  const config = edgeConfig({
    origins: [above.port()],
    cluster,
    edge: `${edge} ${port} origin_keys_file ${ours};`,
  });
  return { above, below: await startEdge(t, config), write: (text) => writeFileSync(ours, text) };
}

/** By the key that the edge above has for others. */
function query(action: 'play' | 'publish'): string {
  const expires = Math.floor(Date.now() / 1000) + 600;
  const key = { keyId: 'other', secret: 'another key that is long' };
  return `?${signedQuery({ action, path: `/live/${stream}`, ...key, expires })}`;
}

async function refusedPlay(edge: EdgeProcess): Promise<string> {
  const peer = await RtmpPeer.connect({ port: edge.port() });
  peer.play(stream);
  return (await peer.status('NetStream.Play.Failed')).description;
}

describe('an edge with a key for its origins', () => {
  test('publishes and plays there, though its own clients show nothing', testOptions, async (t) => {
    const { above, below } = await levels(t);
    assert.equal(await refusedPlay(above), 'token: the URL has none');
    const source = await publisher(t, below);
    source.send(...clip());
    await above.logged(({ msg }) => msg === 'publish');
    const other = await startEdge(t, edgeConfig({ origins: [above.port()] }));
    assert.match(await refusedPlay(other), /token: the URL has none/);
    const peer = await player(t, below);
    await peer.frames(13);
  });

  test('pulls by HTTP-FLV, too, and other parameters go on', testOptions, async (t) => {
    const { above, below } = await levels(t, { cluster: 'protocol flv;', isHttp: true });
    const source = await RtmpPeer.publisher({ port: above.port() }, stream + query('publish'));
    t.after(() => source.reset());
    source.send(...clip());
    const peer = await player(t, below, `${stream}?room=7`);
    await peer.frames(13);
    const { param } = await above.logged(({ msg }) => msg === 'play');
    assert.match(String(param), /room=7/);
    assert.match(String(param), /kid=child/);
  });

  test('does not hand on what a client has shown', testOptions, async (t) => {
    const { above, below } = await levels(t);
    const source = await RtmpPeer.publisher({ port: above.port() }, stream + query('publish'));
    t.after(() => source.reset());
    source.send(...clip());
    // A signature that is right above would let it in there; one that is wrong would not.
    const peer = await player(t, below, `${stream}${query('play').replace(/sig=./, 'sig=x')}`);
    await peer.frames(13);
  });

  test(
    'is told why by the edge above where its key is not known there, and takes a changed one',
    testOptions,
    async (t) => {
      const { above, below, write } = await levels(t, {
        keys: 'stranger:nobody knows this key\n',
        // What was refused is tried again at once.
        edge: 'token_ttl 1;',
      });
      const source = await RtmpPeer.publisher({ port: above.port() }, stream + query('publish'));
      t.after(() => source.reset());
      source.send(...clip());
      assert.match(await refusedPlay(below), /token: its key \(kid\) is not known here/);
      write(`# the key of this tier\nchild:${secret}\n`);
      for (;;) {
        const peer = await RtmpPeer.connect({ port: below.port() });
        t.after(() => peer.reset());
        peer.play(stream);
        if (
          await Promise.race([peer.frames(13).then(() => true), peer.status('NetStream.Play.Failed').then(() => false)])
        )
          break;
      }
    },
  );

  test('goes on without a signature, and says so, where the file has no key', testOptions, async (t) => {
    const { below } = await levels(t, { keys: '# none yet\n' });
    assert.match(await refusedPlay(below), /token: the URL has none/);
    await below.logged(({ msg }) => msg === 'there is no origin key: origins are asked unsigned');
  });

  test('has no signature for where an origin redirects to, unless that is an origin, too', testOptions, async (t) => {
    const keys = join(temporaryDirectory(t), 'keys');
    writeFileSync(keys, `child:${secret}\n`);
    const stranger = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
    const front: RtmpOrigin = await startOrigin(t, {
      play: (name, connection) => connection.redirect(`rtmp://127.0.0.1:${stranger.port}/live/${name}`),
      publish: (name, connection) => {
        const target = front.asked('publish').length === 1 ? front : stranger;
        connection.redirect(`rtmp://127.0.0.1:${target.port}/live/${name}`);
      },
    });
    const edge = await startEdge(t, edgeConfig({ origins: [front.port], edge: `origin_keys_file ${keys};` }));
    const peer = await player(t, edge, `${stream}?room=7&jwt=x`);
    await peer.frames(13);
    assert.match(front.asked('play')[0]?.stream ?? '', /&sig=.*&room=7$/);
    assert.equal(stranger.asked('play')[0]?.stream, `${stream}?room=7`);
    await publisher(t, edge, 'other?sig=x');
    assert.deepEqual(
      front.asked('publish').map(({ stream }) => stream?.includes('sig=')),
      [true, true],
    );
    assert.equal(stranger.asked('publish')[0]?.stream, 'other');
  });

  for (const status of [302, 307]) {
    test(`by HTTP-FLV as well, where a ${status} names the path and the parameters`, testOptions, async (t) => {
      const keys = join(temporaryDirectory(t), 'keys');
      writeFileSync(keys, `child:${secret}\n`);
      const plays: FlvScript = (response) => response.write(flvOf(clip()));
      const stranger = await FlvOrigin.start(t, plays);
      const another = await FlvOrigin.start(t, plays);
      const front = await FlvOrigin.start(t, (response, { url = '' }) => {
        const Location = url.includes('/far')
          ? `http://127.0.0.1:${stranger.port}${url}`
          : `http://127.0.0.1:${another.port}/moved${url.replace(/\?.*/, '?own=1')}`;
        response.writeHead(status, { Location }).end();
      });
      const edge = await startEdge(
        t,
        edgeConfig({
          root,
          origins: [front.port, another.port],
          cluster: 'protocol flv;',
          edge: `balance failover; origin_keys_file ${keys};`,
        }),
      );
      await (await player(t, edge, 'near?room=7')).frames(13);
      await (await player(t, edge, 'far?room=7')).frames(13);
      for (const { url } of front.asked) assert.match(url, /[?&]kid=child&exp=\d+&ip=&sig=[0-9a-f]{64}&room=7$/);
      const [{ url } = { url: '' }] = another.asked;
      const expires = Number(/exp=(\d+)/.exec(url)?.[1]);
      const query = signedQuery({ action: 'play', path: '/moved/live/near', keyId: 'child', secret, expires });
      assert.equal(url.replace('&ip=&', '&'), `/moved/live/near.flv?${query}&own=1`);
      assert.deepEqual(
        stranger.asked.map((asked) => asked.url),
        ['/live/far.flv?room=7'],
      );
    });
  }
});
