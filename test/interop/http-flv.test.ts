/** HTTP-FLV through an edge: FFmpeg and curl as players, a whole stream compared tag for tag. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { EdgeProcess } from '../support/edge-process.ts';
import { capture, decode, makeClip, publishFile } from '../support/ffmpeg.ts';
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
import { askedToPlay, askedToPublish, startEdge, startOrigin, writings } from './cluster.ts';

function curl(cleaner: Cleaner, url: string): FlvCapture {
  return new FlvCapture(cleaner, 'curl', ['--silent', '--show-error', '--fail', '--no-buffer', url]);
}

describe('HTTP-FLV', { skip: missing('ffmpeg', 'curl'), concurrency: true }, () => {
  const suite = suiteCleaner();
  let clip: string;
  let source: FlvTag[];
  let origin: EdgeProcess;
  let edge: EdgeProcess;

  function http(path: string): string {
    return `http://127.0.0.1:${edge.port('http')}/${path}`;
  }

  before(async () => {
    clip = makeClip(temporaryDirectory(suite), 'clip');
    source = readFlv(clip).filter(isMedia);
    const quick = 'min_latency on; tcp_nodelay on;';
    origin = await startOrigin(suite, { vhosts: { 'quick.test': quick } });
    const remux = 'http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }';
    edge = await startEdge(suite, [origin], {
      top: 'http_server { enabled on; listen 127.0.0.1:0; }',
      vhost: remux,
      vhosts: { 'quick.test': `${quick} ${remux}` },
    });
  });

  for (const { title, query } of writings) {
    it(`gives curl, tag for tag, what was published: ${title}`, async (t) => {
      const player = curl(t, http(`live/exact.flv${query}`));
      await askedToPlay(origin, 'exact', query);
      await publishFile(t, clip, origin.rtmp(`live/exact${query}`), { speed: 2 }).success();
      const played = await player.until((tags) => tags.filter(isMedia).length === source.length);
      assert.deepEqual(describeTags(played.filter(isMedia)), describeTags(source));
      assert(played[0]?.type === 18 && played[0].payload.includes('onMetaData'));
    });

    it(`gives FFmpeg what was published: ${title}`, async (t) => {
      const player = capture(t, http(`live/again.flv${query}`));
      await askedToPlay(origin, 'again', query);
      publishFile(t, clip, edge.rtmp(`live/again${query}`), { speed: 2 });
      const frames = source.filter(isFrame).slice(0, -12);
      const played = await player.frames(frames.length);
      assert.deepEqual(describeTags(played.filter(isFrame)).slice(0, frames.length), describeTags(frames));
    });
  }

  it('joins in the middle at a key frame and decodes without an error', async (t) => {
    publishFile(t, clip, edge.rtmp('live/joined'), { loop: true });
    await askedToPublish(origin, 'joined');
    await curl(t, http('live/joined.flv')).frames(30);
    const tags = await curl(t, http('live/joined.flv')).frames(5);
    const first = tags.find((tag) => tag.type === 9 && isFrame(tag));
    assert(first !== undefined && isKeyframe(first));
    await decode(t, http('live/joined.flv'), 25).success();
  });

  it('passes parameters on to the origin', async (t) => {
    curl(t, http('live/token.flv?token=abc'));
    const play = await origin.logged((line) => line.msg === 'play' && line.stream === '__defaultVhost__/live/token');
    assert.match(String(play.param), /token=abc/);
  });
});
