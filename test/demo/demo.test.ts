/** The demo as `make demo` runs it: with FFmpeg, without, stopped by Ctrl-C, and with an edge that dies. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { findProgram } from '../support/programs.ts';

const options = { timeout: 60_000 };

interface Demo {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves when the output holds a text. */
  said(text: string): Promise<void>;
  /** Resolves with the exit code. */
  ended(): Promise<number | null>;
}

function startDemo(context: TestContext, env: Readonly<Record<string, string>>): Demo {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'demo.ts')], {
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

  it('publishes its clip where there is no FFmpeg', options, async (context) => {
    const demo = startDemo(context, { DEMO_SECONDS: '5', PATH: '' });
    assert.equal(await demo.ended(), 0, demo.output());
    assert.match(demo.output(), /a clip that is repeated/);
  });

  it('runs until Ctrl-C, judges, and leaves nothing behind', options, async (context) => {
    const demo = startDemo(context, { PATH: '' });
    await demo.said('from 127.0.0.1:');
    const children = childrenOf(demo.child.pid!);
    assert.equal(children.length, 4);
    demo.child.kill('SIGINT');
    assert.equal(await demo.ended(), 1, 'nothing had been killed yet');
    assert.match(demo.output(), /FAIL {2}an origin was killed 0 times/);
    assert.match(demo.output(), /25 players, 0 disconnected\n/);
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
