/** Everything that can happen to the files of a configuration while the edge runs: it goes on, and takes what can be used. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LogLine } from '../support/edge-process.ts';
import { player, startEdge, testOptions } from '../support/rtmp-scene.ts';

test(
  'files that vanish, circle, are empty or wrong are failed reloads; when they are right again, they are taken',
  testOptions,
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'files-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const conf = join(folder, 'conf');
    const [main, included, more] = ['main.conf', 'vhosts.conf', 'more.conf'].map((name) => join(conf, name)) as [
      string,
      string,
      string,
    ];
    let chunkSize = 1_000;
    const vhosts = (): string => `vhost __defaultVhost__ { chunk_size ${++chunkSize}; }`;
    mkdirSync(conf);
    writeFileSync(main, `include ${included};`);
    writeFileSync(included, vhosts());
    const edge = await startEdge(t, `listen 127.0.0.1:0; grace_start_wait 0; include ${main};`);
    const watcher = await player(t, edge);

    const after = async (step: () => void, isOutcome: (line: LogLine) => boolean): Promise<void> => {
      const since = edge.log.length;
      step();
      await edge.logged(isOutcome, since);
    };
    // A step of several calls may be seen half done: that is a failed reload with another reason.
    const fails = (step: () => void, why: RegExp): Promise<void> =>
      after(step, ({ msg, reason }) => msg.startsWith('reload failed') && why.test(String(reason)));
    const succeeds = (step: () => void): Promise<void> => after(step, ({ msg }) => msg === 'configuration changed');

    await fails(() => rmSync(included), /vhosts\.conf.*ENOENT/);
    await succeeds(() => writeFileSync(included, vhosts()));
    await fails(() => {
      rmSync(included);
      symlinkSync(included, included);
    }, /vhosts\.conf.*ELOOP/);
    await succeeds(() => {
      rmSync(included);
      writeFileSync(included, vhosts());
    });
    await fails(() => renameSync(conf, `${conf}.away`), /main\.conf.*ENOENT/);
    await succeeds(() => {
      renameSync(`${conf}.away`, conf);
      writeFileSync(included, vhosts());
    });
    await fails(() => writeFileSync(included, ''), /has no vhost, while the running configuration has some/);
    await succeeds(() => writeFileSync(included, vhosts()));
    await fails(() => {
      writeFileSync(more, 'vhost a.test {');
      writeFileSync(main, `include ${included} ${more};`);
    }, /more\.conf/);
    await succeeds(() => writeFileSync(more, 'vhost a.test { }'));
    assert.equal(watcher.closed, false);
    edge.signal('SIGINT');
    assert.equal(await edge.exit(), 0);
  },
);
