import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classify, codecName, MediaFlag, sequenceHeaderKey } from '../../edge/flv/media.ts';

type FlagName = keyof typeof MediaFlag;

function hex(text: string): Buffer {
  return Buffer.from(text.replace(/\s/g, ''), 'hex');
}

/** Hex with FourCCs as they are, in quotes. */
function bytes(text: string): Buffer {
  return hex(text.replace(/"(.{4})"/g, (_, fourCc: string) => Buffer.from(fourCc, 'latin1').toString('hex')));
}

/** What it is, the first bytes, flags besides audio or video, codec, key. */
const video: [string, string, FlagName[], string | undefined, string][] = [
  ['AVC sequence header', '17 00 000000 01', ['sequenceHeader'], 'H264', 'video/0'],
  ['AVC key frame', '17 01 000000 00000001 65', ['keyframe'], 'H264', 'video/0'],
  ['AVC inter frame', '27 01 000000 00000001 41', [], 'H264', 'video/0'],
  ['AVC end of sequence', '17 02 000000', ['sequenceEnd'], 'H264', 'video/0'],
  ['AVC cut behind the first byte', '17', [], 'H264', 'video/0'],
  ['command frame', '57 00', ['command'], 'H264', 'video/0'],
  ['H.263 key frame', '12 00', ['keyframe'], 'H263', 'video/0'],
  ['H.263 disposable frame', '32 00', [], 'H263', 'video/0'],
  ['VP6 key frame', '14 00', ['keyframe'], 'VP6', 'video/0'],
  ['generated key frame', '42 00', ['keyframe'], 'H263', 'video/0'],
  ['HEVC as codec 12, sequence header', '1c 00 000000', ['sequenceHeader'], 'HEVC', 'video/0'],
  ['HEVC as codec 12, key frame', '1c 01 000000', ['keyframe'], 'HEVC', 'video/0'],
  ['HEVC sequence start', '90 "hvc1" 01', ['sequenceHeader'], 'HEVC', 'video/0'],
  ['HEVC key frame', '91 "hvc1" 000000 00000001', ['keyframe'], 'HEVC', 'video/0'],
  ['HEVC key frame without composition time', '93 "hvc1" 00000001', ['keyframe'], 'HEVC', 'video/0'],
  ['HEVC inter frame', 'a1 "hvc1" 000000', [], 'HEVC', 'video/0'],
  ['HEVC sequence end', '92 "hvc1"', ['sequenceEnd'], 'HEVC', 'video/0'],
  ['AV1 sequence start', '90 "av01" 81', ['sequenceHeader'], 'AV1', 'video/0'],
  ['AV1 start as MPEG-2 TS', '95 "av01" 80', ['sequenceHeader'], 'AV1', 'video/0'],
  ['AV1 key frame', '91 "av01" 0a', ['keyframe'], 'AV1', 'video/0'],
  ['VP9 sequence start', '90 "vp09" 01', ['sequenceHeader'], 'VP9', 'video/0'],
  ['VP9 key frame', '91 "vp09" 82', ['keyframe'], 'VP9', 'video/0'],
  ['AVC by FourCC', '90 "avc1" 01', ['sequenceHeader'], 'H264', 'video/0'],
  ['VVC by FourCC', '91 "vvc1" 01', ['keyframe'], 'VVC', 'video/0'],
  ['an unknown FourCC', '91 "x265" 01', ['keyframe'], 'x265', 'video/0'],
  ['metadata packet, frame type ignored', '94 "hvc1" 02', ['videoMetadata'], 'HEVC', 'video/0/extra'],
  ['metadata packet in a command frame', 'd4 "hvc1" 02', ['videoMetadata'], 'HEVC', 'video/0/extra'],
  ['command frame by FourCC', 'd1 00', ['command'], undefined, 'video/0'],
  ['ModEx before a key frame', '97 02 000001 01 "hvc1" 000000', ['keyframe'], 'HEVC', 'video/0'],
  ['ModEx twice', '97 00 00 07 00 00 00 "hvc1" 01', ['sequenceHeader'], 'HEVC', 'video/0'],
  ['ModEx of 256 bytes', `97 ff 00ff ${'00'.repeat(256)} 01 "av01" 00`, ['keyframe'], 'AV1', 'video/0'],
  ['ModEx cut', '97 ff', [], undefined, 'video/0'],
  ['one track, number 0', '96 01 "hvc1" 00 000000', ['keyframe'], 'HEVC', 'video/0'],
  ['one track, number 2', '96 01 "hvc1" 02 000000', ['otherTrackKeyframe'], 'HEVC', 'video/2'],
  ['sequence start of track 2', '96 00 "hvc1" 02 01', ['sequenceHeader'], 'HEVC', 'video/2'],
  ['metadata of track 2', '96 04 "hvc1" 02 01', ['videoMetadata'], 'HEVC', 'video/2/extra'],
  ['inter frame of track 0', 'a6 01 "hvc1" 00 000000', [], 'HEVC', 'video/0'],
  ['many tracks, 1 and 0', '96 11 "hvc1" 01 000002 aaaa 00 000001 bb', ['keyframe'], 'HEVC', 'video/1+0'],
  ['many tracks, 1 and 2', '96 11 "hvc1" 01 000002 aaaa 02 000001 bb', ['otherTrackKeyframe'], 'HEVC', 'video/1+2'],
  ['many codecs', '96 20 "hvc1" 00 000001 aa "av01" 01 000001 bb', ['sequenceHeader'], 'HEVC', 'video/0+1'],
  ['many tracks, cut', '96 11 "hvc1" 01 0000', ['otherTrackKeyframe'], 'HEVC', 'video/1'],
  ['empty', '', [], undefined, 'video/0'],
];
for (const [what, text, flags, codec, key] of video) {
  test(`video: ${what}`, () => {
    const payload = bytes(text);
    assert.equal(classify(9, payload), mask('video', ...flags));
    assert.equal(codecName(9, payload), codec);
    assert.equal(sequenceHeaderKey(9, payload), key);
  });
}

