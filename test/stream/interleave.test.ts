/** A source has taken over with one track, while another still repeats what the stream has had. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { HeaderSet } from '../../edge/stream/headers.ts';
import { History } from '../../edge/stream/history.ts';
import { Splice } from '../../edge/stream/splice.ts';
import { audioFrame, dataMessage, interFrame, keyframe, videoHeader } from '../support/media.ts';
import { frameOf } from '../support/slices.ts';

const had = [
  keyframe(0, 1),
  audioFrame(3, 2),
  interFrame(40, 3),
  audioFrame(43, 4),
  dataMessage(60, 5),
  interFrame(80, 6),
  audioFrame(83, 7),
];

/** A splice of a source with the same media: its video is beyond what the stream had, its audio is not. */
function joined(): Splice {
  const history = new History();
  for (const message of had) history.add(frameOf(message));
  const splice = new Splice({ history, headers: () => HeaderSet.empty, hasVideo: true });
  for (const message of had.filter(({ type }) => type === 9)) assert.equal(splice.next(frameOf(message)).kind, 'skip');
  assert.deepEqual(splice.next(frameOf(interFrame(120, 8))).kind, 'join');
  return splice;
}

test('what the stream had is passed over on the track that is behind, until that is beyond it, too', () => {
  const splice = joined();
  const kind = (message: RtmpMessage): string => splice.next(frameOf(message)).kind;
  assert.equal(kind(audioFrame(3, 2)), 'skip');
  assert.equal(kind(audioFrame(60, 99)), 'skip', 'another frame of a time that the stream has had');
  assert.equal(kind(dataMessage(100, 9)), 'pass');
  assert.equal(kind(dataMessage(60, 5)), 'skip', 'data has no order that says where its track is');
  assert.equal(kind(keyframe(50, 77)), 'pass', 'a track that is beyond belongs to the new source, whatever its time');
  assert.equal(kind(audioFrame(43, 4)), 'skip');
  assert.equal(kind(videoHeader(121)), 'pass', 'headers are those of the new source');
  assert.equal(splice.done, false);
  assert.equal(kind(audioFrame(123, 10)), 'pass');
  assert.equal(splice.done, true);
});

test('a track that never comes is not waited for without end', () => {
  const splice = joined();
  for (let at = 0; at < 2_900; at++)
    assert.equal(splice.next(frameOf(interFrame(160 + 40 * at, 100 + at))).kind, 'pass');
  assert.equal(splice.done, false);
  for (let at = 2_900; at < 3_100; at++)
    assert.equal(splice.next(frameOf(interFrame(160 + 40 * at, 100 + at))).kind, 'pass');
  assert.equal(splice.done, true);
});
