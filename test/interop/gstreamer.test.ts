/** GStreamer: rtmp2sink publishes; rtmpsrc (librtmp) and rtmp2src play. All pass tags on as they are. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, describe, it } from 'node:test';
import type { EdgeProcess } from '../support/edge-process.ts';
import { decode, makeClip, publishFile } from '../support/ffmpeg.ts';
import { type Cleaner, missing, Program, suiteCleaner, temporaryDirectory } from '../support/programs.ts';
import {
  describePayloads,
  describeTags,
  FlvCapture,
  type FlvTag,
  isFrame,
  isKeyframe,
  readFlv,
} from '../support/programs-flv.ts';
import { askedToPlay, askedToPublish, startChain, writings } from './cluster.ts';

const launcher = 'gst-launch-1.0';

function elementsMissing(): string | false {
  const why = missing(launcher, 'gst-inspect-1.0', 'ffmpeg');
  if (why !== false) return why;
  const elements = ['rtmp2sink', 'rtmp2src', 'rtmpsrc', 'flvdemux', 'flvmux'];
  const absent = elements.filter((element) => spawnSync('gst-inspect-1.0', [element]).status !== 0);
  return absent.length > 0 && `GStreamer without ${absent.join(', ')} (make test installs what it needs)`;
}

/** Publishes an FLV file at the pace of its own clock, without decoding. */
function publish(cleaner: Cleaner, file: string, url: string): Program {
  return new Program(cleaner, launcher, [
    ...['-q', 'filesrc', `location=${file}`, '!', 'flvdemux', 'name=in'],
    ...['flvmux', 'name=out', 'streamable=true', '!', 'rtmp2sink', `location=${url}`],
    ...['in.video', '!', 'queue', '!', 'out.video', 'in.audio', '!', 'queue', '!', 'out.audio'],
  ]);
}

function play(cleaner: Cleaner, element: 'rtmpsrc' | 'rtmp2src', url: string): FlvCapture {
  // librtmp reads its own options behind a blank.
  const location = element === 'rtmpsrc' ? `${url} live=1` : url;
  return new FlvCapture(cleaner, launcher, ['-q', element, `location=${location}`, '!', 'fdsink', 'fd=1']);
}

describe('gstreamer', { skip: elementsMissing(), concurrency: true }, () => {
  const suite = suiteCleaner();
  let clip: string;
  let source: FlvTag[];
  let origin: EdgeProcess;
  let lower: EdgeProcess;

  before(async () => {
    clip = makeClip(temporaryDirectory(suite), 'clip');
    source = readFlv(clip).filter(isFrame);
    ({ origin, lower } = await startChain(suite));
  });

  for (const element of ['rtmpsrc', 'rtmp2src'] as const) {
    for (const { title, query } of writings) {
      it(`${element} gets through two edges what was published: ${title}`, async (t) => {
        const player = play(t, element, lower.rtmp(`live/${element}${query}`));
        await askedToPlay(origin, element, query);
        publishFile(t, clip, origin.rtmp(`live/${element}${query}`), { speed: 2 });
        // rtmpsrc gives whole blocks only: the last one never fills.
        const wanted = source.slice(0, -40);
        const played = await player.frames(wanted.length);
        assert.deepEqual(describeTags(played.filter(isFrame)).slice(0, wanted.length), describeTags(wanted));
      });
    }
  }

  it('rtmp2sink publishes through two edges: the origin gets its frames', async (t) => {
    const player = play(t, 'rtmp2src', origin.rtmp('live/sunk'));
    await askedToPlay(origin, 'sunk');
    const publisher = publish(t, clip, lower.rtmp('live/sunk'));
    const played = await player.frames(source.length - 2);
    for (const type of [8, 9]) {
      const lines = describePayloads(played.filter((tag) => tag.type === type && isFrame(tag)));
      assert.deepEqual(lines, describePayloads(source.filter((tag) => tag.type === type)).slice(0, lines.length));
    }
    await publisher.success();
  });

  it('rtmp2sink and a player of FFmpeg’s understand each other', async (t) => {
    publish(t, clip, lower.rtmp('live/both'));
    await askedToPublish(origin, 'both');
    const player = play(t, 'rtmpsrc', lower.rtmp('live/both'));
    await decode(t, lower.rtmp('live/both'), 20).success();
    const first = (await player.frames(20)).find((tag) => tag.type === 9 && isFrame(tag));
    assert(first !== undefined && isKeyframe(first));
  });
});
