/** Reloads that are asked for at the same time. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { diffConfig } from '../edge/conf/diff.ts';
import { loadConfig } from '../edge/conf/load.ts';
import { Reloader } from '../edge/reload.ts';
import { temporaryDirectory } from './support/programs.ts';

test('a hundred that are asked for at once are one; what is asked for while one is under way is read after it', async (t) => {
  const file = join(temporaryDirectory(t), 'edge.conf');
  const write = (chunkSize: number): void =>
    writeFileSync(file, `listen 1935; vhost __defaultVhost__ { chunk_size ${chunkSize}; }`);
  write(1_000);
  const loaded = loadConfig(file);
  const taken: (number | undefined)[] = [];
  const applying = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const reloader = new Reloader({
    loaded,
    read: () => loadConfig(file),
    apply: async (config) => {
      taken.push(config.vhosts[0]?.chunkSize);
      begun.resolve();
      await applying.promise;
      return diffConfig(loaded.config, config);
    },
    log: pino({ level: 'silent' }),
    done: () => {},
  });
  t.after(() => reloader.close());
  const hundred = (): Promise<{ readonly ok: boolean }>[] => Array.from({ length: 100 }, () => reloader.reload());

  const first = hundred();
  await begun.promise;
  write(2_000);
  const second = hundred();
  applying.resolve();
  assert.ok((await Promise.all([...first, ...second])).every(({ ok }) => ok));
  assert.deepEqual(taken, [1_000, 2_000]);

  writeFileSync(file, 'vhost {');
  assert.ok((await Promise.all(hundred())).every(({ ok }) => !ok));
  write(3_000);
  assert.ok((await Promise.all(hundred())).every(({ ok }) => ok));
  assert.deepEqual(taken, [1_000, 2_000, 3_000]);
});

test('a reload that comes before the edge has started decides whether files are watched', async (t) => {
  const file = join(temporaryDirectory(t), 'edge.conf');
  const write = (auto: string, chunkSize: number): void =>
    writeFileSync(
      file,
      `listen 1935; inotify_auto_reload ${auto}; vhost __defaultVhost__ { chunk_size ${chunkSize}; }`,
    );
  write('off', 1_000);
  const loaded = loadConfig(file);
  const taken = Promise.withResolvers<void>();
  const reloader = new Reloader({
    loaded,
    read: () => loadConfig(file),
    apply: async (config) => {
      if (config.vhosts[0]?.chunkSize === 3_000) taken.resolve();
      return diffConfig(loaded.config, config);
    },
    log: pino({ level: 'silent' }),
    done: () => {},
  });
  t.after(() => reloader.close());
  write('on', 2_000);
  await reloader.reload();
  reloader.watch();
  write('on', 3_000);
  await taken.promise;
});
