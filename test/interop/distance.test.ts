/**
 * Audio and video that are published apart from each other, through origins and edges: FFmpeg plays them as far apart
 * as they were. FFmpeg publishes them in the order of their times; odd encoders send them as they make them.
 */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { EdgeProcess } from '../support/edge-process.ts';
import { capture, makeClip, publishFile } from '../support/ffmpeg.ts';
import { type Cleaner, missing, run, suiteCleaner, temporaryDirectory } from '../support/programs.ts';
import { type FlvCapture, type FlvTag, isFrame, isMedia, isVideo, readFlv } from '../support/programs-flv.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { askedToPlay, startEdge, startOrigin } from './cluster.ts';

const http = {
  top: 'http_server { enabled on; listen 127.0.0.1:0; }',
  vhost: 'http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }',
};

/** FFmpeg as a player holds frames of the track that is ahead back, so that there are never all of them. */
const framesMin = 25;

/** What an encoder sends, and when: as FLV tags with the times that they are published with. */
interface Sent {
  readonly tag: FlvTag;
  readonly atMs: number;
}

/** Moves the video of a clip: the order in which frames are sent stays. */
function withVideoMoved(clip: readonly FlvTag[], byMs: number, fromMs: number): Sent[] {
  return clip.filter(isMedia).map((tag) => {
    const timestamp = (fromMs + tag.timestamp + (isVideo(tag) ? byMs : 0)) >>> 0;
    return { tag: { ...tag, timestamp }, atMs: tag.timestamp };
  });
}

/** Sends each tag when it is due. */
async function publishPaced(
  cleaner: Cleaner,
  server: EdgeProcess,
  stream: string,
  sent: readonly Sent[],
): Promise<void> {
  const publisher = await RtmpPeer.publisher({ port: server.port() }, stream);
  const startMs = performance.now();
  let next = 0;
  const timer = setInterval(() => {
    for (let due = sent[next]; due !== undefined && due.atMs <= performance.now() - startMs; due = sent[next]) {
      publisher.send({ ...due.tag, streamId: 1 });
      next++;
    }
  }, 10);
  cleaner.after(() => {
    clearInterval(timer);
    publisher.socket.destroy();
  });
}

/** Player's time minus publisher's of each frame: one number for all of them where distances are kept. */
function offsets(played: readonly FlvTag[], published: readonly FlvTag[]): number[] {
  const times = new Map(
    published.filter(isFrame).map(({ payload, timestamp }) => [payload.toString('hex'), timestamp]),
  );
  return played
    .filter(isMedia)
    .filter(isFrame)
    .map(({ payload, timestamp }) => (timestamp - (times.get(payload.toString('hex')) ?? Number.NaN)) | 0);
}

function count(tags: readonly FlvTag[], video: boolean): number {
  return tags.filter((tag) => isMedia(tag) && isFrame(tag) && isVideo(tag) === video).length;
}

describe('distances between tracks', { skip: missing('ffmpeg') }, () => {
  const suite = suiteCleaner();
  let directory: string;
  let clip: readonly FlvTag[];
  let origin: EdgeProcess;
  let edge: EdgeProcess;

  before(async () => {
    directory = temporaryDirectory(suite);
    clip = readFlv(makeClip(directory, 'clip', { seconds: 6, width: 160, height: 96 }));
    origin = await startOrigin(suite, http);
    edge = await startEdge(suite, [origin], http);
  });

  const players = (t: Cleaner, stream: string): FlvCapture[] => [
    capture(t, edge.rtmp(`live/${stream}`)),
    capture(t, `http://127.0.0.1:${edge.port('http')}/live/${stream}.flv`),
  ];

  async function assertKept(
    t: Cleaner,
    stream: string,
    published: readonly FlvTag[],
    publish: () => unknown,
  ): Promise<void> {
    const captures = players(t, stream);
    await askedToPlay(edge, stream);
    await publish();
    for (const player of captures) {
      const played = await player.until((tags) => count(tags, true) >= framesMin && count(tags, false) >= framesMin);
      const different = new Set(offsets(played, published));
      assert.equal(different.size, 1, `${player.program.child.spawnargs.at(-1)}: ${[...different].slice(0, 10)}`);
    }
  }

  for (const where of ['pulled', 'pushed'] as const) {
    const server = (): EdgeProcess => (where === 'pulled' ? origin : edge);

    for (const byMs of [2_500, -2_500]) {
      it(`video stamped ${byMs} ms from its audio, ${where}`, async (t) => {
        const sent = withVideoMoved(clip, byMs, 50_000);
        const published = sent.map(({ tag }) => tag);
        const stream = `odd-${where}-${byMs}`;
        await assertKept(t, stream, published, () => publishPaced(t, server(), stream, sent));
      });
    }

    it(`-itsoffset 2.5 for the audio of FFmpeg, ${where}`, async (t) => {
      const stream = `late-${where}`;
      const file = `${directory}/${stream}.flv`;
      const source = `${directory}/clip.flv`;
      const inputs = ['-i', source, '-itsoffset', '2.5', '-i', source, '-map', '0:v', '-map', '1:a'];
      run('ffmpeg', ['-v', 'error', ...inputs, '-c', 'copy', file]);
      await assertKept(t, stream, readFlv(file), () => publishFile(t, file, server().rtmp(`live/${stream}`)));
    });
  }
});
