/** The EdgeClusters of a manifest, for commands that work without a cluster. */
import { readFileSync } from 'node:fs';
import { text as textOf } from 'node:stream/consumers';
import { ConfigError } from '../edge/conf/problem.ts';
import { admitText } from './api/admission.ts';
import { nameOf } from './api/labels.ts';
import type { EdgeCluster } from './api/types.ts';

/** What is wrong with a manifest, a line for each mistake. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

/** The text of a manifest. Throws ManifestError when the file cannot be read. */
export function readManifest(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ManifestError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** What a file is called in messages. */
export function titleOfFile(file: string): string {
  return file === '-' ? 'stdin' : file;
}

/** The text of a file, or of standard input for `-`. Throws ManifestError when it cannot be read. */
export async function readFileOrStdin(file: string): Promise<string> {
  return file === '-' ? textOf(process.stdin) : readManifest(file);
}

/** The EdgeCluster with this namespace where its manifest names none. */
export function inNamespace(cluster: EdgeCluster, namespace: string): EdgeCluster {
  return { ...cluster, metadata: { namespace, ...cluster.metadata } };
}

/**
 * Those called `name`, or all, at least one.
 * @param file what to call the text in messages
 * Throws ManifestError with all that the API server would say against any EdgeCluster in it.
 */
export function clustersOf(text: string, file: string, name: string | undefined): readonly EdgeCluster[] {
  const admissions = admitted(text, file);
  const errors = admissions.flatMap((admission) => (admission.ok ? [] : admission.errors));
  if (errors.length > 0) throw new ManifestError(errors.join('\n'));
  const all = admissions.flatMap((admission) => (admission.ok ? admission.cluster : []));
  const clusters = name === undefined ? all : all.filter((cluster) => nameOf(cluster) === name);
  if (clusters.length > 0) return clusters;
  if (all.length === 0) throw new ManifestError(`${file} holds no EdgeCluster`);
  throw new ManifestError(`${file} holds no EdgeCluster called ${name}; it holds ${all.map(nameOf).join(', ')}`);
}

function admitted(text: string, file: string): ReturnType<typeof admitText> {
  try {
    return admitText(text, file);
  } catch (error) {
    if (error instanceof ConfigError) throw new ManifestError(error.message);
    throw error;
  }
}
