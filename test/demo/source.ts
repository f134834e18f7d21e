/**
 * What the demo publishes, as FLV tags at the pace of their times: FFmpeg's test picture with a running clock and a
 * tone; where FFmpeg is not there, a clip of eight seconds that begins again for ever while time goes on.
 *
 * The clip was made by
 *   ffmpeg -f lavfi -i testsrc2=size=640x360:rate=25 -f lavfi -i sine=frequency=480:sample_rate=48000 -t 8 \
 *     -c:v libx264 -preset veryslow -crf 32 -bf 0 -g 50 -keyint_min 50 -sc_threshold 0 -pix_fmt yuv420p \
 *     -c:a aac -b:a 32k -ac 1 -flvflags no_duration_filesize -f flv clip.flv
 */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { classify, MediaFlag } from '../../edge/flv/media.ts';
import { FlvReader, type FlvTag } from '../../edge/flv/reader.ts';

const clipFile = join(import.meta.dirname, 'clip.flv');
const clipMs = 8_000;
const paceMs = 20;

const ffmpegArguments = [
  ...['-hide_banner', '-nostdin', '-nostats', '-v', 'error'],
  ...['-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25'],
  ...['-re', '-f', 'lavfi', '-i', 'sine=frequency=480:sample_rate=48000'],
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-b:v', '800k', '-maxrate', '800k'],
  ...['-bufsize', '800k', '-g', '50', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-b:a', '64k', '-ac', '1'],
  ...['-flush_packets', '1', '-f', 'flv', 'pipe:1'],
];

export interface Source {
  readonly description: string;
  stop(): Promise<void>;
}

/** Takes tags that are due; those given together arrived together. */
export type TagSink = (tags: readonly FlvTag[]) => void;

/**
 * Begins with FFmpeg, or with the clip when FFmpeg brings nothing forth.
 * @param failed called when a source that had begun ends by itself
 */
export async function openSource(sink: TagSink, failed: (error: Error) => void): Promise<Source> {
  const ffmpeg = await openFfmpeg(sink, failed);
  return typeof ffmpeg === 'string' ? openClip(sink, ffmpeg) : ffmpeg;
}

/** Resolves with the first tag; with the reason when there is none. */
async function openFfmpeg(sink: TagSink, failed: (error: Error) => void): Promise<Source | string> {
  // Detached: Ctrl-C in the terminal is for the demo alone, which ends it.
  const child = spawn('ffmpeg', ffmpegArguments, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  let stderr = '';
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ENOENT' ? 'FFmpeg is not installed' : error.message),
    );
    child.once('close', (code, signal) => resolve(`ffmpeg ended with ${code ?? signal}: ${stderr.trim()}`));
  });
  ended.then(() => process.off('exit', kill));
  return new Promise((resolve) => {
    let state: 'starting' | 'running' | 'stopped' = 'starting';
    const source: Source = {
      description: 'the test picture of ffmpeg',
      async stop() {
        state = 'stopped';
        kill();
        await ended;
      },
    };
    const reader = new FlvReader();
    child.stdout.on('data', (bytes: Buffer) => {
      const tags: FlvTag[] = [];
      reader.push(bytes, (tag) => tags.push(tag));
      if (state === 'stopped' || tags.length === 0) return;
      sink(tags);
      state = 'running';
      resolve(source);
    });
    ended.then((reason) => {
      if (state === 'running') failed(new Error(reason));
      else resolve(reason);
    });
  });
}

function openClip(sink: TagSink, why: string): Source {
  const { headers, frames } = readClip();
  sink(headers);
  const startMs = performance.now();
  let next = 0;
  const timer = setInterval(() => {
    const nowMs = performance.now() - startMs;
    const due: FlvTag[] = [];
    for (; ; next++) {
      const frame = frames[next % frames.length];
      if (frame === undefined) break;
      const timestamp = frame.timestamp + Math.floor(next / frames.length) * clipMs;
      if (timestamp > nowMs) break;
      due.push({ ...frame, timestamp });
    }
    if (due.length > 0) sink(due);
  }, paceMs);
  return {
    description: `a clip that is repeated (${why})`,
    async stop() {
      clearInterval(timer);
    },
  };
}

function readClip(): { headers: FlvTag[]; frames: FlvTag[] } {
  const headers: FlvTag[] = [];
  const frames: FlvTag[] = [];
  new FlvReader().push(readFileSync(clipFile), (tag) => {
    const flags = classify(tag.type, tag.payload);
    if ((flags & (MediaFlag.data | MediaFlag.sequenceHeader)) !== 0) headers.push(tag);
    else if ((flags & MediaFlag.sequenceEnd) === 0 && tag.timestamp < clipMs) frames.push(tag);
  });
  return { headers, frames };
}
