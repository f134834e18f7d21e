/** A log destination with real files behind it that cannot be written. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LogDestination } from '../../edge/log/destination.ts';

const options = { timeout: 90_000 };

interface Line {
  readonly n?: number;
  readonly lost?: number;
}

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'log-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** `refused()` resolves when the file could not be opened again. */
function destination(file: string): { log: LogDestination; refused: () => Promise<unknown> } {
  const events = new EventEmitter();
  const log = new LogDestination({
    file,
    lostLine: (lines) => `${JSON.stringify({ lost: lines })}\n`,
    reopenFailed: (error) => events.emit('refused', error),
  });
  return { log, refused: () => once(events, 'refused') };
}

function parse(text: string): Line[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Line);
}

function linesOf(file: string): Line[] {
  return parse(readFileSync(file, 'utf8'));
}

function write(log: LogDestination, from: number, to: number): void {
  for (let n = from; n < to; n++) log.write(`${JSON.stringify({ n })}\n`);
}

test('lines reach the file whole and in order', options, async (t) => {
  const file = join(directory(t), 'deep', 'edge.log');
  const { log } = destination(file);
  write(log, 0, 20_000);
  await log.settle();
  const expected = Array.from({ length: 20_000 }, (_, n) => ({ n }));
  assert.deepEqual(linesOf(file), expected);
  assert.equal(log.lostLines, 0);
});

test('a full disk: lines are lost and counted; when there is room again one line says how many', options, async (t) => {
  const file = join(directory(t), 'edge.log');
  symlinkSync('/dev/full', file);
  const { log } = destination(file);
  write(log, 0, 100);
  await log.settle();
  write(log, 100, 150);
  await log.settle();
  assert.equal(log.lostLines, 150);
  rmSync(file);
  log.reopen();
  write(log, 150, 152);
  await log.settle();
  write(log, 152, 153);
  await log.settle();
  assert.deepEqual(linesOf(file), [{ lost: 150 }, { n: 150 }, { n: 151 }, { n: 152 }]);
  assert.equal(log.lostLines, 150);
});

const mounting = { ...options, skip: process.getuid?.() === 0 ? false : 'mounting a file system needs root' };

test('a disk that becomes full within a line: what is written later can be read', mounting, async (t) => {
  const mount = mkdtempSync(join(tmpdir(), 'log-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', mount]);
  t.after(() => {
    // The log still holds its file open.
    execFileSync('umount', ['--lazy', mount]);
    rmdirSync(mount);
  });
  const file = join(mount, 'edge.log');
  const { log } = destination(file);
  const rest = join(mount, 'rest');
  writeFileSync(rest, Buffer.alloc(8 * 1024));
  let n = 0;
  while (log.lostLines === 0) {
    write(log, n, n + 50);
    n += 50;
    await log.settle();
  }
  rmSync(rest);
  write(log, n, n + 1);
  await log.settle();
  const text = readFileSync(file, 'utf8').split('\n');
  const told = text.indexOf(JSON.stringify({ lost: log.lostLines }));
  assert.deepEqual(text.slice(told + 1), [JSON.stringify({ n }), '']);
  // The line before is the torn one: it was begun, and is counted.
  assert.throws(() => JSON.parse(text[told - 1] ?? ''));
  assert.equal(parse(text.slice(0, told - 1).join('\n')).length + log.lostLines, n);
});

function pipe(t: TestContext): string {
  const file = join(directory(t), 'pipe');
  execFileSync('mkfifo', [file]);
  return file;
}

/** Opens the reading end, without waiting for a writer. */
function openReader(file: string): number {
  return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
}

/** What is in the pipe. */
function drain(fd: number): string {
  const bytes = Buffer.alloc(1024 * 1024);
  try {
    return bytes.toString('utf8', 0, readSync(fd, bytes));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
    return '';
  }
}

test('a pipe whose reader has stopped: lines wait, and those beyond a limit are lost', options, async (t) => {
  const file = pipe(t);
  const fd = openReader(file);
  t.after(() => closeSync(fd));
  const { log } = destination(file);
  write(log, 0, 500_000);
  await log.settle();
  const { lostLines } = log;
  assert.ok(lostLines > 300_000, `${lostLines}`);
  let text = '';
  while (!text.endsWith(`{"n":${499_999 - lostLines}}\n`)) {
    text += drain(fd);
    await new Promise(setImmediate);
  }
  write(log, 500_000, 500_001);
  await log.settle();
  text += drain(fd);
  const read = parse(text);
  const kept = Array.from({ length: 500_000 - lostLines }, (_, n) => n);
  assert.deepEqual(
    read.flatMap(({ n }) => n ?? []),
    [...kept, 500_000],
  );
  assert.deepEqual(
    read.flatMap(({ lost }) => lost ?? []),
    [lostLines],
  );
});

test('a pipe whose reader is gone: lines are lost until there is another one', options, async (t) => {
  const file = pipe(t);
  const first = openReader(file);
  const { log } = destination(file);
  closeSync(first);
  write(log, 0, 10);
  await log.settle();
  assert.equal(log.lostLines, 10);
  const second = openReader(file);
  t.after(() => closeSync(second));
  write(log, 10, 11);
  await log.settle();
  assert.deepEqual(parse(drain(second)), [{ lost: 10 }, { n: 10 }]);
});

test('a rotated file with a folder in its place: lines go on to the old file', options, async (t) => {
  const file = join(directory(t), 'edge.log');
  const { log, refused } = destination(file);
  write(log, 0, 1);
  await log.settle();
  renameSync(file, `${file}.1`);
  mkdirSync(file);
  const told = refused();
  log.reopen();
  await told;
  write(log, 1, 2);
  await log.settle();
  assert.deepEqual(linesOf(`${file}.1`), [{ n: 0 }, { n: 1 }]);
  rmSync(file, { recursive: true });
  log.reopen();
  write(log, 2, 3);
  await log.settle();
  assert.deepEqual(linesOf(file), [{ n: 2 }]);
  assert.equal(log.lostLines, 0);
});

test('a process that ends writes what it still holds', options, async (t) => {
  const file = join(directory(t), 'edge.log');
  const { log } = destination(file);
  write(log, 0, 3);
  log.writeNow();
  assert.deepEqual(linesOf(file), [{ n: 0 }, { n: 1 }, { n: 2 }]);
});
