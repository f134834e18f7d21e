/**
 * nginx with its RTMP module as an origin of another make: pulled from, pushed to, and in one list with an origin of
 * ours, where either takes over from the other.
 */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { EdgeProcess } from '../support/edge-process.ts';
import { capture, makeClip, publishFile, publishToAll } from '../support/ffmpeg.ts';
import { NginxOrigin, nginxMissing } from '../support/nginx.ts';
import { missing, suiteCleaner, temporaryDirectory } from '../support/programs.ts';
import { describePayloads, describeTags, type FlvTag, isFrame, readFlv } from '../support/programs-flv.ts';
import { startEdge, startOrigin } from './cluster.ts';

describe('nginx', { skip: nginxMissing() || missing('ffmpeg'), concurrency: true }, () => {
  const suite = suiteCleaner();
  let clip: string;
  let source: FlvTag[];
  let nginx: NginxOrigin;
  let edge: EdgeProcess;

  before(async () => {
    clip = makeClip(temporaryDirectory(suite), 'clip', { seconds: 6 });
    source = readFlv(clip).filter(isFrame);
    nginx = await NginxOrigin.start(suite);
    edge = await startEdge(suite, [nginx]);
  });

  /** What has been played of each track is a piece of what was published: nothing twice, nothing missing within. */
  function assertUnbroken(played: readonly FlvTag[]): void {
    for (const type of [8, 9]) {
      const lines = describePayloads(played.filter((tag) => tag.type === type && isFrame(tag)));
      const all = describePayloads(source.filter((tag) => tag.type === type));
      const from = all.indexOf(lines[0] ?? '');
      assert(from >= 0, 'begins with a published frame');
      assert.deepEqual(lines, all.slice(from, from + lines.length));
    }
  }

  it('is pulled from: what comes out of the edge is what nginx was sent', async (t) => {
    publishFile(t, clip, nginx.rtmp('live/pulled'), { loop: true });
    const player = capture(t, edge.rtmp('live/pulled'));
    await edge.logged(({ msg, stream }) => msg === 'pull live' && String(stream).endsWith('/pulled'));
    const played = await player.frames(60);
    assertUnbroken(played);
  });

  it('is pushed to: what nginx gives its own players is what the edge was sent', async (t) => {
    const player = capture(t, nginx.rtmp('live/pushed'));
    publishFile(t, clip, edge.rtmp('live/pushed'));
    await edge.logged(({ msg, stream }) => msg === 'push live' && String(stream).endsWith('/pushed'));
    const played = await player.frames(60);
    assertUnbroken(played);
  });

  it('refuses a stream that nobody publishes, and the player gets it as soon as somebody does', async (t) => {
    const player = capture(t, edge.rtmp('strict/late'));
    await edge.logged(({ msg, stream }) => msg === 'play' && String(stream).endsWith('/late'));
    publishFile(t, clip, nginx.rtmp('strict/late'), { loop: true });
    await player.frames(20);
  });

  it('ends while a player watches: an origin of ours that keeps the publisher’s clock goes on, not a frame missing or twice', async (t) => {
    const [foreign, ours] = [await NginxOrigin.start(t), await startOrigin(t, { vhost: 'play { atc on; }' })];
    const both = await startEdge(t, [foreign, ours]);
    publishToAll(t, clip, [foreign.rtmp('live/cam'), ours.rtmp('live/cam')]);
    await ours.logged(({ msg }) => msg === 'publish');
    const player = capture(t, both.rtmp('live/cam'));
    await player.frames(40);
    await foreign.program.kill();
    const line = await both.logged(({ msg }) => msg === 'pull switched');
    assert.equal(line.origin, `127.0.0.1:${ours.port()}`);
    const before = player.tags.length;
    const played = await player.until((tags) => tags.length > before + 40);
    assert(player.program.running);
    assertContinuous(played);
    assertUnbroken(played);
  });

  it('takes over when an origin of ours ends: the player goes on at a key frame', async (t) => {
    const [foreign, ours] = [await NginxOrigin.start(t), await startOrigin(t)];
    const both = await startEdge(t, [ours, foreign]);
    publishToAll(t, clip, [foreign.rtmp('live/cam'), ours.rtmp('live/cam')]);
    await ours.logged(({ msg }) => msg === 'publish');
    const player = capture(t, both.rtmp('live/cam'));
    await player.frames(40);
    await ours.kill();
    const line = await both.logged(({ msg }) => msg === 'pull switched');
    assert.equal(line.origin, `127.0.0.1:${foreign.port}`);
    const before = player.tags.length;
    const played = await player.until((tags) => tags.length > before + 40);
    assert(player.program.running);
    assertContinuous(played);
    const payloads = describePayloads(played.filter(isFrame));
    assert.equal(new Set(payloads).size, payloads.length, 'no frame comes twice');
  });

  for (const [title, order] of [
    ['to ours when nginx ends', ['nginx', 'ours']],
    ['to nginx when ours ends', ['ours', 'nginx']],
  ] as const) {
    it(`keeps a publisher that goes over ${title}`, async (t) => {
      const origins = { nginx: await NginxOrigin.start(t), ours: await startOrigin(t) };
      const [first, second] = order;
      const both = await startEdge(t, [origins[first], origins[second]]);
      const publisher = publishFile(t, clip, both.rtmp('live/cam'));
      const player = capture(t, both.rtmp('live/cam'));
      await player.frames(30);
      const since = both.log.length;
      await (first === 'nginx' ? origins.nginx.program.kill() : origins.ours.kill());
      await both.logged(({ msg }) => msg === 'push live', since);
      const direct = capture(t, origins[second].rtmp('live/cam'));
      await direct.frames(20);
      const before = player.tags.length;
      const played = await player.until((tags) => tags.length > before + 20);
      assert(publisher.running && player.program.running);
      assertContinuous(played);
    });
  }
});

/** Time never runs backwards within a track, and never leaps. */
function assertContinuous(tags: readonly FlvTag[]): void {
  for (const type of [8, 9]) {
    const times = tags.filter((tag) => tag.type === type && isFrame(tag)).map(({ timestamp }) => timestamp);
    for (const [index, time] of times.entries()) {
      const step = time - (times[index - 1] ?? time);
      assert(step >= 0 && step <= 500, `${step} ms between frames:\n${describeTags(tags).join('\n')}`);
    }
  }
}
