/**
 * The command `edge`: reads its arguments and configuration, runs the edge, and obeys signals.
 *
 * Exit codes: 0 stopped as asked; 1 the configuration cannot be used, or an address or file it names; 2 wrong
 * arguments; 70 an internal error; 128 + signal when a second signal ended it at once.
 */

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { parseArguments } from './conf/arguments.ts';
import { loadChosen } from './conf/chosen.ts';
import type { Loaded } from './conf/load.ts';
import type { EdgeConfig } from './conf/model.ts';
import { printConfig } from './conf/print.ts';
import { ConfigError, formatProblem } from './conf/problem.ts';
import { Edge } from './edge.ts';
import { firstTry, tellFirstTry } from './first-try.ts';
import { EdgeLog } from './log/log.ts';
import { readTicketSecret } from './server/ticket-keys.ts';
import { certificateOf } from './server/tls.ts';
import { version } from './version.ts';

const usage = `usage: edge -c FILE          run with a configuration in SRS's syntax
       edge                  a first try: origin and edge in one, on this machine only
       edge -t -c FILE       test the configuration: exit 0 if it can be used, else 1
       edge -T -c FILE       test it, and print what is in force: with included files, environment and translations
       edge --version | --help

Example: edge -t -c edge.conf && edge -c edge.conf

Signals: SIGHUP reloads the configuration; SIGUSR1 opens the log file again, for logrotate. SIGTERM and SIGQUIT let
present clients finish; SIGINT, or a second signal, ends at once.`;

const ExitCode = { configuration: 1, usage: 2, internal: 70, signal: 128 } as const;

/** What was asked for. Without a file: a first try. */
type Asked = { readonly what: 'first try' } | { readonly what: 'run' | 'test' | 'print'; readonly file: string };

