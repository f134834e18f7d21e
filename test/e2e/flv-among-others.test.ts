/** HTTP-FLV beside RTMP: streams that change protocol, clients that are followed, publishers, tokens, TLS. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCertificate } from '../support/certificate.ts';
import { FlvOrigin, flvOf } from '../support/flv-origin.ts';
import { clip } from '../support/media.ts';
import { missing, temporaryDirectory } from '../support/programs.ts';
import { Broadcast } from '../support/rtmp-broadcast.ts';
import { type EdgeOptions, edgeConfig, originConfig } from '../support/rtmp-config.ts';
import { assertTagForTag } from '../support/rtmp-peer.ts';
import { player, publisher, reload, startEdge, startOrigin, stream } from '../support/rtmp-scene.ts';

/** Several processes start, on machines that do other things too. */
const testOptions = { timeout: 60_000 };

const http = 'http_server { enabled on; listen 127.0.0.1:0; dir /nonexistent; }';
const served = { root: http, vhost: 'http_remux { enabled on; }' };

function flvEdge({ cluster = 'protocol flv;', ...options }: EdgeOptions): string {
  return edgeConfig({ ...served, ...options, cluster });
}

test(
  'two origins: one is stopped, the other pulled by RTMP, by HTTP again, then killed: no frame is lost or comes twice',
  testOptions,
  async (t) => {
    const origins = await Promise.all([startEdge(t, originConfig(served)), startEdge(t, originConfig(served))]);
    const [first, second] = origins;
    assert.ok(first !== undefined && second !== undefined);
    const publishers = await Promise.all(origins.map((origin) => publisher(t, origin)));
    const live = new Broadcast(publishers, { framesPerGop: 200 });
    t.after(() => live.stop());
    const named = (protocol: string) =>
      flvEdge({
        origins: origins.map((origin) => origin.port(protocol === 'flv' ? 'http' : 'rtmp')),
        cluster: `protocol ${protocol};`,
        edge: 'first_frame_timeout 60000; balance failover;',
        play: 'time_jitter off;',
      });
    const edge = await startEdge(t, named('flv'));
    const peer = await player(t, edge);
    await peer.frames(40);
    first.signal('SIGSTOP');
    const stopped = await edge.logged(({ msg }) => msg === 'pull switched');
    assert.equal(stopped.origin, `http://127.0.0.1:${second.port('http')}`);
    first.signal('SIGCONT');
    for (const protocol of ['rtmp', 'flv']) {
      const since = edge.log.length;
      await reload(edge, named(protocol));
      await edge.logged(({ msg }) => msg === 'pull switched', since);
      await peer.frames(peer.media.length + 20);
    }
    const since = edge.log.length;
    const used = edge.log.findLast(({ msg }) => msg === 'pull switched')?.origin;
    await (used === `http://127.0.0.1:${first.port('http')}` ? first : second).kill();
    await edge.logged(({ msg }) => msg === 'pull switched', since);
    await peer.frames(peer.media.length + 20);
    live.stop();
    assertTagForTag(peer, live);
  },
);

test(
  'follow_client: what the first player came by counts; publishers are pushed by RTMP always',
  testOptions,
  async (t) => {
    const rtmp = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
    const flv = await FlvOrigin.start(t, (response) => response.write(flvOf(clip())));
    const config = (cluster: string): string =>
      flvEdge({ origins: [rtmp.port], cluster, edge: `origin_http_port ${flv.port};` });
    const edge = await startEdge(t, config('follow_client on;'));
    const abort = new AbortController();
    const response = await fetch(`http://127.0.0.1:${edge.port('http')}/live/one.flv`, { signal: abort.signal });
    assert.equal(response.status, 200);
    await (await player(t, edge, 'one')).frames(13);
    await (await player(t, edge, 'two')).frames(13);
    assert.deepEqual(
      flv.asked.map(({ url }) => url),
      ['/live/one.flv'],
    );
    assert.deepEqual(
      rtmp.asked('play').map(({ stream }) => stream),
      ['two'],
    );
    await reload(edge, config('protocol flv;'));
    (await publisher(t, edge, 'three')).send(...clip());
    await rtmp.request('publish');
    abort.abort();
  },
);

test(
  'token_traverse: each player is shown to the origin by HTTP, though the stream is pulled already',
  testOptions,
  async (t) => {
    const origin = await FlvOrigin.start(t, (response, { url = '' }) => {
      if (url.includes('good')) response.write(flvOf(clip()));
      else response.writeHead(403).end();
    });
    const edge = await startEdge(t, flvEdge({ origins: [origin.port], cluster: 'protocol flv; token_traverse on;' }));
    const abort = new AbortController();
    const play = async (token: string): Promise<number> => {
      const url = `http://127.0.0.1:${edge.port('http')}/live/${stream}.flv?token=${token}`;
      return (await fetch(url, { signal: abort.signal })).status;
    };
    assert.deepEqual([await play('good1'), await play('bad'), await play('good2')], [200, 403, 200]);
    assert.deepEqual(
      origin.asked.map(({ url }) => url.split('=')[1]),
      ['good1', 'bad', 'good2'],
    );
    abort.abort();
  },
);

test('flvs: the certificate is verified', { ...testOptions, skip: missing('openssl') }, async (t) => {
  const { keyFile, certFile } = makeCertificate(temporaryDirectory(t), 'origin.test');
  const https = `https { enabled on; listen 127.0.0.1:0; key ${keyFile}; cert ${certFile}; }`;
  const root = `http_server { enabled on; listen 127.0.0.1:0; dir /nonexistent; ${https} }`;
  const origin = await startEdge(t, originConfig({ ...served, root }));
  const config = (edge: string): string =>
    flvEdge({ origins: [origin.port('https')], cluster: 'protocol flvs;', edge });
  const edge = await startEdge(t, config(`origin_tls_ca_file ${certFile};`));
  // An origin ends publishers that send nothing for some seconds: not before the edge has started.
  (await publisher(t, origin)).send(...clip());
  await (await player(t, edge)).frames(13);
  await reload(edge, config(''));
  await player(t, edge, 'second');
  const { err } = await edge.logged(({ msg }) => msg === 'pull failed');
  assert.match((err as { message: string }).message, /self.signed certificate/);
});
