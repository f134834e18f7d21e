/** The players of people's desks, by RTMP and HTTP-FLV: they play on when the origin in use dies. */

import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { before, describe, it } from 'node:test';
import { FlvReader } from '../../edge/flv/reader.ts';
import { askedToPlay, askedToPublish, startEdge, startOrigin } from '../interop/cluster.ts';
import type { EdgeProcess } from '../support/edge-process.ts';
import { makeClip, publishToAll } from '../support/ffmpeg.ts';
import { type Cleaner, findProgram, missing, Program, suiteCleaner, temporaryDirectory } from '../support/programs.ts';

/** A player that tells how far it has played. */
interface Player {
  readonly program: Program;
  /** Where it tells that. */
  readonly output: Readable | null;
  /** Times of pictures in the order in which they were played, in seconds. */
  readonly times: readonly number[];
}

/** VLC passes on what it would show. It does not run as root: then somebody without rights runs it. */
function vlc(cleaner: Cleaner, url: string): Player {
  const home = temporaryDirectory(cleaner);
  chmodSync(home, 0o777);
  const as = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
  const out = '#std{access=file,mux=ffmpeg{mux=flv},dst=-}';
  const [command = '', ...args] = [...as, findProgram('vlc') ?? 'vlc', '-I', 'dummy', url, '--sout', out];
  const program = new Program(cleaner, command, args, { HOME: home });
  const output = program.child.stdout;
  const times: number[] = [];
  const reader = new FlvReader();
  output?.on('data', (bytes: Buffer) =>
    reader.push(bytes, ({ type, timestamp }) => {
      if (type === 9) times.push(timestamp / 1000);
    }),
  );
  return { program, output, times };
}

/** mpv decodes and shows nothing. */
function mpv(cleaner: Cleaner, url: string): Player {
  const status = `--term-status-msg=time=\${=time-pos}\n`;
  const args = ['--no-config', '--vo=null', '--ao=null', '--terminal=yes', status, url];
  const program = new Program(cleaner, 'mpv', args, { HOME: temporaryDirectory(cleaner) });
  const output = program.child.stderr;
  const times: number[] = [];
  if (output !== null)
    createInterface({ input: output }).on('line', (line) => {
      const time = /time=([\d.]+)$/.exec(line)?.[1];
      if (time !== undefined) times.push(Number(time));
    });
  return { program, output, times };
}

/** Resolves when it has played for so long, counted in its own time. */
async function played(player: Player, seconds: number): Promise<void> {
  const from = player.times.length;
  await new Promise<void>((resolve, reject) => {
    const look = (): void => {
      const first = player.times[from];
      if (first !== undefined && (player.times.at(-1) ?? 0) >= first + seconds) resolve();
      else return;
      player.output?.off('data', look);
    };
    player.output?.on('data', look);
    player.program.exit().then(() => reject(new Error(`it ended: ${player.program.stderr}`)));
  });
}

describe('players of desks', { skip: missing('vlc', 'mpv', 'ffmpeg', 'setpriv') }, () => {
  const suite = suiteCleaner();
  let clip: string;

  before(() => {
    clip = makeClip(temporaryDirectory(suite), 'clip');
  });

  async function outlives(t: Cleaner, start: (url: string) => Player, urlOf: (edge: EdgeProcess) => string) {
    const origins = [await startOrigin(t), await startOrigin(t)] as const;
    const edge = await startEdge(t, origins, {
      top: 'http_server { enabled on; listen 127.0.0.1:0; }',
      vhost: 'http_remux { enabled on; }',
    });
    publishToAll(t, clip, [origins[0].rtmp('live/one'), origins[1].rtmp('live/one')], { loop: true });
    for (const origin of origins) await askedToPublish(origin, 'one');
    const player = start(urlOf(edge));
    await played(player, 2);
    const since = edge.log.length;
    await origins[0].kill();
    await askedToPlay(origins[1], 'one');
    await played(player, 5);
    assert.deepEqual(
      edge.log.slice(since).filter(({ msg }) => msg === 'client gone' || msg === 'play'),
      [],
      'nobody was cut',
    );
    const { times } = player;
    assert.ok(!times.some((time, index) => time < (times[index - 1] ?? 0)), 'time never goes back');
  }

  const rtmp = (edge: EdgeProcess): string => edge.rtmp('live/one');
  const flv = (edge: EdgeProcess): string => `http://127.0.0.1:${edge.port('http')}/live/one.flv`;

  it('VLC by RTMP', (t) => outlives(t, (url) => vlc(t, url), rtmp));
  it('VLC by HTTP-FLV', (t) => outlives(t, (url) => vlc(t, url), flv));
  it('mpv by RTMP', (t) => outlives(t, (url) => mpv(t, url), rtmp));
  it('mpv by HTTP-FLV', (t) => outlives(t, (url) => mpv(t, url), flv));
});
