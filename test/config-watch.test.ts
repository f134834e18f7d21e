/** Files of a configuration that change in all the ways files do. */

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fingerprintOfAll } from '../edge/conf/fingerprint.ts';
import { ConfigWatch } from '../edge/config-watch.ts';

const options = { timeout: 90_000 };

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'watch-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** Watches; `next()` resolves at the next change. */
function watched(t: TestContext, ...files: string[]): { next: () => Promise<unknown>; count: () => number } {
  const events = new EventEmitter();
  let count = 0;
  const watch = new ConfigWatch(files, fingerprintOfAll(files), () => {
    count++;
    events.emit('changed');
  });
  t.after(() => watch.close());
  return { next: () => once(events, 'changed'), count: () => count };
}

test('a file written in place, several times in a row: one change', options, async (t) => {
  const file = join(directory(t), 'edge.conf');
  writeFileSync(file, 'a');
  const { next, count } = watched(t, file);
  const changed = next();
  for (const text of ['b', 'bb', 'bbb']) writeFileSync(file, text);
  await changed;
  assert.equal(count(), 1);
});

test('a file replaced by another', options, async (t) => {
  const path = directory(t);
  const file = join(path, 'edge.conf');
  writeFileSync(file, 'a');
  const { next } = watched(t, file);
  for (let round = 0; round < 2; round++) {
    const changed = next();
    writeFileSync(join(path, 'new'), `b${round}`);
    renameSync(join(path, 'new'), file);
    await changed;
  }
});

test('a file that is deleted, and comes back', options, async (t) => {
  const file = join(directory(t), 'edge.conf');
  writeFileSync(file, 'a');
  const { next } = watched(t, file);
  const gone = next();
  rmSync(file);
  await gone;
  const back = next();
  writeFileSync(file, 'a');
  await back;
});

test('a mounted ConfigMap: the link ..data is swapped, again and again', options, async (t) => {
  const mount = directory(t);
  const version = (name: string, text: string): void => {
    mkdirSync(join(mount, name));
    writeFileSync(join(mount, name, 'edge.conf'), text);
    symlinkSync(name, join(mount, '..data_tmp'));
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
  };
  version('..1', 'a');
  symlinkSync(join('..data', 'edge.conf'), join(mount, 'edge.conf'));
  const { next } = watched(t, join(mount, 'edge.conf'));
  for (const [before, name] of [
    ['..1', '..2'],
    ['..2', '..3'],
  ] as const) {
    const changed = next();
    version(name, 'b');
    rmSync(join(mount, before), { recursive: true });
    await changed;
  }
});

test('an included file in another directory', options, async (t) => {
  const [one, other] = [join(directory(t), 'edge.conf'), join(directory(t), 'vhosts.conf')];
  writeFileSync(one, 'a');
  writeFileSync(other, 'a');
  const { next } = watched(t, one, other);
  const changed = next();
  writeFileSync(other, 'b');
  await changed;
});

test('a log file beside it that is written all the time is no change, and hides none', options, async (t) => {
  const path = directory(t);
  const file = join(path, 'edge.conf');
  writeFileSync(file, 'a');
  const { next, count } = watched(t, file);
  let lines = 0;
  const log = setInterval(() => writeFileSync(join(path, 'edge.log'), `${++lines}`), 5);
  t.after(() => clearInterval(log));
  while (lines < 40) await delay(10);
  assert.equal(count(), 0);
  const changed = next();
  writeFileSync(file, 'b');
  await changed;
});

test(
  'a circle of links, a folder that is gone, a folder in the place of the file: changes, and no end',
  options,
  async (t) => {
    const root = directory(t);
    const folder = join(root, 'conf');
    const file = join(folder, 'edge.conf');
    mkdirSync(folder);
    writeFileSync(file, 'a');
    const { next } = watched(t, file);
    const steps: (() => void)[] = [
      () => {
        rmSync(file);
        symlinkSync('edge.conf', file);
      },
      () => {
        rmSync(file);
        mkdirSync(file);
      },
      () => rmSync(folder, { recursive: true }),
      () => {
        mkdirSync(folder);
        writeFileSync(file, 'b');
      },
      () => writeFileSync(file, 'bb'),
      () => {
        mkdirSync(join(root, 'other'));
        writeFileSync(join(root, 'other', 'edge.conf'), 'c');
        renameSync(folder, join(root, 'away'));
        renameSync(join(root, 'other'), folder);
      },
      () => writeFileSync(file, 'cc'),
    ];
    for (const step of steps) {
      const changed = next();
      step();
      await changed;
    }
  },
);

test('links that lead to links: whichever is swapped, and what the last one leads to', options, async (t) => {
  const [one, two, three] = [directory(t), directory(t), directory(t)];
  for (const folder of [two, three]) writeFileSync(join(folder, 'edge.conf'), folder);
  symlinkSync(two, join(one, 'current'));
  symlinkSync(join(one, 'current', 'edge.conf'), join(one, 'edge.conf'));
  const { next } = watched(t, join(one, 'edge.conf'));
  for (const step of [
    () => {
      symlinkSync(three, join(one, 'next'));
      renameSync(join(one, 'next'), join(one, 'current'));
    },
    () => writeFileSync(join(three, 'edge.conf'), 'changed'),
  ]) {
    const changed = next();
    step();
    await changed;
  }
});

test('a change between reading and the start of the watch', options, async (t) => {
  const file = join(directory(t), 'edge.conf');
  writeFileSync(file, 'a');
  const known = fingerprintOfAll([file]);
  writeFileSync(file, 'bb');
  await new Promise<void>((resolve) => {
    const watch = new ConfigWatch([file], known, resolve);
    t.after(() => watch.close());
  });
});

test('after the end of the watch nothing is told', options, async (t) => {
  const path = directory(t);
  const file = join(path, 'edge.conf');
  writeFileSync(file, 'a');
  let count = 0;
  const watch = new ConfigWatch([file], fingerprintOfAll([file]), () => {
    count++;
  });
  const { next } = watched(t, file);
  writeFileSync(file, 'b');
  watch.close();
  await next();
  assert.equal(count, 0);
});
