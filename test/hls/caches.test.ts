/**
 * nginx as the operator renders it, and Apache Traffic Server and squid by the examples in crds/hls: the real programs in
 * front of two real origins of HLS, which one publisher feeds.
 */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeClip, publishToAll } from '../support/ffmpeg.ts';
import { HlsOrigin } from '../support/hls-origin.ts';
import { ask, HlsPlayer, parsePlaylist } from '../support/hls-players.ts';
import {
  cacheMissing,
  type HttpCache,
  type StartCache,
  startNginxCache,
  startSquid,
  startTrafficServer,
} from '../support/http-caches.ts';
import { nginxMissing } from '../support/nginx.ts';
import { type Cleaner, temporaryDirectory } from '../support/programs.ts';

interface Row {
  readonly name: string;
  readonly command: string;
  readonly start: StartCache;
  readonly players: number;
  /** How often the origin is asked for one segment at most, on average. */
  readonly fetches: number;
  /** How many segments of a player come late at most when an origin is killed. */
  readonly late: number;
  /** What origins say; squid keeps nothing of which they say no-cache. */
  readonly cacheControl: string;
}

const rows: readonly Row[] = [
  {
    name: 'nginx',
    command: 'nginx',
    start: startNginxCache,
    players: 200,
    fetches: 1,
    late: 1,
    cacheControl: 'no-cache',
  },
  {
    ...{ name: 'Traffic Server', command: 'traffic_server', start: startTrafficServer },
    ...{ players: 200, fetches: 1, late: 1, cacheControl: 'no-cache' },
  },
  // It does not gather all who wait (see crds/hls/README.md): 28 were seen. Without a cache it would be each player, 60.
  { name: 'squid', command: 'squid', start: startSquid, players: 60, fetches: 40, late: 3, cacheControl: '' },
];

for (const row of rows) {
  describe(`${row.name} as a cache of HLS`, {
    skip: nginxMissing() || cacheMissing(row.command),
  }, () => {
    const cleans: (() => Promise<void> | void)[] = [];
    const cleaner: Cleaner = { after: (clean) => void cleans.push(clean) };
    let a: HlsOrigin;
    let b: HlsOrigin;
    let cache: HttpCache;
    let url: string;
    before(async () => {
      a = await HlsOrigin.start(cleaner, undefined, row.cacheControl);
      b = await HlsOrigin.start(cleaner, undefined, row.cacheControl);
      const clip = makeClip(temporaryDirectory(cleaner), 'clip', { seconds: 8, gop: 25, width: 160, height: 90 });
      publishToAll(cleaner, clip, [a.rtmp('demo'), b.rtmp('demo')], { loop: true });
      cache = await row.start(cleaner, [a.http, b.http]);
      url = `${cache.url}/live/demo.m3u8`;
      while ((await segmentsOf(url)) < 4) await delay(200);
    });
    after(async () => {
      for (const clean of cleans.reverse()) await clean();
    });

    it('keeps a 404 for a moment', async () => {
      const missing = `${cache.url}/live/none.m3u8`;
      const answers = await Promise.all(Array.from({ length: 10 }, () => ask(missing)));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([404]));
      const asked = [...a.requests, ...b.requests].filter(({ path }) => path === '/live/none.m3u8');
      assert.ok(asked.length <= 4, `${asked.length} requests`);
    });

    it('asks the origin once for many players, and another origin when that is killed', async (t) => {
      const players = Array.from({ length: row.players }, () => new HlsPlayer(url));
      t.after(() => Promise.all(players.map((player) => player.stop())));
      await until(players, 5);
      const counts = new Map<string, number>();
      for (const { path } of a.requests) if (path.endsWith('.ts')) counts.set(path, (counts.get(path) ?? 0) + 1);
      assert.ok(counts.size >= 5);
      const fetches = [...counts.values()].reduce((total, count) => total + count, 0);
      assert.ok(fetches <= row.fetches * counts.size, JSON.stringify([...counts]));
      assert.equal(b.requests.filter(({ path }) => path.endsWith('.ts')).length, 0);
      await a.program.kill();
      const reached = players[0]!.sequences.length;
      await until(players, reached + 6);
      await Promise.all(players.map((player) => player.stop()));
      for (const { late, sequences } of players) {
        assert.ok(late <= row.late, `${late} segments were late`);
        // None is missing.
        assert.deepEqual(
          sequences,
          sequences.map((_, index) => sequences[0]! + index),
        );
      }
      assert.ok(b.requests.some(({ path }) => path.endsWith('.ts')));
    });
  });
}

async function segmentsOf(url: string): Promise<number> {
  const { status, body } = await ask(url).catch(() => ({ status: 0, body: Buffer.alloc(0) }));
  return status === 200 ? parsePlaylist(body.toString()).segments.length : 0;
}

/** Until each has so many segments. */
async function until(players: readonly HlsPlayer[], segments: number): Promise<void> {
  while (players.some(({ sequences }) => sequences.length < segments)) await delay(100);
}
