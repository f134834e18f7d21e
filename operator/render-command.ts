/**
 * `edgecluster render`: what the operator would apply for the EdgeClusters of a manifest, without a cluster.
 *
 * Exit codes: 0 rendered; 1 a manifest is wrong or cannot be read; 2 wrong arguments.
 */

import { stringify } from 'yaml';
import { parseArguments } from '../edge/conf/arguments.ts';
import { autoscalingNotes } from './api/autoscaling.ts';
import { nameOf } from './api/labels.ts';
import { pausedBy } from './api/pause.ts';
import type { EdgeCluster } from './api/types.ts';
import { runCommand } from './command-line.ts';
import { namespaceOption } from './kube/names.ts';
import { clustersOf, inNamespace, ManifestError, readFileOrStdin, titleOfFile } from './manifest.ts';
import type { Rendered } from './render/render.ts';
import { renderOffline } from './render-offline.ts';
import { version } from './version.ts';

const usage = `usage: edgecluster render -f FILE [options]

Prints what the operator would apply for the EdgeClusters of a manifest. Nothing is asked of a cluster: an origin that
is a Service or an EdgeCluster is given by its DNS name. Mistakes are told as the API server would, with their place in the file.
The Secret with the credential of the edges' API is left out: only the operator can make it.

  -f, --file FILE          the manifest; "-" is standard input
      --name NAME          only this EdgeCluster
      --conf               only the edge.conf
  -n, --namespace NAME     where the manifest names none; default "default"
      --edge-image IMAGE   where spec.pods.image names none; default $EDGE_IMAGE, or edgecluster:${version}
      --pod-monitors       with PodMonitors, as in a cluster that knows them

Example: edgecluster render -f edgecluster.yaml --conf`;

interface Options {
  readonly file: string;
  readonly name: string | undefined;
  readonly conf: boolean;
  readonly namespace: string;
  readonly edgeImage: string;
  readonly podMonitors: boolean;
}

/** Runs the command with the arguments after its name; resolves with the exit code. */
export function render(args: readonly string[]): Promise<number> {
  return runCommand(args, { usage, read: readOptions, run });
}

async function run(options: Options): Promise<number> {
  try {
    await print(options);
    return 0;
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

async function print(options: Options): Promise<void> {
  const all = await readClusters(options);
  const clusters = options.name === undefined ? all : all.filter((cluster) => nameOf(cluster) === options.name);
  const rendered = clusters.map((cluster) => ({
    cluster,
    ...renderOffline(cluster, options, titleOfFile(options.file), all),
  }));
  for (const { cluster, config } of rendered) {
    const by = pausedBy(cluster);
    const paused = by === undefined ? [] : [`the operator applies nothing of this while ${by} says that it is paused`];
    for (const warning of [...paused, ...autoscalingNotes(cluster), ...config.warnings])
      process.stderr.write(`${nameOf(cluster)}: ${warning}\n`);
  }
  process.stdout.write(options.conf ? confOf(rendered) : yamlOf(rendered));
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArguments({
    args: [...args],
    options: {
      file: { type: 'string', short: 'f' },
      name: { type: 'string' },
      conf: { type: 'boolean', default: false },
      namespace: { type: 'string', short: 'n' },
      'edge-image': { type: 'string', default: process.env.EDGE_IMAGE || `edgecluster:${version}` },
      'pod-monitors': { type: 'boolean', default: false },
    },
  });
  const { file, name, conf } = values;
  const namespace = namespaceOption(values.namespace) ?? 'default';
  if (file === undefined) throw new Error('which manifest? Say -f FILE');
  return { file, name, conf, namespace, edgeImage: values['edge-image'], podMonitors: values['pod-monitors'] };
}

/** All of the file. Throws ManifestError with all that is wrong with them, and where none has the name of `--name`. */
async function readClusters({ file, name, namespace }: Options): Promise<readonly EdgeCluster[]> {
  const text = await readFileOrStdin(file);
  clustersOf(text, titleOfFile(file), name);
  return clustersOf(text, titleOfFile(file), undefined).map((cluster) => inNamespace(cluster, namespace));
}

interface RenderedCluster extends Rendered {
  readonly cluster: EdgeCluster;
}

/** One file as it is; several with the name of each above it. */
function confOf(rendered: readonly RenderedCluster[]): string {
  const [only] = rendered;
  if (rendered.length === 1 && only) return only.config.text;
  return rendered.map(({ cluster, config }) => `# EdgeCluster ${nameOf(cluster)}\n${config.text}`).join('\n');
}

/** In the YAML of kubectl, which takes an unquoted `on` for a boolean. */
function yamlOf(rendered: readonly Rendered[]): string {
  const objects = rendered.flatMap(({ objects }) => objects);
  const options = { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false } as const;
  return objects.map((object) => stringify(object, options)).join('---\n');
}
