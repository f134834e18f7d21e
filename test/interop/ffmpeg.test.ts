/**
 * FFmpeg as publisher and player, through origins and edges: what comes out is what went in. A player of FFmpeg's
 * holds its last frames back, because a live stream has no end: they are left out here and not in rtmpdump's test.
 */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { EdgeProcess } from '../support/edge-process.ts';
import { capture, decode, makeClip, probe, publishFile } from '../support/ffmpeg.ts';
import { missing, suiteCleaner, temporaryDirectory } from '../support/programs.ts';
import {
  describePayloads,
  describeTags,
  type FlvTag,
  isFrame,
  isKeyframe,
  isMedia,
  isSequenceHeader,
  isVideo,
  readFlv,
} from '../support/programs-flv.ts';
import { askedToPlay, askedToPublish, startChain, writings } from './cluster.ts';

describe('ffmpeg', { skip: missing('ffmpeg', 'ffprobe'), concurrency: true }, () => {
  const suite = suiteCleaner();
  let clip: string;
  let headers: FlvTag[];
  /** All frames but those that a player holds back. */
  let frames: FlvTag[];
  let otherClip: string;
  let origin: EdgeProcess;
  let upper: EdgeProcess;
  let lower: EdgeProcess;

  before(async () => {
    const directory = temporaryDirectory(suite);
    clip = makeClip(directory, 'clip');
    const source = readFlv(clip).filter(isMedia);
    headers = source.filter(isSequenceHeader);
    frames = source.filter(isFrame).slice(0, -12);
    otherClip = makeClip(directory, 'other', { width: 480, height: 272, tone: 880, seconds: 2 });
    ({ origin, upper, lower } = await startChain(suite));
  });

  function assertExact(played: readonly FlvTag[]): void {
    const playedFrames = played.filter(isFrame).slice(0, frames.length);
    assert.deepEqual(describeTags(playedFrames), describeTags(frames));
    const playedHeaders = played.filter(isMedia).filter(isSequenceHeader);
    assert.deepEqual(describePayloads(playedHeaders), describePayloads(headers));
  }

  for (const { title, query } of writings) {
    it(`plays through one edge and through two exactly what was published: ${title}`, async (t) => {
      const url = `live/exact${query}`;
      const players = [upper, lower].map((server) => capture(t, server.rtmp(url)));
      await Promise.all([upper, lower, origin].map((server) => askedToPlay(server, 'exact', query)));
      publishFile(t, clip, origin.rtmp(url), { speed: 2 });
      for (const player of players) assertExact(await player.frames(frames.length));
    });
  }

  it('publishes through an edge, and the origin has every frame', async (t) => {
    const player = capture(t, origin.rtmp('live/pushed'));
    await askedToPlay(origin, 'pushed');
    publishFile(t, clip, lower.rtmp('live/pushed'), { speed: 2 });
    assertExact(await player.frames(frames.length));
  });

  it('joins in the middle at a key frame and decodes without an error', async (t) => {
    publishFile(t, clip, lower.rtmp('live/joined'), { loop: true });
    await askedToPublish(origin, 'joined');
    const player = capture(t, lower.rtmp('live/joined'));
    const played = await player.frames(50);
    const first = played.filter(isVideo).find(isFrame);
    assert(first !== undefined && isKeyframe(first));
    await decode(t, lower.rtmp('live/joined'), 25).success();
  });

  it('gives players a publisher that comes back with another picture its new parameters', async (t) => {
    const player = capture(t, lower.rtmp('live/again'));
    await askedToPlay(origin, 'again');
    await publishFile(t, clip, origin.rtmp('live/again'), { speed: 3 }).success();
    const since = origin.log.length;
    publishFile(t, otherClip, origin.rtmp('live/again'), { loop: true });
    await askedToPublish(origin, 'again', since);

    const newHeader = readFlv(otherClip).filter(isVideo).find(isSequenceHeader)?.payload;
    assert(newHeader !== undefined);
    const isNew = ({ payload }: FlvTag): boolean => payload.equals(newHeader);
    const tags = await player.until((all) => {
      const at = all.findIndex(isNew);
      return at >= 0 && all.slice(at).some((tag) => isVideo(tag) && isFrame(tag));
    });
    const behind = tags.slice(tags.findIndex(isNew) + 1).find((tag) => isVideo(tag) && isFrame(tag));
    assert(behind !== undefined && isKeyframe(behind), 'the new picture begins with its key frame');

    const [late] = (await probe(t, lower.rtmp('live/again'))).filter(({ kind }) => kind === 'video');
    assert.deepEqual([late?.width, late?.height], [480, 272]);
  });

  it('may publish one short clip again and again: players get it every time', async (t) => {
    const file = makeClip(temporaryDirectory(t), 'short', { seconds: 1, gop: 25 });
    const players = [origin, lower].map((server) => capture(t, server.rtmp('live/short')));
    await askedToPlay(origin, 'short');
    const keyframes = (tags: readonly FlvTag[]): number => tags.filter(isKeyframe).length;
    for (let turn = 1; turn <= 3; turn++) {
      await publishFile(t, file, origin.rtmp('live/short')).success();
      await Promise.all(players.map((player) => player.until((tags) => keyframes(tags) >= turn)));
    }
  });

  for (const { title, path, name, param } of [
    { title: '?vhost= behind the app', path: 'live?vhost=quick.test/a1', name: 'quick.test/live/a1' },
    { title: '?vhost= behind the stream', path: 'live/a2?vhost=quick.test', name: 'quick.test/live/a2' },
    { title: '...vhost... in the app', path: 'live...vhost...quick.test/a3', name: 'quick.test/live/a3' },
    { title: 'parameters', path: 'live/a4?token=x', name: '__defaultVhost__/live/a4', param: '?token=x' },
    { title: 'an app of two levels', path: 'live/show/a5', name: '__defaultVhost__/live/show/a5' },
    { title: 'no app', path: 'a6', name: '__defaultVhost__/__defaultApp__/a6' },
    { title: 'an encoded slash and a space', path: 'live%2Fshow/a%207', name: '__defaultVhost__/live/show/a7' },
  ]) {
    it(`publishes and plays with ${title}: the origin is asked for the same`, async (t) => {
      publishFile(t, clip, lower.rtmp(path), { loop: true });
      const published = await origin.logged((line) => line.msg === 'publish' && line.stream === name);
      const player = capture(t, upper.rtmp(path));
      const played = await origin.logged((line) => line.msg === 'play' && line.stream === name);
      await player.frames(10);
      for (const line of [published, played]) assert(String(line.param).includes(param ?? ''), String(line.param));
    });
  }

  it('is told when the name is taken', async (t) => {
    publishFile(t, clip, origin.rtmp('live/taken'), { loop: true });
    await askedToPublish(origin, 'taken');
    const second = publishFile(t, otherClip, lower.rtmp('live/taken'));
    assert.notEqual(await second.exit(), 0);
    assert.match(second.stderr, /being published already/);
  });
});
