/**
 * `edgecluster diff`: what a change of an EdgeCluster will cost, before it is made.
 *
 * Exit codes: 0 told; 1 a manifest is wrong, or the cluster cannot be asked; 2 wrong arguments; 3 it costs more than
 * --allow says.
 */
import { parseArguments } from '../edge/conf/arguments.ts';
import { autoscalingNotes } from './api/autoscaling.ts';
import { runCommand } from './command-line.ts';
import { changeCost } from './diff/change-cost.ts';
import { COSTS, type Cost, costsMore, costWords } from './diff/cost.ts';
import { FormerStateError, renderedStates } from './diff/former.ts';
import { InCluster } from './diff/in-cluster.ts';
import { jsonOf, pauseNotes, type Report, textOf } from './diff/report.ts';
import { scaledFrom } from './diff/scaled.ts';
import { rolloutNotes } from './diff/staged.ts';
import { ApiError } from './kube/error.ts';
import { namespaceOption } from './kube/names.ts';
import { clustersOf, inNamespace, ManifestError, readFileOrStdin, readManifest, titleOfFile } from './manifest.ts';
import { renderOffline } from './render-offline.ts';
import { version } from './version.ts';

const usage = `usage: edgecluster diff -f FILE [options]

Tells what a change of EdgeClusters will cost the clients that are connected: ${Object.values(costWords).join(', ')}.
Nothing is changed. The manifest is compared with the EdgeCluster in the cluster, after a dry run on the API server;
with --from, with a file, and no cluster is asked. Origins that are Services are given by their DNS names on both sides:
their pods make no difference here.

  -f, --file FILE           the manifest with the change; "-" is standard input
      --from FILE           what is now: another manifest, or what \`edgecluster render\` printed of one
      --name NAME           only this EdgeCluster
  -n, --namespace NAME      where the manifest names none; default that of the kubeconfig's context, or "default"
      --dry-run WHO         server: the API server judges the change, for which you need the rights to make it;
                            client: it is judged here, and you need only read; default server
      --allow COST          exit with 3 when it costs more than ${COSTS.slice(0, -1).join(', ')}
  -o, --output FORMAT       text or json; default text
      --edge-image IMAGE    where spec.pods.image names none; default what runs, $EDGE_IMAGE, or edgecluster:${version}
      --kubeconfig FILE     default: $KUBECONFIG or ~/.kube/config
      --context NAME        of the kubeconfig; default the current one

Example: edgecluster diff --from before.yaml -f after.yaml --allow reload`;

const ExitCode = { told: 0, failed: 1, tooMuch: 3 } as const;

interface Options {
  readonly file: string;
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  readonly allow: Cost;
  readonly output: 'text' | 'json';
  readonly edgeImage: string | undefined;
  readonly former: FormerOptions;
}

/** Where what is now comes from. */
type FormerOptions =
  | { readonly kind: 'file'; readonly file: string }
  | {
      readonly kind: 'cluster';
      readonly dryRun: 'server' | 'client';
      readonly kubeconfig: string | undefined;
      readonly context: string | undefined;
    };

/** Runs the command with the arguments after its name; resolves with the exit code. */
export function diff(args: readonly string[]): Promise<number> {
  return runCommand(args, { usage, read: readOptions, run });
}

async function run(options: Options): Promise<number> {
  try {
    const { former } = options;
    const reports = former.kind === 'file' ? await withFile(options, former.file) : await withCluster(options, former);
    process.stdout.write(options.output === 'json' ? jsonOf(reports) : textOf(reports));
    return reports.some(({ cost }) => costsMore(cost, options.allow)) ? ExitCode.tooMuch : ExitCode.told;
  } catch (error) {
    const isTold = error instanceof ManifestError || error instanceof FormerStateError || error instanceof ApiError;
    if (!isTold) throw error;
    process.stderr.write(`${error.message}\n`);
    return ExitCode.failed;
  }
}

async function withFile(options: Options, formerFile: string): Promise<readonly Report[]> {
  const { file, name, namespace = 'default', edgeImage = defaultImage() } = options;
  const clusters = clustersOf(await readFileOrStdin(file), titleOfFile(file), name);
  const formerText = readManifest(formerFile);
  const rendered = renderedStates(formerText, formerFile);
  const podMonitors = [...(rendered?.values() ?? [])].some((state) => state.some(({ kind }) => kind === 'PodMonitor'));
  const settings = { edgeImage, podMonitors };
  const former =
    rendered ??
    new Map(
      clustersOf(formerText, formerFile, undefined).map((manifest) => {
        const cluster = inNamespace(manifest, namespace);
        return [keyOf(cluster.metadata), renderOffline(cluster, settings, formerFile).objects];
      }),
    );
  return clusters.map((manifest) => {
    const cluster = inNamespace(manifest, namespace);
    const key = keyOf(cluster.metadata);
    const from = former.get(key);
    const next = renderOffline(scaledFrom(from, cluster), settings, titleOfFile(file)).objects;
    const notes = [
      ...rolloutNotes(from, next, cluster),
      ...pauseNotes(undefined, cluster),
      ...autoscalingNotes(cluster),
    ];
    return { cluster: key, notes, ...changeCost(from, next) };
  });
}

async function withCluster(
  options: Options,
  { dryRun, kubeconfig, context }: Extract<FormerOptions, { kind: 'cluster' }>,
): Promise<readonly Report[]> {
  const { file, name, namespace, edgeImage } = options;
  const text = await readFileOrStdin(file);
  const cluster = await InCluster.connect({ kubeconfig, context });
  try {
    return await cluster.reports({
      text,
      title: titleOfFile(file),
      name,
      namespace,
      dryRun,
      edgeImage,
      defaultImage: defaultImage(),
    });
  } finally {
    cluster.close();
  }
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArguments({
    args: [...args],
    options: {
      file: { type: 'string', short: 'f' },
      from: { type: 'string' },
      name: { type: 'string' },
      namespace: { type: 'string', short: 'n' },
      'dry-run': { type: 'string' },
      allow: { type: 'string' },
      output: { type: 'string', short: 'o', default: 'text' },
      'edge-image': { type: 'string' },
      kubeconfig: { type: 'string' },
      context: { type: 'string' },
    },
  });
  const { file, name, from, kubeconfig, context } = values;
  const namespace = namespaceOption(values.namespace);
  if (file === undefined) throw new Error('which manifest? Say -f FILE');
  for (const option of ['dry-run', 'kubeconfig', 'context'] as const) {
    if (from !== undefined && values[option] !== undefined)
      throw new Error(`--${option} has no meaning with --from, which asks no cluster`);
  }
  return {
    file,
    name,
    namespace,
    allow: oneOf('--allow', values.allow ?? 'cut', COSTS),
    output: oneOf('--output', values.output, ['text', 'json']),
    edgeImage: values['edge-image'],
    former:
      from !== undefined
        ? { kind: 'file', file: from }
        : {
            kind: 'cluster',
            dryRun: oneOf('--dry-run', values['dry-run'] ?? 'server', ['server', 'client']),
            kubeconfig,
            context,
          },
  };
}

function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((word) => word === value);
  if (found === undefined) throw new Error(`${option}: "${value}" is none of ${known.join(', ')}`);
  return found;
}

function defaultImage(): string {
  return process.env.EDGE_IMAGE || `edgecluster:${version}`;
}

function keyOf({ namespace, name }: { readonly namespace?: string; readonly name?: string }): string {
  return `${namespace}/${name}`;
}
