/**
 * Records `make demo` as edge/docs/demo.svg: runs it on a terminal, and keeps what the terminal showed when. Nothing is
 * added and nothing is left out; only the wait for the first players is cut to a second. The last screen alone is
 * edge/docs/demo-still.svg, for who wants no motion: browsers do not all tell a picture in a page of this wish.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Frame, svg } from './animation.ts';
import { Terminal } from './terminal.ts';

const root = join(import.meta.dirname, '../..');
const size = { columns: 107, rows: 26 };
const seconds = 26;
const waitMostMs = 1_000;
const holdMs = 4_000;
/** The demo draws four times a second. */
const frameLeastMs = 200;

async function record(): Promise<Frame[]> {
  const terminal = new Terminal(size.rows);
  const frames: Frame[] = [];
  const command = `stty columns ${size.columns} rows ${size.rows} && exec make --no-print-directory demo`;
  // Of util-linux: it has a terminal for the command, and writes what comes from there to its own output.
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TERM: 'xterm', DEMO_SECONDS: String(seconds), SHELL: '/bin/sh' },
  });
  let nowMs = 0;
  let lastMs = performance.now();
  const show = (text: string): void => {
    const waitedMs = performance.now() - lastMs;
    lastMs += waitedMs;
    nowMs += Math.round(Math.min(waitedMs, waitMostMs));
    terminal.write(text);
    const { screen } = terminal;
    const last = frames.at(-1);
    // What is written in pieces is one picture.
    if (last !== undefined && nowMs - last.atMs < frameLeastMs) frames[frames.length - 1] = { ...last, screen };
    else frames.push({ atMs: nowMs, screen });
  };
  show('$ make demo\n');
  child.stdout.setEncoding('utf8').on('data', show);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`the demo ended with ${code}:\n${terminal.screen.join('\n')}`);
  return frames;
}

const frames = await record();
const last = frames.slice(-1);
const film = {
  frames,
  holdMs,
  columns: size.columns,
  title: 'make demo',
  description: (last[0]?.screen ?? []).join('\n').trim(),
};
const write = (name: string, text: string): void => writeFileSync(join(root, 'edge/docs', name), text);
write('demo.svg', svg(film));
write('demo-still.svg', svg({ ...film, frames: last }));
