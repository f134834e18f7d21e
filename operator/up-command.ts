/**
 * `edgecluster up`: runs an EdgeCluster on this machine, shows its figures, and follows its manifest.
 *
 * Exit codes: 0 ended as asked; 1 the manifest is wrong, or cannot be run here; 2 wrong arguments.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { nameOf } from './api/labels.ts';
import { pausedBy } from './api/pause.ts';
import type { EdgeCluster } from './api/types.ts';
import { runCommand } from './command-line.ts';
import { clustersOf, ManifestError, readManifest } from './manifest.ts';
import { Screen } from './screen.ts';
import { LocalCluster } from './up/local-cluster.ts';
import { addresses, look, picture, type Sight } from './up/view.ts';

const usage = `usage: edgecluster up -f FILE [options]

Runs an EdgeCluster on this machine until Ctrl-C: edges are child processes. A changed manifest is applied.

  -f, --file FILE             the manifest
      --name NAME             which EdgeCluster, where the file has several
      --origin GROUP=SERVERS  HOST:PORT,… to use for a group of origins
      --secret NAME=DIR       directory with tls.key and tls.crt that stands for a Secret
      --host ADDRESS          listen at this address; default 127.0.0.1
      --directory DIR         keep configuration and logs here; default a temporary directory`;

const lookEveryMs = 1_000;

interface Options {
  readonly file: string;
  readonly name: string | undefined;
  readonly origins: ReadonlyMap<string, readonly string[]>;
  readonly secrets: ReadonlyMap<string, string>;
  readonly host: string;
  readonly directory: string | undefined;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      file: { type: 'string', short: 'f' },
      name: { type: 'string' },
      origin: { type: 'string', multiple: true, default: [] },
      secret: { type: 'string', multiple: true, default: [] },
      host: { type: 'string', default: '127.0.0.1' },
      directory: { type: 'string' },
    },
  });
  if (values.file === undefined) throw new Error('which manifest? Say -f FILE');
  return {
    file: values.file,
    name: values.name,
    origins: new Map(values.origin.map((text) => pair('--origin', text)).map(([name, of]) => [name, of.split(',')])),
    secrets: new Map(values.secret.map((text) => pair('--secret', text))),
    host: values.host,
    directory: values.directory,
  };
}

function pair(option: string, text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at <= 0 || at === text.length - 1) throw new Error(`${option} takes NAME=VALUE, not "${text}"`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** The one to run. Throws ManifestError when the manifest is wrong or leaves open which. */
function readCluster(text: string, { file, name }: Options): EdgeCluster {
  const [cluster, ...others] = clustersOf(text, file, name);
  if (cluster !== undefined && others.length === 0) {
    const by = pausedBy(cluster);
    if (by !== undefined) throw new ManifestError(`${file}: nothing is applied while ${by} says that it is paused`);
    return cluster;
  }
  const names = clustersOf(text, file, undefined).map(nameOf);
  throw new ManifestError(`${file} holds several EdgeClusters; say --name, one of ${names.join(', ')}`);
}

/** Runs the command with the arguments after its name; resolves with the exit code. */
export function up(args: readonly string[]): Promise<number> {
  return runCommand(args, { usage, read: readOptions, run });
}

async function run(options: Options): Promise<number> {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => end.abort());
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'edgecluster-'));
  try {
    await show(options, directory, end.signal);
    return 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  } finally {
    if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
  }
}

async function show(options: Options, directory: string, signal: AbortSignal): Promise<void> {
  const screen = new Screen();
  const log = (line: string): void => screen.say(line);
  const { origins, secrets, host, file } = options;
  let text = readManifest(file);
  const local = await LocalCluster.start(readCluster(text, options), { origins, secrets, host, directory, log });
  try {
    let told = addresses(local);
    screen.say(`${told}\n\nThey run ${local.configFile}; their logs are beside it.\n`);
    let sights: readonly Sight[] = await look(local.edges);
    screen.show(() => picture(local, sights));
    while (!signal.aborted) {
      const read = readAgain(file);
      if (read !== text) {
        text = read;
        await follow(local, text, options, log);
      }
      // Edges that replace others listen elsewhere while those let their clients finish.
      const now = addresses(local);
      if (now !== told) log(now);
      told = now;
      sights = await look(local.edges);
      await delay(lookEveryMs, undefined, { signal }).catch(() => {});
    }
    screen.stop(picture(local, sights));
  } finally {
    await local.stop();
  }
}

/** The manifest as it is now; empty while an editor has taken it away. */
function readAgain(file: string): string {
  try {
    return readManifest(file);
  } catch {
    return '';
  }
}

/** Whatever is wrong with the changed manifest: what runs goes on. */
async function follow(local: LocalCluster, text: string, options: Options, log: (line: string) => void): Promise<void> {
  try {
    log(await local.apply(readCluster(text, options)));
  } catch (error) {
    log(`${(error as Error).message}\n${options.file} is not applied; what ran before runs on`);
  }
}