function readArguments(): Asked {
  let values: { config?: string; test?: boolean; print?: boolean; version?: boolean; help?: boolean };
  try {
    ({ values } = parseArguments({
      options: {
        config: { type: 'string', short: 'c' },
        test: { type: 'boolean', short: 't' },
        print: { type: 'boolean', short: 'T' },
        version: { type: 'boolean', short: 'v' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    return fail(ExitCode.usage, `${(error as Error).message}\n\n${usage}`);
  }
  if (values.help === true) return finish(usage);
  if (values.version === true) return finish(version);
  // SRS reads this variable, too.
  const file = values.config ?? process.env.SRS_CONFIG_FILE;
  if (values.test === true || values.print === true) {
    if (file === undefined) return fail(ExitCode.usage, `which configuration? Say -c FILE\n${usage}`);
    return { what: values.print === true ? 'print' : 'test', file };
  }
  return file === undefined ? { what: 'first try' } : { what: 'run', file };
}

/** Throws ConfigError. */
type ReadConfig = () => Loaded;

function readConfig(read: ReadConfig): Loaded {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return fail(ExitCode.configuration, error.message);
  }
}

/** What a test of the configuration finds beyond its words: keys, certificates and secrets that cannot be used. */
function checkFiles({ rtmps, httpApi, httpServer, edge }: EdgeConfig): void {
  const listeners = { rtmps, 'http_api.https': httpApi.https, 'http_server.https': httpServer.https };
  for (const [name, listen] of Object.entries(listeners)) {
    try {
      if (listen.enabled) createSecureContext(certificateOf(listen));
    } catch (error) {
      fail(ExitCode.configuration, `${name}: its key and certificate cannot be used: ${(error as Error).message}`);
    }
  }
  const { tlsTicketKeysFile: file } = edge;
  try {
    if (file !== '') readTicketSecret(file);
  } catch (error) {
    fail(ExitCode.configuration, `edge.tls_ticket_keys_file: ${file} cannot be used: ${(error as Error).message}`);
  }
}

/** Writes the pid file; returns what removes it. */
function writePid({ pidFile }: EdgeConfig): () => void {
  if (pidFile === '') return () => {};
  const path = resolve(pidFile);
  mkdirSync(dirname(path), { recursive: true });
  const text = `${process.pid}\n`;
  writeFileSync(path, text);
  return () => {
    try {
      // Another edge, with the same path in its configuration, may have written it since.
      if (readFileSync(path, 'utf8') === text) rmSync(path);
    } catch {
      // It may be gone, its folder may have become read-only, or a folder stand in its place: no reason for another exit code.
    }
  };
}

/**
 * Runs the edge until a signal ends it; resolves when it is there.
 * @param isTry there is no file to reload: SIGHUP is a terminal that was closed, and ends it
 * @param hearEarlySignals as for `command`
 */
async function run(read: ReadConfig, loaded: Loaded, isTry: boolean, hearEarlySignals: () => void): Promise<Edge> {
  const { level, tank, file: logFile } = loaded.config.log;
  const log = orFail(
    'write the log',
    () => new EdgeLog({ level, file: tank === 'file' ? resolve(logFile) : undefined }),
  );
  const { logger } = log;
  process.on('exit', () => log.exiting());
  // As in SRS, for logrotate; as soon as there is a log. Without a listener Node.js would open its debugger.
  process.on('SIGUSR1', () => log.reopen());
  let crashed = false;
  const crash = (error: unknown): void => {
    // What fails while the last line is on its way cannot add to it.
    if (crashed) return;
    crashed = true;
    logger.fatal({ err: error }, 'internal error');
    void log.settle().then(() => process.exit(ExitCode.internal));
  };
  process.on('uncaughtException', crash);
  // Node writes its own warnings to standard error, and waits there for whoever reads it.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => logger.warn({ err: warning }, 'warning of Node.js'));
  for (const warning of loaded.warnings) logger.warn(formatProblem(warning));
  const serverId = loaded.config.serverId || `edge-${randomBytes(4).toString('hex')}`;
  const edge = new Edge({ loaded, read, serverId, log: logger, logCounts: () => log.counts });
  try {
    await edge.start();
  } catch (error) {
    const { message, syscall } = error as NodeJS.ErrnoException;
    const remedy = syscall === 'listen' ? '; change the address or end what uses it' : '';
    fail(ExitCode.configuration, `cannot listen: ${message}${remedy}`);
  }
  if (!isTry) process.on('SIGHUP', () => void edge.reload());

  let stopping = false;
  const stop = async (signal: 'SIGTERM' | 'SIGQUIT' | 'SIGINT' | 'SIGHUP'): Promise<void> => {
    if (stopping) process.exit(ExitCode.signal + constants.signals[signal]);
    stopping = true;
    if (signal === 'SIGINT' || signal === 'SIGHUP') edge.close();
    else await edge.drain();
    // A log that cannot be written must not keep the process: nothing else is left to be done.
    await log.settle();
    if (log.stuck) process.exit();
  };
  for (const signal of ['SIGTERM', 'SIGQUIT', 'SIGINT', ...(isTry ? (['SIGHUP'] as const) : [])] as const) {
    process.on(signal, () => void stop(signal).catch(crash));
  }
  // Last: whoever reads the pid may send a signal at once.
  const removePid = orFail('write the pid file', () => writePid(loaded.config));
  process.prependListener('exit', removePid);
  hearEarlySignals();
  return edge;
}

/** What cannot be done at the start is the configuration's fault, or of what it names. */
function orFail<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    return fail(ExitCode.configuration, `cannot ${what}: ${(error as Error).message}`);
  }
}

function finish(text: string): never {
  process.stdout.write(`${text}\n`);
  process.exit(0);
}

function fail(code: number, text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(code);
}

/**
 * Does what the arguments ask for; resolves when the edge is there.
 * @param hearEarlySignals to be called when there are listeners for signals: those that came before are given to them
 */
export async function command(hearEarlySignals: () => void): Promise<void> {
  const asked = readArguments();
  const read: ReadConfig = () =>
    asked.what === 'first try' ? firstTry(process.env) : loadChosen(asked.file, process.env);
  const loaded = readConfig(read);
  if (asked.what === 'test' || asked.what === 'print') {
    for (const warning of loaded.warnings) process.stderr.write(`${formatProblem(warning)}\n`);
    checkFiles(loaded.config);
    finish(
      asked.what === 'test' ? `the configuration file ${asked.file} can be used` : printConfig(loaded.config).trimEnd(),
    );
  }
  const edge = await run(read, loaded, asked.what === 'first try', hearEarlySignals);
  if (asked.what === 'first try') process.stderr.write(tellFirstTry(edge.addresses));
}
