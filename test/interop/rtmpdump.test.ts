/**
 * rtmpdump (librtmp) as a player. It writes what it receives as it is, so that whole streams are compared with what
 * was published: every tag, its time and its bytes.
 */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { EdgeProcess } from '../support/edge-process.ts';
import { makeClip, publishFile } from '../support/ffmpeg.ts';
import { type Cleaner, missing, suiteCleaner, temporaryDirectory } from '../support/programs.ts';
import {
  describeTags,
  FlvCapture,
  type FlvTag,
  isFrame,
  isKeyframe,
  isMedia,
  readFlv,
} from '../support/programs-flv.ts';
import { askedToPlay, askedToPublish, startChain, writings } from './cluster.ts';

/** Runs until it is ended. Without stdbuf it would keep its last tags to itself. */
function rtmpdump(cleaner: Cleaner, args: readonly string[]): FlvCapture {
  return new FlvCapture(cleaner, 'stdbuf', ['-o0', 'rtmpdump', '--quiet', '--live', ...args, '--flv', '-']);
}

/** Plays `app/stream`, each with its parameters. */
function dump(cleaner: Cleaner, tcUrl: string, stream: string): FlvCapture {
  const app = tcUrl.split('/').slice(3).join('/');
  return rtmpdump(cleaner, ['--rtmp', tcUrl, '--tcUrl', tcUrl, '--app', app, '--playpath', stream]);
}

describe('rtmpdump', { skip: missing('rtmpdump', 'stdbuf', 'ffmpeg'), concurrency: true }, () => {
  const suite = suiteCleaner();
  let clip: string;
  let source: FlvTag[];
  let origin: EdgeProcess;
  let lower: EdgeProcess;

  before(async () => {
    clip = makeClip(temporaryDirectory(suite), 'clip');
    // librtmp passes over video messages of five bytes or less: the end of sequence, which comes last.
    source = readFlv(clip).filter((tag) => isMedia(tag) && (tag.type === 8 || tag.payload.length > 5));
    ({ origin, lower } = await startChain(suite));
  });

  for (const { title, query } of writings) {
    it(`gets through two edges, tag for tag, what was published: ${title}`, async (t) => {
      const player = dump(t, lower.rtmp('live'), `exact${query}`);
      await askedToPlay(origin, 'exact', query);
      await publishFile(t, clip, origin.rtmp(`live/exact${query}`), { speed: 2 }).success();
      const played = await player.until((tags) => tags.filter(isMedia).length === source.length);
      assert.deepEqual(describeTags(played.filter(isMedia)), describeTags(source));
      const [metadata] = played;
      assert.equal(metadata?.type, 18);
      assert(metadata.payload.includes('onMetaData') && metadata.payload.includes('videocodecid'));
    });

    it(`gets at the origin, tag for tag, what was published through two edges: ${title}`, async (t) => {
      const player = dump(t, origin.rtmp('live'), `pushed${query}`);
      await askedToPlay(origin, 'pushed', query);
      await publishFile(t, clip, lower.rtmp(`live/pushed${query}`), { speed: 2 }).success();
      const played = await player.until((tags) => tags.filter(isMedia).length === source.length);
      assert.deepEqual(describeTags(played.filter(isMedia)), describeTags(source));
    });
  }

  it('joins with the cached GOP: headers, then a key frame, at time zero', async (t) => {
    publishFile(t, clip, lower.rtmp('live/joined'), { loop: true });
    await askedToPublish(origin, 'joined');
    const first = dump(t, lower.rtmp('live'), 'joined');
    await first.frames(30);
    const second = dump(t, lower.rtmp('live'), 'joined');
    const tags = await second.frames(5);
    assert.equal(tags[0]?.timestamp, 0);
    const frame = tags.find((tag) => tag.type === 9 && isFrame(tag));
    assert(frame !== undefined && isKeyframe(frame));
    const headers = source.filter((tag) => isMedia(tag) && !isFrame(tag)).slice(0, 2);
    const firstFrameAt = tags.findIndex(isFrame);
    for (const header of headers) {
      const at = tags.findIndex(({ payload }) => payload.equals(header.payload));
      assert(at >= 0 && at < firstFrameAt, 'sequence headers come before frames');
    }
  });

  // The origin sees which stream an edge asks it for: vhost, app and name, and the parameters behind.
  for (const { title, app, stream, asked, param } of [
    { title: 'parameters', app: 'live', stream: 'p1?token=abc&n=1', asked: 'p1', param: '?token=abc&n=1' },
    { title: 'parameters of the app', app: 'live?token=app', stream: 'p2', asked: 'p2', param: '?token=app' },
    { title: '?vhost= behind the stream', app: 'live', stream: 'v1?vhost=quick.test', asked: 'v1' },
    { title: '?domain= behind the stream', app: 'live', stream: 'v2?domain=quick.test', asked: 'v2' },
    { title: '?vhost= behind the app', app: 'live?vhost=quick.test', stream: 'v3', asked: 'v3' },
    { title: '...vhost... in the app', app: 'live...vhost...quick.test', stream: 'v4', asked: 'v4' },
    { title: '?vhost= and a token', app: 'live', stream: 'v5?vhost=quick.test&token=t', asked: 'v5', param: 'token=t' },
  ]) {
    it(`plays with ${title}`, async (t) => {
      const name = asked.startsWith('v') ? `quick.test/live/${asked}` : `__defaultVhost__/live/${asked}`;
      const player = dump(t, lower.rtmp(app), stream);
      const play = await origin.logged((line) => line.msg === 'play' && line.stream === name);
      if (param !== undefined) assert(String(play.param).includes(param), String(play.param));
      const url = asked.startsWith('v') ? `live/${asked}?vhost=quick.test` : `live/${asked}`;
      publishFile(t, clip, origin.rtmp(url), { speed: 4 });
      await player.frames(10);
    });
  }

  it('finds the vhost by the host of tcUrl', async (t) => {
    const tcUrl = `rtmp://quick.test:${lower.port()}/live`;
    const player = rtmpdump(t, [
      ...['--host', '127.0.0.1', '--port', String(lower.port()), '--app', 'live'],
      ...['--tcUrl', tcUrl, '--playpath', 'byhost'],
    ]);
    await origin.logged((line) => line.msg === 'play' && line.stream === 'quick.test/live/byhost');
    publishFile(t, clip, origin.rtmp('live/byhost?vhost=quick.test'), { speed: 4 });
    await player.frames(10);
  });
});
