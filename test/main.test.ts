/** The command as it is typed: arguments, what it says and where, and exit codes. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { run } from './support/programs.ts';

// It names a program for other tests. An edge warns of each variable of this kind that it does not know.
delete process.env.SRS_BIN;

const mainFile = join(import.meta.dirname, '../edge/main.ts');
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
  version: string;
};
const options = { timeout: 100_000 };

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const commands = { edge: mainFile, edgecluster: join(import.meta.dirname, '../operator/edgecluster.ts') };
/** A Node.js that the machine may have beside the one that runs the tests. */
const systemNode = '/usr/bin/node';
const systemVersion = existsSync(systemNode) ? run(systemNode, ['--version']).toString() : 'v99';

describe('the command', { concurrency: 3 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'main-'));
  after(() => rmSync(directory, { recursive: true }));

  function conf(name: string, content: string): string {
    const file = join(directory, `${name}.conf`);
    writeFileSync(file, content);
    return file;
  }

  const edge = (...args: string[]): Promise<Said> => said(process.execPath, mainFile, ...args);

  async function said(program: string, ...args: string[]): Promise<Said> {
    const { SRS_CONFIG_FILE: _, ...env } = process.env;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    const [[code], out, err] = await Promise.all([
      once(child, 'exit') as Promise<[number]>,
      text(child.stdout),
      text(child.stderr),
    ]);
    return { code, out, err };
  }

  test('--version, and --help on standard output: 0', options, async () => {
    assert.deepEqual(await edge('--version'), { code: 0, out: `${version}\n`, err: '' });
    const { code, out, err } = await edge('--help');
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^usage: edge -c FILE/);
  });

  for (const [name, file] of Object.entries(commands)) {
    const needs = new RegExp(`^${name} needs Node.js 22\\.19\\.0 or later, and this is `);

    test(`${name} on an old Node.js says which one it needs`, options, async () => {
      const pretence = join(directory, 'old.cjs');
      writeFileSync(pretence, "Object.defineProperty(process, 'versions', { value: { node: '20.1.0' } });");
      const { code, err } = await said(process.execPath, '--require', pretence, file, '--version');
      assert.equal(code, 1);
      assert.match(err, needs);
    });

    const skip = Number.parseInt(systemVersion.slice(1), 10) >= 22 && `${systemNode} is no old Node.js`;
    test(`${name} on a real old Node.js`, { ...options, skip }, async () => {
      const { code, err } = await said(systemNode, file);
      assert.equal(code, 1);
      assert.match(err, needs);
    });
  }

  test('packages that are not installed: what to do', options, async () => {
    const [copy, main] = [join(directory, 'sources'), 'main.cjs'];
    mkdirSync(copy);
    cpSync(join(dirname(mainFile), main), join(copy, main));
    writeFileSync(join(copy, 'command.ts'), "import 'a-package-that-nobody-has';\n");
    const { code, err } = await said(process.execPath, join(copy, main));
    assert.equal(code, 1);
    assert.match(err, /a-package-that-nobody-has.*\n.*run "npm install --no-save"/);
  });

  test('-t: 0 for what can be used, with a warning for each directive without effect', options, async () => {
    const file = conf('usable', 'listen 1935;\nvhost __defaultVhost__ {\n  hls { enabled on; }\n}\n');
    const { code, out, err } = await edge('-t', '-c', file);
    assert.equal(code, 0);
    assert.equal(out, `the configuration file ${file} can be used\n`);
    assert.match(err, /usable\.conf:3:3: "hls" has no effect/);
    assert.equal(err.trim().split('\n').length, 1);
  });

  test('-t: 1 for what cannot, with file, line, column and the nearest name', options, async () => {
    const { code, out, err } = await edge('-t', '-c', conf('wrong', 'listen 1935;\nvhost a {\n  paly { }\n}\n'));
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /wrong\.conf:3:3: unknown directive "paly".*did you mean "play"\?/);
    assert.equal((await edge('-t', '-c', join(directory, 'missing.conf'))).code, 1);
  });

  test('-t: 1 for a secret of TLS tickets that is too short, naming the file and its line', options, async () => {
    const secret = join(directory, 'tickets');
    writeFileSync(secret, '# ours\nshort\n');
    const text = `listen 1935; edge { tls_ticket_keys_file ${secret}; } vhost a { }`;
    const { code, err } = await edge('-t', '-c', conf('tickets', text));
    assert.equal(code, 1);
    assert.match(
      err,
      /^edge\.tls_ticket_keys_file: .*tickets cannot be used: the secret in line 2 has 5 characters: 32 are needed$/m,
    );
  });

  test('-t: 1 for a TLS listener whose key cannot be used, naming the file', options, async () => {
    const tls = 'rtmps { enabled on; listen 1443; key /nowhere/tls.key; cert /nowhere/tls.crt; }';
    const { code, err } = await edge('-t', '-c', conf('tls', `listen 1935; ${tls} vhost a { }`));
    assert.equal(code, 1);
    assert.match(err, /rtmps: .*\/nowhere\/tls\.key/);
  });

  test(
    '-T: what is in force, from included files and former words, in a form that can be used again',
    options,
    async () => {
      conf('included', 'chunk_size 4096;\n');
      const file = conf('former', 'listen 1935;\ninclude included.conf;\nvhost a { mode remote; origin b:1935; }\n');
      const { code, out, err } = await edge('-T', '-c', file);
      assert.equal(code, 0);
      assert.match(err, /former\.conf:3:/, 'warnings stay beside it');
      assert.match(out, /^chunk_size 4096;$/m);
      assert.match(out, /cluster \{\s+mode remote;\s+origin b:1935;/);
      assert.deepEqual(await edge('-T', '-c', conf('printed', out)), { code: 0, out, err: '' });
      const broken = await edge('-T', '-c', conf('broken', 'listen x;\n'));
      assert.deepEqual([broken.code, broken.out], [1, '']);
    },
  );

  test('the sample can be used as it is', options, async () => {
    const { code, err } = await edge('-t', '-c', join(import.meta.dirname, '../edge/conf/sample.conf'));
    assert.deepEqual([code, err], [0, '']);
  });

  test('no arguments: a first try, which serves on this machine only and says how', options, async (t) => {
    const anyPort = '127.0.0.1:0';
    const { SRS_CONFIG_FILE: _, ...env } = process.env;
    const ports = { SRS_LISTEN: anyPort, SRS_HTTP_API_LISTEN: anyPort, SRS_HTTP_SERVER_LISTEN: anyPort };
    const child = spawn(process.execPath, [mainFile], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...env, ...ports },
    });
    t.after(() => child.kill('SIGKILL'));
    let said = '';
    for await (const bytes of child.stderr) {
      said += bytes;
      if (said.includes('edge --help')) break;
    }
    const [, page] = /play +(http:\/\/127\.0\.0\.1:\d+\/)#\/live\/livestream\.flv/.exec(said) ?? [];
    assert.ok(page !== undefined, said);
    assert.match(await (await fetch(page)).text(), /<html/);
    const [, figures] = /curl (http\S+)/.exec(said) ?? [];
    assert.ok(figures !== undefined, said);
    assert.deepEqual(((await (await fetch(figures)).json()) as { streams: unknown }).streams, []);
    assert.equal(new URL((/rtmp:\S+/.exec(said) ?? [''])[0]).hostname, '127.0.0.1');
    child.kill('SIGHUP');
    assert.deepEqual(await once(child, 'exit'), [0, null], 'its terminal is closed');
  });

  test('signals that come while it starts are obeyed when it has', options, async (t) => {
    const api = 'http_api { enabled on; listen 127.0.0.1:0; }';
    const file = conf('early', `listen 127.0.0.1:0; inotify_auto_reload off; grace_start_wait 0; ${api} vhost a { }`);
    const start = async (signal: NodeJS.Signals): Promise<[ChildProcess, AsyncIterator<string>]> => {
      const child = spawn(process.execPath, [mainFile, '-c', file], { stdio: ['ignore', 'pipe', 'inherit'] });
      t.after(() => child.kill('SIGKILL'));
      // Its listeners are there before all else: the kernel knows when. SIGQUIT's comes after those of the signals that
      // are sent here; SIGTERM's own bit tells nothing, since Node.js catches that one from its own start.
      const hearsSigquit = /SigCgt:.*[4-7c-f]\n/;
      while (!hearsSigquit.test(readFileSync(`/proc/${child.pid}/status`, 'utf8'))) await setImmediate();
      child.kill(signal);
      return [child, createInterface({ input: child.stdout })[Symbol.asyncIterator]()];
    };
    const line = async (lines: AsyncIterator<string>, what: RegExp): Promise<string> => {
      for (;;) {
        const { value, done } = await lines.next();
        assert.ok(done !== true, `it ended before ${what}`);
        if (what.test(value)) return value;
      }
    };
    const [reloaded, said] = await start('SIGHUP');
    const { port } = JSON.parse(await line(said, /"http-api"/)) as { port: number };
    await line(said, /"started"/);
    const config = async (): Promise<{ reload: object | null }> =>
      (await fetch(`http://127.0.0.1:${port}/api/v1/config`)).json() as Promise<{ reload: object | null }>;
    while ((await config()).reload === null) await setImmediate();
    reloaded.kill('SIGTERM');
    assert.deepEqual(await once(reloaded, 'exit'), [0, null]);
    const [stopped, saidThen] = await start('SIGTERM');
    await line(saidThen, /"draining"/);
    if (stopped.exitCode === null) await once(stopped, 'exit');
    assert.equal(stopped.exitCode, 0);
  });

  test('wrong arguments, or nothing to test: 2, and the usage on standard error', options, async () => {
    for (const args of [['-t'], ['--frob'], ['file.conf']]) {
      const { code, out, err } = await edge(...args);
      assert.deepEqual([code, out], [2, ''], args.join(' '));
      assert.match(err, /usage: edge -c FILE/);
    }
  });

  test('a pid file, and a log of its own: written while it runs; the pid file goes with it', options, async (t) => {
    const [pid, log] = [join(directory, 'run/edge.pid'), join(directory, 'log/edge.log')];
    const where = `pid ${pid}; srs_log_tank file; srs_log_file ${log}; srs_log_level warn;`;
    const file = conf('files', `listen 127.0.0.1:0; grace_start_wait 0; ${where} vhost a { hls { enabled on; } }`);
    mkdirSync(join(directory, 'run'));
    const watcher = watch(join(directory, 'run'));
    t.after(() => watcher.close());
    const written = once(watcher, 'change');
    const child = spawn(process.execPath, [mainFile, '-c', file], { stdio: 'inherit' });
    t.after(() => child.kill('SIGKILL'));
    await written;
    while (readFileSync(pid, 'utf8') !== `${child.pid}\n`) await setImmediate();
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.equal(existsSync(pid), false);
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    assert.equal(lines.length, 1, 'nothing below warn');
    assert.match(lines[0] ?? '', /"hls\\" has no effect/);
  });

  test('a pid file that another edge has written since stays', options, async (t) => {
    const pid = join(directory, 'shared.pid');
    const file = conf('shared', `listen 127.0.0.1:0; grace_start_wait 0; pid ${pid}; vhost a { }`);
    const start = async (): Promise<ChildProcess> => {
      const child = spawn(process.execPath, [mainFile, '-c', file], { stdio: 'ignore' });
      t.after(() => child.kill('SIGKILL'));
      while (!existsSync(pid) || readFileSync(pid, 'utf8') !== `${child.pid}\n`) await setImmediate();
      return child;
    };
    const [first, second] = [await start(), await start()];
    first.kill('SIGTERM');
    await once(first, 'exit');
    assert.equal(readFileSync(pid, 'utf8'), `${second.pid}\n`);
    second.kill('SIGTERM');
    await once(second, 'exit');
    assert.equal(existsSync(pid), false);
  });

  test('SIGUSR1 opens the log file anew when it has been moved away', options, async (t) => {
    const log = join(directory, 'rotated.log');
    const file = conf(
      'rotated',
      `listen 127.0.0.1:0; grace_start_wait 0; srs_log_tank file; srs_log_file ${log}; vhost a { }`,
    );
    const child = spawn(process.execPath, [mainFile, '-c', file], { stdio: 'inherit' });
    t.after(() => child.kill('SIGKILL'));
    while (!existsSync(log) || !readFileSync(log, 'utf8').includes('"started"')) await setImmediate();
    renameSync(log, `${log}.1`);
    child.kill('SIGUSR1');
    while (!existsSync(log)) await setImmediate();
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.match(readFileSync(log, 'utf8'), /"draining"/);
    assert.doesNotMatch(readFileSync(`${log}.1`, 'utf8'), /"draining"/);
  });

  test('a pid file, a log or a key that cannot be had: 1, and which', options, async () => {
    // A file is no directory, not even to root.
    const nowhere = join(conf('file', ''), 'in-a-file');
    const key = `rtmps { enabled on; listen 127.0.0.1:0; key ${nowhere}; cert ${nowhere}; }`;
    for (const [directives, message] of [
      [`pid ${nowhere};`, /^cannot write the pid file: .*file\.conf/],
      [`srs_log_tank file; srs_log_file ${nowhere};`, /^cannot write the log: .*file\.conf/],
      [key, /^cannot listen: .*in-a-file'\n$/],
    ] as const) {
      const { code, err } = await edge('-c', conf('start', `listen 127.0.0.1:0; ${directives} vhost a { }`));
      assert.equal(code, 1, err);
      assert.match(err, message);
    }
  });
});
