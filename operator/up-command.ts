/**
 * `edgecluster up`: runs an EdgeCluster on this machine, shows its figures, and follows its manifest.
 *
 * Exit codes: 0 ended as asked; 1 the manifest is wrong, or cannot be run here; 2 wrong arguments.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArguments } from '../edge/conf/arguments.ts';
import { nameOf } from './api/labels.ts';
import { pausedBy } from './api/pause.ts';
import type { EdgeCluster } from './api/types.ts';
import { runCommand } from './command-line.ts';
import { clustersOf, ManifestError, readManifest } from './manifest.ts';
import { Screen } from './screen.ts';
import { HlsBeside } from './up/hls-beside.ts';
import { LocalTree, treeOf } from './up/local-tree.ts';
import { addresses, look, picture, type Sight } from './up/view.ts';

const usage = `usage: edgecluster up -f FILE [options]

Runs an EdgeCluster on this machine until Ctrl-C: edges are child processes. A changed manifest is applied.
Tiers above it that are in the same manifest (origins[].edgeCluster) run beside it.

  -f, --file FILE             the manifest
      --name NAME             which EdgeCluster, where the file has several that are not one tree
      --origin GROUP=SERVERS  HOST:PORT,… to use for a group of origins
      --http-origin GROUP=SERVERS  the same for their HTTP servers, which have HLS
      --secret NAME=DIR       directory that stands for a Secret: with tls.key and tls.crt, or keys
      --host ADDRESS          listen at this address; default 127.0.0.1
      --directory DIR         keep configuration and logs here; default a temporary directory

Example: edgecluster up -f edgecluster.yaml --origin main=127.0.0.1:19350`;

const lookEveryMs = 1_000;

interface Options {
  readonly file: string;
  readonly name: string | undefined;
  readonly origins: ReadonlyMap<string, readonly string[]>;
  readonly httpOrigins: ReadonlyMap<string, readonly string[]>;
  readonly secrets: ReadonlyMap<string, string>;
  readonly host: string;
  readonly directory: string | undefined;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArguments({
    args: [...args],
    options: {
      file: { type: 'string', short: 'f' },
      name: { type: 'string' },
      origin: { type: 'string', multiple: true, default: [] },
      'http-origin': { type: 'string', multiple: true, default: [] },
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
    httpOrigins: new Map(
      values['http-origin'].map((text) => pair('--http-origin', text)).map(([name, of]) => [name, of.split(',')]),
    ),
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

/** Those to run, those above first. Throws ManifestError when the manifest is wrong or leaves open which. */
function readClusters(text: string, { file, name }: Options): readonly EdgeCluster[] {
  clustersOf(text, file, name);
  const all = clustersOf(text, file, undefined);
  const clusters = treeOf(all, name);
  if (clusters === undefined) {
    const names = all.map(nameOf).join(', ');
    throw new ManifestError(`${file} holds several EdgeClusters that are not one tree; say --name, one of ${names}`);
  }
  for (const cluster of clusters) {
    const by = pausedBy(cluster);
    if (by !== undefined) throw new ManifestError(`${file}: nothing is applied while ${by} says that it is paused`);
  }
  return clusters;
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
  const { origins, httpOrigins, secrets, host, file } = options;
  let text = readManifest(file);
  const clusters = readClusters(text, options);
  const tree = await LocalTree.start(clusters, { origins, secrets, host, directory, log });
  const hls = new HlsBeside({ directory, host, httpOrigins, secrets, log });
  try {
    await hls.apply(clusters);
    const places = () => [addresses(tree.clusters), ...hls.urls.map((url) => `HLS  ${url}`)].join('\n');
    let told = places();
    const files = tree.clusters.map(({ configFile }) => configFile).join(', ');
    screen.say(`${told}\n\nThey run ${files}; their logs are beside it.\n`);
    const edges = () => tree.clusters.flatMap((local) => local.edges);
    let sights: readonly Sight[] = await look(edges());
    screen.show(() => picture(tree.clusters, sights));
    while (!signal.aborted) {
      const read = readAgain(file);
      if (read !== text) {
        text = read;
        await follow(tree, hls, text, options, log);
      }
      // Edges that replace others listen elsewhere while those let their clients finish.
      await tree.follow();
      const now = places();
      if (now !== told) log(now);
      told = now;
      sights = await look(edges());
      await delay(lookEveryMs, undefined, { signal }).catch(() => {});
    }
    screen.stop(picture(tree.clusters, sights));
  } finally {
    await hls.stop();
    await tree.stop();
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
async function follow(
  tree: LocalTree,
  hls: HlsBeside,
  text: string,
  options: Options,
  log: (line: string) => void,
): Promise<void> {
  try {
    const clusters = readClusters(text, options);
    log(await tree.apply(clusters));
    await hls.apply(clusters);
  } catch (error) {
    log(`${(error as Error).message}\n${options.file} is not applied; what ran before runs on`);
  }
}
