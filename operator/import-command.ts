/**
 * `edgecluster import`: a configuration of SRS or of an edge as the manifest of an EdgeCluster.
 *
 * Exit codes: 0 written; 1 the file is wrong, or nothing of it is an edge; 2 wrong arguments.
 */
import { parseArguments } from '../edge/conf/arguments.ts';
import { loadConfig } from '../edge/conf/load.ts';
import { ConfigError, formatProblem } from '../edge/conf/problem.ts';
import { runCommand } from './command-line.ts';
import { importConfig } from './import/import.ts';
import { namespaceOption } from './kube/names.ts';
import { ManifestError } from './manifest.ts';

const usage = `usage: edgecluster import FILE [options]

Writes the manifest of an EdgeCluster that does what a configuration of SRS (or of our edge) says, and tells on standard
error what it does not carry, a line each. What has no field stands in extraDirectives. No cluster is asked.

      --name NAME          of the EdgeCluster; default "live"
  -n, --namespace NAME     where it is to be; default: none is named

Example: edgecluster import srs.conf > edgecluster.yaml`;

interface Options {
  readonly file: string;
  readonly name: string;
  readonly namespace: string | undefined;
}

/** Runs the command with the arguments after its name; resolves with the exit code. */
export function importCommand(args: readonly string[]): Promise<number> {
  return runCommand(args, { usage, read: readOptions, run });
}

function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: { name: { type: 'string', default: 'live' }, namespace: { type: 'string', short: 'n' } },
  });
  const [file, ...others] = positionals;
  if (file === undefined) throw new Error('which configuration? Say edgecluster import FILE');
  if (others.length > 0) throw new Error(`one file at a time: ${others.join(', ')} cannot be imported with ${file}`);
  return { file, name: values.name, namespace: namespaceOption(values.namespace) };
}

async function run({ file, name, namespace }: Options): Promise<number> {
  try {
    const { config, warnings } = loadConfig(file);
    const { manifest, notes } = importConfig(config, { name, ...(namespace !== undefined && { namespace }) });
    for (const line of [...warnings.map(formatProblem), ...notes.map((note) => `${file}: ${note}`)]) {
      process.stderr.write(`${line}\n`);
    }
    process.stdout.write(manifest);
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof ManifestError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}
