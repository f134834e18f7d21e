/** A real edge whose log cannot be written: everything else goes on. */

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../support/programs.ts';

const mainFile = join(import.meta.dirname, '../../edge/main.ts');
const options = { timeout: 60_000 };

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'log-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

interface Scene {
  readonly child: ChildProcess;
  /** Makes the edge log a few lines. */
  makeLines(): Promise<void>;
  /** Lines that the edge says it has lost. */
  lostLines(): Promise<number>;
  /** Asks it to stop; resolves with its exit code. */
  stop(): Promise<number | null>;
}

interface SceneOptions {
  readonly stdout: number | 'pipe';
  /** More directives. */
  readonly directives?: string;
  /** More arguments of Node. */
  readonly nodeArgs?: readonly string[];
}

/** Starts an edge and waits until it is healthy: what it logs may never arrive anywhere. */
async function start(t: TestContext, { stdout, directives = '', nodeArgs = [] }: SceneOptions): Promise<Scene> {
  const rtmp = await freePort();
  const http = await freePort();
  const file = join(directory(t), 'edge.conf');
  writeFileSync(
    file,
    `listen 127.0.0.1:${rtmp}; grace_start_wait 0; ${directives}
     exporter { enabled on; listen 127.0.0.1:${http}; } vhost __defaultVhost__ { }`,
  );
  const child = spawn(process.execPath, [...nodeArgs, mainFile, '-c', file], { stdio: ['ignore', stdout, 'inherit'] });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  t.after(() => child.kill('SIGKILL'));
  const get = async (path: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${http}${path}`);
    assert.equal(response.status, 200);
    return response.text();
  };
  const healthy = async (): Promise<void> => {
    while (!(await get('/healthz').then(Boolean, () => false))) {
      assert.equal(child.exitCode, null, 'the edge has ended');
      await delay(50);
    }
  };
  await healthy();
  return {
    child,
    makeLines: async () => {
      for (let n = 0; n < 20; n++) {
        const socket = connect(rtmp, '127.0.0.1').on('error', () => {});
        socket.end('this is no RTMP');
        await once(socket.resume(), 'close');
      }
      await get('/healthz');
    },
    lostLines: async () => Number(/^edge_log_lines_lost_total (\d+)$/m.exec(await get('/metrics'))?.[1]),
    stop: async () => {
      child.kill('SIGTERM');
      return (await exited)[0];
    },
  };
}

/** A pipe, and its end to write to. */
function pipe(t: TestContext): { reader: number; writer: number } {
  const file = join(directory(t), 'pipe');
  execFileSync('mkfifo', [file]);
  const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(file, constants.O_WRONLY);
  return { reader, writer };
}

test('standard output on a full disk: the edge serves and stops as ever', options, async (t) => {
  const full = openSync('/dev/full', 'w');
  t.after(() => closeSync(full));
  const edge = await start(t, { stdout: full });
  await edge.makeLines();
  assert.ok((await edge.lostLines()) > 20);
  assert.equal(await edge.stop(), 0);
});

test('standard output is a pipe that nobody reads any more', options, async (t) => {
  const { reader, writer } = pipe(t);
  closeSync(reader);
  const edge = await start(t, { stdout: writer });
  closeSync(writer);
  await edge.makeLines();
  assert.ok((await edge.lostLines()) > 20);
  assert.equal(await edge.stop(), 0);
});

test('standard output is a pipe that is full and whose reader has stopped', options, async (t) => {
  const { reader, writer } = pipe(t);
  t.after(() => closeSync(reader));
  const filler = openSync(`/proc/self/fd/${writer}`, constants.O_WRONLY | constants.O_NONBLOCK);
  assert.throws(() => {
    for (;;) writeSync(filler, Buffer.alloc(4096, '\n'));
  }, /EAGAIN/);
  closeSync(filler);
  const edge = await start(t, { stdout: writer });
  closeSync(writer);
  await edge.makeLines();
  assert.equal(await edge.stop(), 0);
});

test('standard output is a socket whose other side is gone', options, async (t) => {
  const edge = await start(t, { stdout: 'pipe' });
  edge.child.stdout?.destroy();
  await edge.makeLines();
  assert.ok((await edge.lostLines()) > 20);
  assert.equal(await edge.stop(), 0);
});

test('standard output is a socket whose other side reads nothing', options, async (t) => {
  const edge = await start(t, { stdout: 'pipe' });
  edge.child.stdout?.pause();
  for (let round = 0; round < 20; round++) await edge.makeLines();
  assert.equal(await edge.stop(), 0);
});

test('standard output and standard error are closed at the start', options, async (t) => {
  const [rtmp, http] = [await freePort(), await freePort()];
  const file = join(directory(t), 'edge.conf');
  const exporter = `exporter { enabled on; listen 127.0.0.1:${http}; }`;
  writeFileSync(file, `listen 127.0.0.1:${rtmp}; grace_start_wait 0; ${exporter} vhost a { }`);
  const command = `exec "${process.execPath}" "${mainFile}" -c "${file}" >&- 2>&-`;
  const child = spawn('sh', ['-c', command], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  while (!(await fetch(`http://127.0.0.1:${http}/healthz`).then(Boolean, () => false))) {
    assert.equal(child.exitCode, null);
    await delay(50);
  }
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('a log file that SIGUSR1 finds replaced by a folder: lines go on to the old file', options, async (t) => {
  const log = join(directory(t), 'edge.log');
  const edge = await start(t, { stdout: 1, directives: `srs_log_tank file; srs_log_file ${log};` });
  renameSync(log, `${log}.1`);
  mkdirSync(log);
  edge.child.kill('SIGUSR1');
  while (!readFileSync(`${log}.1`, 'utf8').includes('log file cannot be opened')) await delay(20);
  await edge.makeLines();
  rmSync(log, { recursive: true });
  edge.child.kill('SIGUSR1');
  while (!existsSync(log)) await delay(20);
  assert.equal(await edge.lostLines(), 0);
  assert.equal(await edge.stop(), 0);
  assert.match(readFileSync(log, 'utf8'), /"draining"/);
});

test('an internal error with a log that cannot be written ends the process, with 70', options, async (t) => {
  const fault = 'process.on("SIGUSR2", () => { throw new Error("boom") })';
  const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(fault)}`];
  const { reader, writer } = pipe(t);
  t.after(() => closeSync(reader));
  const full = openSync('/dev/full', 'w');
  t.after(() => closeSync(full));
  for (const stdout of [full, writer]) {
    const edge = await start(t, { stdout, nodeArgs });
    edge.child.kill('SIGUSR2');
    edge.child.kill('SIGUSR2');
    assert.deepEqual(await once(edge.child, 'exit'), [70, null]);
  }
});

test(
  'one event a thousand times: the log says how many lines it leaves out, and other events are there',
  options,
  async (t) => {
    const log = join(directory(t), 'edge.log');
    const edge = await start(t, { stdout: 1, directives: `srs_log_tank file; srs_log_file ${log};` });
    for (let round = 0; round < 50; round++) await edge.makeLines();
    assert.equal(await edge.stop(), 0);
    const lines = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string; event?: string; lines?: number });
    const gone = lines.filter(({ msg }) => msg === 'client gone').length;
    const leftOut = lines.filter(({ msg, event }) => msg === 'log lines left out' && event === 'client gone');
    assert.ok(gone < 1_000, `${gone} lines`);
    assert.equal(gone + leftOut.reduce((sum, { lines = 0 }) => sum + lines, 0), 1_000);
    assert.ok(lines.some(({ msg }) => msg === 'draining'));
  },
);
