/**
 * The demo as `make demo` runs it: with FFmpeg, without, stopped by Ctrl-C, with an edge that dies, and its HLS, which
 * is there where nginx is.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { ask, parsePlaylist } from '../support/hls-players.ts';
import { nginxMissing } from '../support/nginx.ts';
import { findProgram, missing, run, temporaryDirectory } from '../support/programs.ts';

const options = { timeout: 60_000 };

interface Demo {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves when the output holds a text. */
  said(text: string): Promise<void>;
  /** Resolves with the exit code. */
  ended(): Promise<number | null>;
}

/** @param prefix a command that runs what follows it */
function startDemo(context: TestContext, env: Readonly<Record<string, string>>, prefix: readonly string[] = []): Demo {
  const [program = '', ...args] = [...prefix, process.execPath, join(import.meta.dirname, 'demo.ts')];
  const child = spawn(program, args, {
    env: { ...process.env, DEMO_SECONDS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  context.after(async () => {
    // Not SIGKILL: it ends what it has started.
    child.kill('SIGTERM');
    await closed;
  });
  let text = '';
  const append = (bytes: Buffer): void => {
    text += bytes.toString();
  };
  child.stdout.on('data', append);
  child.stderr.on('data', append);
  return {
    child,
    output: () => text,
    async said(wanted) {
      while (!text.includes(wanted)) {
        await Promise.race([
          once(child.stdout, 'data'),
          closed.then(() => Promise.reject(new Error(`ended without "${wanted}":\n${text}`))),
        ]);
      }
    },
    async ended() {
      await closed;
      return child.exitCode;
    },
  };
}

/** Process ids of those that a process has started, by /proc. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => {
      try {
        // pid (command) state parent …: the command may hold anything.
        const stat = readFileSync(`/proc/${each}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid;
      } catch {
        return false; // It has just ended.
      }
    });
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Of the two that make HLS, and of the cache. */
const nginxes = nginxMissing() === false ? 3 : 0;

describe('the demo', { concurrency: 2 }, () => {
  it('ends by itself with a verdict, and leaves nothing behind', options, async (context) => {
    const demo = startDemo(context, { DEMO_SECONDS: '5' });
    await demo.said('is killed');
    const children = childrenOf(demo.child.pid!);
    // Both edges, the origins of which one is dying, and the encoder where there is one.
    assert.ok(children.length >= (findProgram('ffmpeg') === undefined ? 3 : 4));
    assert.equal(await demo.ended(), 0, demo.output());
    assert.match(demo.output(), /ok {4}25 players, 0 disconnected\n/);
    assert.match(demo.output(), /ok {4}frames missing: 0 of \d{4,}\n/);
    assert.deepEqual(children.filter(isRunning), []);
  });

  it(
    'publishes its clip where there is no FFmpeg, and goes without HLS where there is no nginx',
    options,
    async (context) => {
      const hide = '/usr/bin/mount -t tmpfs none /usr/lib/nginx && exec "$0" "$@"';
      const isRoot = process.getuid?.() === 0;
      const prefix = isRoot && nginxes > 0 ? ['/usr/bin/unshare', '--mount', '/bin/sh', '-c', hide] : [];
      const demo = startDemo(context, { DEMO_SECONDS: '5', PATH: '' }, prefix);
      assert.equal(await demo.ended(), 0, demo.output());
      assert.match(demo.output(), /a clip that is repeated/);
      if (nginxes === 0 || isRoot) {
        assert.match(demo.output(), /^There is no HLS: nginx.* is not installed \(Debian: .*\)\.$/m);
        assert.doesNotMatch(demo.output(), /HLS: \d/);
      }
    },
  );

  it('runs until Ctrl-C, judges, and leaves nothing behind', options, async (context) => {
    const demo = startDemo(context, { PATH: '' });
    await demo.said('from 127.0.0.1:');
    const children = childrenOf(demo.child.pid!);
    assert.equal(children.length, 4 + nginxes);
    demo.child.kill('SIGINT');
    assert.equal(await demo.ended(), 1, 'nothing had been killed yet');
    assert.match(demo.output(), /FAIL {2}an origin was killed 0 times/);
    assert.match(demo.output(), /25 players, 0 disconnected\n/);
    if (nginxes > 0) assert.match(demo.output(), /ok {4}HLS: \d+ segments, 0 missing/);
    assert.deepEqual(children.filter(isRunning), []);
  });

  it('fails when players are disconnected', options, async (context) => {
    const demo = startDemo(context, { PATH: '' });
    await demo.said('from 127.0.0.1:');
    const children = childrenOf(demo.child.pid!).sort((a, b) => a - b);
    // Started last: the edges.
    process.kill(children.at(-1)!, 'SIGKILL');
    assert.equal(await demo.ended(), 1);
    assert.match(demo.output(), /FAIL {2}25 players, (4|21) disconnected: /);
    assert.match(demo.output(), /FAIL {2}edge \d does not answer/);
    assert.deepEqual(children.filter(isRunning), []);
  });

  it('says what DEMO_SECONDS may be', options, async (context) => {
    const demo = startDemo(context, { DEMO_SECONDS: '2' });
    assert.equal(await demo.ended(), 2);
    assert.match(demo.output(), /at least 5/);
  });
});

/** In the demo's output. */
function urlOf(demo: Demo, what: RegExp): string {
  const [, url] = what.exec(demo.output()) ?? [];
  assert.ok(url, demo.output());
  return url;
}

describe('HLS in the demo', { skip: nginxMissing() || missing('ffmpeg', 'ffprobe') }, () => {
  it('goes on after an origin is killed, and its segments are whole', options, async (context) => {
    const demo = startDemo(context, {});
    await demo.said('from 127.0.0.1:');
    const url = urlOf(demo, /the cache +(http:\S+)/);
    const look = async () => parsePlaylist(`${(await ask(url)).body}`);
    await demo.said('is killed');
    const { sequence, segments } = await look();
    const killedAt = sequence + segments.length;
    const after = async (): Promise<readonly string[]> => {
      const now = await look();
      return now.segments.slice(Math.max(0, killedAt - now.sequence));
    };
    // The first of them may have begun before.
    while ((await after()).length < 3) await delay(100);
    const file = join(temporaryDirectory(context), 'segment.ts');
    for (const segment of await after()) {
      writeFileSync(file, (await ask(new URL(segment, url).href)).body);
      const said = run('ffmpeg', ['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-']).toString();
      assert.equal(said, '', segment);
      const count = [
        '-count_frames',
        '-select_streams',
        'v',
        '-show_entries',
        'stream=nb_read_frames',
        '-of',
        'csv=p=0',
      ];
      assert.match(run('ffprobe', ['-v', 'error', ...count, file]).toString(), /^50\b/, segment);
    }
    demo.child.kill('SIGINT');
    await demo.ended();
    assert.match(demo.output(), /ok {4}HLS: \d+ segments, 0 missing/);
  });

  it('plays in a page beside HTTP-FLV, also after an origin is killed', {
    ...options,
    skip: missing('chromium'),
  }, async (context) => {
    const demo = startDemo(context, { PATH: '' });
    await demo.said('from 127.0.0.1:');
    const url = urlOf(demo, /HLS +in a browser +(http:\S+)/);
    const browser = await chromium.launch({
      executablePath: findProgram('chromium') ?? '',
      args: ['--headless', '--no-sandbox', '--disable-gpu'],
    });
    context.after(() => browser.close());
    const page = await browser.newPage({ viewport: { width: 390, height: 844 } });
    await page.goto(url);
    const atLeast = (seconds: number) =>
      page.waitForFunction(`['flv', 'hls'].every((id) => document.getElementById(id).currentTime > ${seconds})`);
    await atLeast(1);
    await demo.said('is back');
    const reached = await page.evaluate<number>(
      `Math.max(...['flv', 'hls'].map((id) => document.getElementById(id).currentTime))`,
    );
    await atLeast(reached + 2);
    assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true);
    await page.waitForFunction(`document.getElementById('figures').textContent.includes('killed')`);
  });
});
