/** Pulls by HTTP-FLV from servers of other makes: SRS, where it has been built, and ours behind nginx as a proxy. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capture, makeClip, publishToAll } from '../support/ffmpeg.ts';
import { HookServer } from '../support/hook-server.ts';
import { clip } from '../support/media.ts';
import { startNginxProxy } from '../support/nginx-proxy.ts';
import { missing, temporaryDirectory } from '../support/programs.ts';
import { describePayloads, type FlvTag, isFrame, readFlv } from '../support/programs-flv.ts';
import { edgeConfig, originConfig } from '../support/rtmp-config.ts';
import { player, publisher, startEdge, stream } from '../support/rtmp-scene.ts';
import { SrsOrigin, srsMissing } from '../support/srs.ts';

const testOptions = { timeout: 60_000 };
const served = {
  root: 'http_server { enabled on; listen 127.0.0.1:0; dir /nonexistent; }',
  vhost: 'http_remux { enabled on; }',
};

test('SRS: what it refuses, what it does not have, and the next one when it is killed', {
  ...testOptions,
  skip: srsMissing() || missing('ffmpeg'),
}, async (t) => {
  const hooks = await HookServer.start(t);
  const vhost = `play { time_jitter off; } http_hooks { enabled on; on_play ${hooks.url}; }`;
  const [first, second] = [await SrsOrigin.start(t, vhost), await SrsOrigin.start(t, vhost)];
  const edge = await startEdge(
    t,
    edgeConfig({
      ...served,
      origins: [first.httpPort, second.httpPort],
      cluster: 'protocol flv;',
      play: 'time_jitter off;',
      edge: 'balance failover; request_timeout 10000; http_first_frame_timeout 3000;',
    }),
  );
  const file = makeClip(temporaryDirectory(t), 'clip', { seconds: 30, gop: 100 });
  publishToAll(
    t,
    file,
    [first, second].map(({ port }) => `rtmp://127.0.0.1:${port}/live/${stream}`),
  );
  const url = `http://127.0.0.1:${edge.port('http')}/live`;
  assert.equal((await fetch(`${url}/${stream}.flv?token=bad`)).status, 403);
  assert.equal((await fetch(`${url}/nowhere.flv`)).status, 404);
  assert.ok(!edge.log.some(({ msg, state }) => msg === 'origin state' && state === 'down'));

  const watched = capture(t, edge.rtmp(`live/${stream}?token=good`));
  await watched.frames(40);
  await first.program.kill();
  const { origin } = await edge.logged(({ msg }) => msg === 'pull switched');
  assert.equal(origin, `http://127.0.0.1:${second.httpPort}`);
  const before = watched.tags.length;
  const played = await watched.until((tags) => tags.length > before + 60);
  for (const type of [8, 9]) {
    const ofType = (tags: readonly FlvTag[]): string[] =>
      describePayloads(tags.filter((tag) => tag.type === type && isFrame(tag)));
    const [got, sent] = [ofType(played), ofType(readFlv(file))];
    const from = sent.indexOf(got[0] ?? '');
    assert.deepEqual(got, sent.slice(from, from + got.length), 'no frame is missing or comes twice');
  }
});

test('nginx as a proxy: the stream, a refusal, a name that is nowhere, and an origin that is gone', {
  ...testOptions,
  skip: missing('nginx'),
}, async (t) => {
  const hooks = await HookServer.start(t);
  const config = originConfig({
    ...served,
    vhost: `${served.vhost} http_hooks { enabled on; on_play ${hooks.url}; } edge { http_first_frame_timeout 300; }`,
  });
  const origin = await startEdge(t, config);
  const port = await startNginxProxy(
    t,
    `location /live/ { proxy_pass http://127.0.0.1:${origin.port('http')}; }
     location /moved/ { return 302 http://$http_host/live/${stream}.flv?token=other; }`,
  );
  const edge = await startEdge(
    t,
    edgeConfig({
      ...served,
      origins: [port],
      cluster: 'protocol flv;',
      edge: 'stall_timeout 5000; http_first_frame_timeout 3000;',
    }),
  );
  (await publisher(t, origin)).send(...clip());
  await (await player(t, edge, `${stream}?token=good`)).frames(13);
  const url = `http://127.0.0.1:${edge.port('http')}`;
  assert.equal((await fetch(`${url}/live/another.flv?token=bad`)).status, 403);
  assert.equal((await fetch(`${url}/live/nowhere.flv`)).status, 404);
  const abort = new AbortController();
  assert.equal((await fetch(`${url}/moved/it.flv`, { signal: abort.signal })).status, 200);
  abort.abort();
  assert.ok(!edge.log.some(({ msg, state }) => msg === 'origin state' && state === 'down'));
  // nginx ends the answer as if the stream were over; what it says to the next request is the truth.
  await origin.kill();
  await edge.logged(({ msg }) => msg === 'pull lost');
  await edge.logged(({ msg, err }) => msg === 'pull failed' && /status 502/.test((err as { reason: string }).reason));
});
