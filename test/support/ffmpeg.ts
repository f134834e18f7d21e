/**
 * FFmpeg as encoder, publisher and player.
 */

import { join } from 'node:path';
import { type Cleaner, findProgram, Program, run } from './programs.ts';
import { FlvCapture } from './programs-flv.ts';

const quiet = ['-hide_banner', '-nostdin', '-nostats', '-v', 'warning'];

export interface ClipOptions {
  readonly seconds?: number;
  readonly width?: number;
  readonly height?: number;
  /** Pictures between two key frames; there are 25 pictures a second. */
  readonly gop?: number;
  /** Hertz of the sine wave: makes the sound of a clip its own. */
  readonly tone?: number;
}

/** Makes an FLV file of a test picture and a sine wave, H.264 and AAC; returns its path. */
export function makeClip(directory: string, name: string, options: ClipOptions = {}): string {
  const { seconds = 3, width = 320, height = 180, gop = 10, tone = 440 } = options;
  const file = join(directory, `${name}.flv`);
  run('ffmpeg', [
    ...quiet,
    ...['-f', 'lavfi', '-i', `testsrc=size=${width}x${height}:rate=25`],
    ...['-f', 'lavfi', '-i', `sine=frequency=${tone}:sample_rate=44100`],
    ...['-t', String(seconds), '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency'],
    ...['-g', String(gop), '-c:a', 'aac', '-b:a', '48k', '-f', 'flv', file],
  ]);
  return file;
}

/** Whether this build of FFmpeg has an encoder. */
export function hasEncoder(name: string): boolean {
  if (findProgram('ffmpeg') === undefined) return false;
  const list = run('ffmpeg', [...quiet, '-encoders']).toString();
  return list.split('\n').some((line) => line.trim().split(/\s+/)[1] === name);
}

export interface PublishOptions {
  /** 1: as fast as it is played. */
  readonly speed?: number;
  /** Begins again at the end of the file, for ever. */
  readonly loop?: boolean;
}

/** Publishes an FLV file as it is, to one URL. */
export function publishFile(cleaner: Cleaner, file: string, url: string, options: PublishOptions = {}): Program {
  return new Program(cleaner, 'ffmpeg', [...publishInput(file, options), '-f', 'flv', url]);
}

/** Publishes an FLV file to several URLs: the same times and bytes to each. A URL that fails leaves the others be. */
export function publishToAll(
  cleaner: Cleaner,
  file: string,
  urls: readonly string[],
  options: PublishOptions = {},
): Program {
  const targets = urls.map((url) => `[f=flv:onfail=ignore]${url}`).join('|');
  return new Program(cleaner, 'ffmpeg', [...publishInput(file, options), '-map', '0', '-f', 'tee', targets]);
}

function publishInput(file: string, { speed = 1, loop = false }: PublishOptions): string[] {
  return [
    ...quiet,
    ...['-readrate', String(speed), ...(loop ? ['-stream_loop', '-1'] : [])],
    ...['-i', file, '-c', 'copy', '-flvflags', 'no_duration_filesize'],
  ];
}

/** Plays a URL and passes what it gets on as FLV, until it is ended. */
export function capture(cleaner: Cleaner, url: string): FlvCapture {
  return new FlvCapture(cleaner, 'ffmpeg', [
    ...quiet,
    ...['-probesize', '100000', '-analyzeduration', '500000', '-i', url],
    ...['-c', 'copy', '-copyts', '-flush_packets', '1', '-f', 'flv', '-'],
  ]);
}

/** Decodes so many pictures of a URL, with its sound; ends by itself and fails on anything that cannot be decoded. */
export function decode(cleaner: Cleaner, url: string, pictures: number): Program {
  return new Program(cleaner, 'ffmpeg', [
    ...quiet,
    ...['-xerror', '-err_detect', 'explode', '-i', url, '-frames:v', String(pictures), '-f', 'null', '-'],
  ]);
}

export interface PacketData {
  readonly kind: 'video' | 'audio';
  readonly ptsMs: number;
  readonly dtsMs: number;
  readonly isKey: boolean;
  readonly data: Buffer;
}

export interface StreamInfo {
  readonly codec: string;
  readonly kind: string;
  readonly width?: number;
  readonly height?: number;
  /** Codec configuration as the container has it. */
  readonly extradata: Buffer;
}

interface ProbeOutput {
  readonly streams: {
    readonly codec_name: string;
    readonly codec_type: string;
    readonly width?: number;
    readonly height?: number;
    readonly extradata?: string;
  }[];
  readonly packets?: {
    readonly codec_type: 'video' | 'audio';
    readonly pts_time: string;
    readonly dts_time: string;
    readonly flags: string;
    readonly data: string;
  }[];
}

/** What a file holds: its streams and their packets. */
export function readPackets(file: string): { streams: StreamInfo[]; packets: PacketData[] } {
  const json = run('ffprobe', [
    ...['-v', 'error', '-show_streams', '-show_packets', '-show_data', '-of', 'json', file],
  ]).toString();
  const { streams, packets = [] } = JSON.parse(json) as ProbeOutput;
  return {
    streams: streams.map(toStreamInfo),
    packets: packets.map((packet) => ({
      kind: packet.codec_type,
      ptsMs: Math.round(Number(packet.pts_time) * 1000),
      dtsMs: Math.round(Number(packet.dts_time) * 1000),
      isKey: packet.flags.startsWith('K'),
      data: fromHexDump(packet.data),
    })),
  };
}

/** What a player learns about a live URL before it plays. */
export async function probe(cleaner: Cleaner, url: string): Promise<StreamInfo[]> {
  const program = new Program(cleaner, 'ffprobe', [
    ...['-v', 'error', '-analyzeduration', '1000000', '-show_streams', '-of', 'json', url],
  ]);
  let json = '';
  program.child.stdout?.on('data', (bytes: Buffer) => {
    json += bytes.toString();
  });
  await program.success();
  return (JSON.parse(json) as ProbeOutput).streams.map(toStreamInfo);
}

function toStreamInfo(stream: ProbeOutput['streams'][number]): StreamInfo {
  const { codec_name: codec, codec_type: kind, width, height, extradata = '' } = stream;
  return {
    codec,
    kind,
    extradata: fromHexDump(extradata),
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
  };
}

/** ffprobe's dumps: lines of an offset, up to eight groups of four digits, and the printable characters. */
function fromHexDump(dump: string): Buffer {
  const lines = dump.split('\n').filter((line) => line !== '');
  return Buffer.from(lines.map((line) => line.slice(10, 50).replaceAll(' ', '')).join(''), 'hex');
}
