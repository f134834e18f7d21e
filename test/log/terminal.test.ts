/** Logs where standard output is a terminal: for people. Elsewhere they stay JSON, and cost nothing more. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { readable, wantsColours } from '../../edge/log/terminal.ts';
import { missing, run, temporaryDirectory } from '../support/programs.ts';
import { originConfig } from '../support/rtmp-config.ts';

const root = join(import.meta.dirname, '../..');
const main = join(root, 'edge/main.ts');
const colour = '\u001b[';

const line = (fields: object): string => `${JSON.stringify({ level: 30, time: 0, pid: 7, ...fields })}\n`;

describe('a log line for people', () => {
  test('is one line: when, how grave, what, and the rest', () => {
    const text = readable(false)(line({ protocol: 'rtmp', port: 1935, msg: 'listening' }));
    assert.match(
      text,
      /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] INFO: listening \{"protocol":"rtmp","port":1935\}\n$/,
    );
  });

  test('has colours where they are wanted', () => {
    const warning = line({ level: 40, msg: 'origin failed' });
    assert.ok(readable(true)(warning).includes(colour));
    assert.ok(!readable(false)(warning).includes(colour));
  });

  test('does nothing to the terminal by what clients and origins say', () => {
    const hostile = 'a\u001b[2J\u009b1m\r\b\u0007\u007f\\';
    const error = { type: 'Error', message: hostile, stack: `Error: ${hostile}\n    at here` };
    for (const fields of [{ msg: hostile }, { stream: hostile, msg: 'refused' }, { err: error, msg: 'failed' }]) {
      const text = readable(false)(line(fields));
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
      assert.ok(text.includes('\\u001b[2J'), 'and still says what was said');
    }
  });

  test('what is no JSON stays as it is', () => assert.equal(readable(false)('words\n').trim(), 'words'));
});

test('who wants colours', () => {
  assert.equal(wantsColours({ TERM: 'xterm' }), true);
  assert.equal(wantsColours({ TERM: 'xterm', NO_COLOR: '' }), true, 'an empty NO_COLOR says nothing');
  assert.equal(wantsColours({ TERM: 'xterm', NO_COLOR: '1' }), false);
  assert.equal(wantsColours({ TERM: 'dumb' }), false);
});

/** What a command writes to a terminal until it ends, or until it has said `enough`, when `end` ends it. */
async function onTerminal(command: string, environment: NodeJS.ProcessEnv, enough?: RegExp, end?: () => void) {
  const { NO_COLOR: _, ...inherited } = process.env;
  const env = { ...inherited, TERM: 'xterm', SHELL: '/bin/sh', ...environment };
  // Of util-linux: it has a terminal for the command, and writes what comes from there to its own output.
  const child = spawn('script', ['--quiet', '--command', `exec ${command}`, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => {
    const before = said;
    said += bytes.toString();
    if (enough !== undefined && !enough.test(before) && enough.test(said)) end?.();
  });
  await once(child, 'close');
  return said;
}

/** An edge on a terminal, from its start until Ctrl-C. */
function edgeOnTerminal(t: TestContext, environment: NodeJS.ProcessEnv): Promise<string> {
  const directory = temporaryDirectory(t);
  const [conf, pid] = [join(directory, 'edge.conf'), join(directory, 'edge.pid')];
  writeFileSync(conf, originConfig({ root: `pid ${pid};` }));
  return onTerminal(`${process.execPath} ${main} -c ${conf}`, environment, /started/, () => {
    const look = setInterval(() => {
      try {
        process.kill(Number.parseInt(readFileSync(pid, 'utf8'), 10), 'SIGINT');
      } catch {
        // It is written when the edge has started.
        return;
      }
      clearInterval(look);
    }, 20);
  });
}

const options = { timeout: 90_000, skip: missing('script') };

describe('on a terminal', { concurrency: 2 }, () => {
  test('an edge writes for people, in colours', options, async (t) => {
    const said = await edgeOnTerminal(t, {});
    assert.match(said, /\] \S*INFO\S*: \S*started/);
    assert.ok(said.includes(colour));
    assert.doesNotMatch(said, /^\{"level"/m);
  });

  test('without colours where NO_COLOR says so', options, async (t) => {
    const said = await edgeOnTerminal(t, { NO_COLOR: '1' });
    assert.match(said, /\] INFO: started/);
    assert.ok(!said.includes('\u001b'));
  });

  test('the operator, too', options, async () => {
    const command = `${process.execPath} ${join(root, 'operator/edgecluster.ts')} operator --kubeconfig /nowhere`;
    const said = await onTerminal(command, { NO_COLOR: '1', EDGE_IMAGE: 'edge:1' });
    assert.match(said, /\] FATAL: there is no way to a cluster/);
    assert.ok(!said.includes('\u001b'));
    assert.ok((await onTerminal(command, { EDGE_IMAGE: 'edge:1' })).includes(colour));
  });
});

test('where no terminal is, what writes for people is not even loaded', () => {
  const program = `
    import { createRequire } from 'node:module';
    import { EdgeLog } from ${JSON.stringify(join(root, 'edge/log/log.ts'))};
    const log = new EdgeLog({ level: 'info', file: undefined });
    const loaded = Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes('pino-pretty'));
    log.logger.info({ loaded }, 'here');
    await log.settle();`;
  const said = run(process.execPath, ['--input-type=module', '--eval', program]).toString();
  assert.deepEqual(JSON.parse(said).loaded, []);
});
