/**
 * `edgecluster operator`: runs EdgeClusters on Kubernetes until it is told to stop.
 *
 * Exit codes: 0 stopped as asked (SIGTERM, SIGINT); 1 it cannot start: no way to a cluster, or it cannot listen;
 * 2 wrong arguments; 70 an internal error; 128 + signal when a second signal ended it at once.
 */

import { constants } from 'node:os';
import { type Logger, pino } from 'pino';
import { terminalFormat } from '../edge/log/terminal.ts';
import { runCommand } from './command-line.ts';
import { boundGarbage } from './garbage.ts';
import { type ClusterAccess, loadAccess } from './kube/access.ts';
import { runOperator } from './operator.ts';
import { type OperatorOptions, operatorUsage, readOperatorOptions } from './options.ts';

const ExitCode = { start: 1, internal: 70, signal: 128 } as const;

/** Resolves with the exit code. */
export function operator(args: readonly string[]): Promise<number> {
  return runCommand(args, { usage: operatorUsage, read: (args) => readOperatorOptions(args, process.env), run });
}

async function run(options: OperatorOptions): Promise<number> {
  boundGarbage();
  const log = logOf(options);
  let access: ClusterAccess;
  try {
    access = await loadAccess(options.kubeconfig);
  } catch (error) {
    log.fatal({ err: (error as Error).message }, 'there is no way to a cluster: give --kubeconfig, or run in a pod');
    return ExitCode.start;
  }
  return operate(options, access, log);
}

/** JSON; on a terminal for people. */
function logOf({ logLevel: level }: OperatorOptions): Logger {
  const settings = { level, base: { pid: process.pid } };
  const format = terminalFormat(process.env);
  return format === undefined
    ? pino(settings)
    : pino(settings, { write: (line) => process.stdout.write(format(line)) });
}

async function operate(options: OperatorOptions, access: ClusterAccess, log: Logger): Promise<number> {
  const stop = new AbortController();
  const onSignal = (signal: 'SIGTERM' | 'SIGINT'): void => {
    if (stop.signal.aborted) process.exit(ExitCode.signal + constants.signals[signal]);
    log.info({ signal }, 'stopping');
    stop.abort();
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  try {
    log.info({ server: access.server, namespaces: options.namespaces, edgeImage: options.edgeImage }, 'starting');
    await runOperator({ options, access, log }, stop.signal);
    return 0;
  } catch (error) {
    if (['listen', 'bind', 'getaddrinfo'].includes((error as NodeJS.ErrnoException).syscall ?? '')) {
      log.fatal({ err: (error as Error).message }, 'cannot listen: change --listen or end what uses the address');
      return ExitCode.start;
    }
    log.fatal({ err: error }, 'internal error');
    return ExitCode.internal;
  }
}