const audio: [string, string, FlagName[], string | undefined, string][] = [
  ['AAC sequence header', 'af 00 1210', ['sequenceHeader'], 'AAC', 'audio/0'],
  ['AAC frame', 'af 01 21', [], 'AAC', 'audio/0'],
  ['AAC cut', 'af', [], 'AAC', 'audio/0'],
  ['MP3 frame', '2f fffb', [], 'MP3', 'audio/0'],
  ['Speex frame', 'b2 00', [], 'Speex', 'audio/0'],
  ['Opus sequence start', '90 "Opus" 4f', ['sequenceHeader'], 'Opus', 'audio/0'],
  ['Opus frame', '91 "Opus" fc', [], 'Opus', 'audio/0'],
  ['FLAC sequence start', '90 "fLaC" 66', ['sequenceHeader'], 'FLAC', 'audio/0'],
  ['AC-3 frame', '91 "ac-3" 0b77', [], 'AC3', 'audio/0'],
  ['E-AC-3 frame', '91 "ec-3" 0b77', [], 'EAC3', 'audio/0'],
  ['MP3 by FourCC', '91 ".mp3" ff', [], 'MP3', 'audio/0'],
  ['AAC by FourCC', '90 "mp4a" 12', ['sequenceHeader'], 'AAC', 'audio/0'],
  ['multichannel configuration', '94 "Opus" 01 06', ['sequenceHeader'], 'Opus', 'audio/0/extra'],
  ['sequence end', '92 "Opus"', ['sequenceEnd'], 'Opus', 'audio/0'],
  ['sequence start of track 1', '95 00 "Opus" 01', ['sequenceHeader'], 'Opus', 'audio/1'],
  ['frame of track 1', '95 01 "Opus" 01 fc', [], 'Opus', 'audio/1'],
  ['ModEx before a sequence start', '97 02 000001 00 "Opus" 4f', ['sequenceHeader'], 'Opus', 'audio/0'],
  ['silence', '', [], undefined, 'audio/0'],
];
for (const [what, text, flags, codec, key] of audio) {
  test(`audio: ${what}`, () => {
    const payload = bytes(text);
    assert.equal(classify(8, payload), mask('audio', ...flags));
    assert.equal(codecName(8, payload), codec);
    assert.equal(sequenceHeaderKey(8, payload), key);
  });
}

function mask(...names: FlagName[]): number {
  return names.reduce((all, name) => all | MediaFlag[name], 0);
}

test('data messages, and what is no media', () => {
  assert.equal(classify(18, Buffer.alloc(0)), MediaFlag.data);
  assert.equal(classify(15, Buffer.alloc(0)), MediaFlag.data);
  assert.equal(classify(20, hex('17')), 0);
  assert.equal(codecName(18, hex('17')), undefined);
});
