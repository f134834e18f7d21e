/**
 * Enhanced RTMP through edge, origin and edge: frames of real encoders arrive byte for byte, the GOP cache knows where
 * they begin, and capabilities are negotiated.
 */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { isAmfObject } from '../../edge/rtmp/amf0.ts';
import { parseCapabilities } from '../../edge/rtmp/enhanced.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { hasEncoder, type PacketData } from '../support/ffmpeg.ts';
import { metadata } from '../support/media.ts';
import { type Cleaner, missing, suiteCleaner, temporaryDirectory } from '../support/programs.ts';
import { describeTags } from '../support/programs-flv.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { askedToPlay, type Chain, startChain } from './cluster.ts';
import {
  audioFrame,
  audioStart,
  audioTrack,
  type Encoded,
  encode,
  videoFrame,
  videoFrameWithNanoOffset,
  videoStart,
  videoTracks,
} from './enhanced-messages.ts';

/** VPCodecConfigurationRecord: profile 0, level 1.0, 8 bit 4:2:0, BT.709. MP4 files have it where FFmpeg hides it. */
const vp9Config = Buffer.from([1, 0, 0, 0, 0, 10, 0x82, 1, 1, 1, 0, 0]);

/** A stream as it is published, and which of its messages begin a GOP. */
interface Published {
  /** Metadata and sequence headers. */
  readonly headers: readonly RtmpMessage[];
  readonly frames: readonly RtmpMessage[];
  readonly keyframes: readonly number[];
}

/** Each packet as a message, on a clock that begins at zero. */
function toMessages(
  { packets }: Encoded,
  video: (timestamp: number, packet: PacketData) => RtmpMessage,
  audio: (timestamp: number, packet: PacketData) => RtmpMessage[],
): Pick<Published, 'frames' | 'keyframes'> {
  const startMs = packets[0]?.dtsMs ?? 0;
  const frames: RtmpMessage[] = [];
  const keyframes: number[] = [];
  for (const packet of packets) {
    const timestamp = packet.dtsMs - startMs;
    if (packet.kind === 'video' && packet.isKey) keyframes.push(frames.length);
    if (packet.kind === 'video') frames.push(video(timestamp, packet));
    else frames.push(...audio(timestamp, packet));
  }
  assert(keyframes.length > 1, 'the encoder made several GOPs');
  return { frames, keyframes };
}

const cases: {
  readonly title: string;
  readonly stream: string;
  readonly encoders: readonly [video: string, audio: string];
  readonly published: (encoded: Encoded) => Published;
}[] = [
  {
    title: 'HEVC and Opus',
    stream: 'hevc',
    encoders: ['libx265', 'libopus'],
    published: (encoded) => ({
      headers: [
        metadata(0, { videocodecid: 0x68766331, audiocodecid: 0x4f707573 }),
        videoStart(0, 'hvc1', encoded.videoConfig),
        audioStart(0, 'Opus', encoded.audioConfig),
      ],
      ...toMessages(
        encoded,
        (timestamp, packet) => videoFrame(timestamp, 'hvc1', packet),
        (timestamp, packet) => [audioFrame(timestamp, 'Opus', packet)],
      ),
    }),
  },
  {
    title: 'AV1 and FLAC',
    stream: 'av1',
    encoders: ['libaom-av1', 'flac'],
    published: (encoded) => ({
      headers: [
        metadata(0),
        videoStart(0, 'av01', encoded.videoConfig),
        audioStart(0, 'fLaC', Buffer.concat([Buffer.from('fLaC'), encoded.audioConfig])),
      ],
      ...toMessages(
        encoded,
        (timestamp, packet) => videoFrame(timestamp, 'av01', packet),
        (timestamp, packet) => [audioFrame(timestamp, 'fLaC', packet)],
      ),
    }),
  },
  {
    title: 'VP9 with nanosecond offsets, and AC-3, which has no sequence header',
    stream: 'vp9',
    encoders: ['libvpx-vp9', 'ac3'],
    published: (encoded) => ({
      headers: [metadata(0), videoStart(0, 'vp09', vp9Config)],
      ...toMessages(
        encoded,
        (timestamp, packet) => videoFrameWithNanoOffset(timestamp, 'vp09', packet, 500_000),
        (timestamp, packet) => [audioFrame(timestamp, 'ac-3', packet)],
      ),
    }),
  },
  {
    title: 'several tracks: VP9 twice in one message, Opus in two',
    stream: 'multitrack',
    encoders: ['libvpx-vp9', 'libopus'],
    published: (encoded) => ({
      headers: [
        metadata(0),
        videoTracks(
          0,
          'start',
          [0, 1].map((track) => ({ track, fourCc: 'vp09', data: vp9Config })),
        ),
        audioStart(0, 'Opus', encoded.audioConfig),
        audioTrack(0, 'start', { track: 1, fourCc: 'Opus', data: encoded.audioConfig }),
      ],
      ...toMessages(
        encoded,
        (timestamp, { isKey, data }) =>
          videoTracks(
            timestamp,
            isKey ? 'key' : 'inter',
            [0, 1].map((track) => ({ track, fourCc: 'vp09', data })),
          ),
        (timestamp, packet) => [
          audioFrame(timestamp, 'Opus', packet),
          audioTrack(timestamp, 'frame', { track: 1, fourCc: 'Opus', data: packet.data }),
        ],
      ),
    }),
  },
];

