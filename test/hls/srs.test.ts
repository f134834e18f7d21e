/** SRS as the origin, where SRS_BIN says where it is: it numbers the sessions of its players in URLs. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeClip, publishFile } from '../support/ffmpeg.ts';
import { ask, parsePlaylist } from '../support/hls-players.ts';
import { startNginxCache } from '../support/http-caches.ts';
import { nginxMissing, untilListening } from '../support/nginx.ts';
import { freePort, Program, temporaryDirectory } from '../support/programs.ts';

const srs = process.env.SRS_BIN;
const skip = srs === undefined ? 'SRS_BIN is not set' : nginxMissing();

test('a session that began at one cache goes on at another', { skip, timeout: 60_000 }, async (t) => {
  const directory = temporaryDirectory(t);
  const [rtmp, http] = [await freePort(), await freePort()];
  const file = join(directory, 'srs.conf');
  writeFileSync(
    file,
    `listen 127.0.0.1:${rtmp}; max_connections 100; daemon off; srs_log_tank console; pid ${directory}/srs.pid;
http_server { enabled on; listen 127.0.0.1:${http}; dir ${directory}; }
vhost __defaultVhost__ { hls { enabled on; hls_fragment 1; hls_window 20; hls_path ${directory}; hls_ts_file [app]/[stream]-[timestamp].ts; } }
`,
  );
  // SRS looks for its files beside objs/.
  const program = new Program(t, 'env', ['-C', join(dirname(srs ?? ''), '..'), srs ?? '', '-c', file]);
  await untilListening(rtmp, program);
  const clip = makeClip(directory, 'clip', { seconds: 8, gop: 25, width: 160, height: 90 });
  publishFile(t, clip, `rtmp://127.0.0.1:${rtmp}/live/demo`, { loop: true });
  const origin = `127.0.0.1:${http}`;
  const [one, other] = [await startNginxCache(t, [origin]), await startNginxCache(t, [origin])];
  const path = '/live/demo.m3u8';
  // SRS has no playlist before its first segment.
  let sessions = await ask(one.url + path);
  while (sessions.status !== 200 || parsePlaylist(`${sessions.body}`).segments.length === 0) {
    await delay(200);
    sessions = await ask(one.url + path);
  }
  const [session = ''] = parsePlaylist(`${sessions.body}`).segments;
  assert.match(session, /\?hls_ctx=/);
  const playlist = await ask(new URL(session, other.url + path).href);
  const [segment = ''] = parsePlaylist(`${playlist.body}`).segments;
  assert.match(segment, /\.ts/);
  assert.equal((await ask(new URL(segment, one.url + path).href)).status, 200);
  // Whoever comes with another session gets the same playlist, and the origin is not asked.
  const again = await ask(`${other.url}${path}?hls_ctx=another`);
  assert.equal(`${again.body}`.includes('.ts'), true);
});