function missingEncoders(encoders: readonly string[]): string | false {
  if (missing('ffmpeg') !== false) return missing('ffmpeg');
  const absent = encoders.filter((encoder) => !hasEncoder(encoder));
  return absent.length > 0 && `this FFmpeg is built without ${absent.join(', ')}`;
}

/** Closes with the test. */
async function peerOf(cleaner: Cleaner, opening: Promise<RtmpPeer>): Promise<RtmpPeer> {
  const peer = await opening;
  cleaner.after(() => peer.end());
  return peer;
}

/** Metadata travels without `@setDataFrame`, which is for servers. */
function asPlayed({ payload, ...message }: RtmpMessage): RtmpMessage {
  const marker = '@setDataFrame';
  const isMarked = payload.toString('latin1', 3, 3 + marker.length) === marker;
  return { ...message, payload: isMarked ? payload.subarray(3 + marker.length) : payload };
}

describe('Enhanced RTMP', { skip: missing('ffmpeg', 'ffprobe'), concurrency: true }, () => {
  const suite = suiteCleaner();
  let chain: Chain;

  before(async () => {
    chain = await startChain(suite);
  });

  for (const { title, stream, encoders, published } of cases) {
    it(`passes ${title}`, { skip: missingEncoders(encoders) }, async (t) => {
      const { headers, frames, keyframes } = published(encode(temporaryDirectory(t), ...encoders));
      const port = chain.lower.port();
      const early = await peerOf(t, RtmpPeer.player({ port }, stream));
      await askedToPlay(chain.origin, stream);
      const publisher = await peerOf(t, RtmpPeer.publisher({ port: chain.upper.port() }, stream));
      publisher.send(...headers, ...frames);

      const played = await early.frames(headers.length + frames.length);
      assert.deepEqual(describeTags(played), describeTags([...headers, ...frames].map(asPlayed)));

      const late = await peerOf(t, RtmpPeer.player({ port }, stream));
      // Where the last key frame is in the newest slice, it begins with an earlier one.
      const [opening] = (await late.frames(headers.length + 1)).slice(-1);
      const begin = keyframes.find((at) => frames[at]?.payload.equals(opening!.payload));
      assert.ok(begin !== undefined, 'it begins with a key frame');
      const gop = frames.slice(begin);
      const joined = await late.frames(headers.length + gop.length);
      assert.equal(joined[0]?.timestamp, 0);
      assert.deepEqual(
        describeTags(joined).map(withoutTime).slice(0, headers.length),
        describeTags(headers.map(asPlayed)).map(withoutTime),
        'all headers come before the first frame',
      );
      assert.deepEqual(
        describeTags(joined.slice(headers.length)),
        describeTags(gop),
        'then the GOP from its key frame',
      );
    });
  }

  it('agrees with a client on what both know', async (t) => {
    const properties = {
      fourCcList: ['hvc1', 'av01', 'xxxx'],
      videoFourCcInfoMap: { hvc1: 3 },
      capsEx: 0x03,
    };
    const peer = await peerOf(t, RtmpPeer.connect({ port: chain.lower.port(), properties }));
    const result = await peer.command('connect', ({ kind }) => kind === 'result');
    assert(result.kind === 'result' && isAmfObject(result.object));
    const agreed = parseCapabilities(result.object);
    assert.deepEqual(agreed?.fourCcList, ['hvc1', 'av01']);
    assert.deepEqual({ ...agreed?.videoFourCcInfoMap }, { hvc1: 4 }, 'an edge forwards');
    assert.equal(agreed?.capsEx, 0x03);
  });

  it('says nothing of it to a client that announces nothing', async (t) => {
    const peer = await peerOf(t, RtmpPeer.connect({ port: chain.lower.port() }));
    const result = await peer.command('connect', ({ kind }) => kind === 'result');
    assert(result.kind === 'result' && isAmfObject(result.object));
    assert.equal(parseCapabilities(result.object), undefined);
  });
});

function withoutTime(line: string): string {
  return line.replace(/-?\d+ ms /, '');
}
