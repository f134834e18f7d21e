/**
 * Kubeconfig files, found and merged as kubectl does it: whoever has both must not act on two clusters.
 * @kubernetes/client-node merges several files in another order, and takes a missing file for localhost.
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param file without it those of $KUBECONFIG that are there, or ~/.kube/config
 * @param home where `.kube/config` is
 * @throws Error which file is missing, or what is wrong in it
 */
export async function loadKubeConfig(
  file: string | undefined,
  env: Environment,
  home = homedir(),
): Promise<KubeConfig> {
  if (file !== undefined) {
    const config = await read(file);
    if (config === undefined) throw new Error(`there is no kubeconfig file ${file}`);
    return config;
  }
  const listed = (env.KUBECONFIG ?? '').split(delimiter).filter((name) => name !== '');
  const usual = join(home, '.kube/config');
  const configs = await Promise.all((listed.length > 0 ? listed : [usual]).map(read));
  const [first, ...others] = configs.filter((config) => config !== undefined);
  if (first === undefined) {
    const missing =
      listed.length > 0 ? `${listed.join(', ')}, as $KUBECONFIG says` : `${usual}, and $KUBECONFIG is not set`;
    throw new Error(`there is no kubeconfig file ${missing}`);
  }
  for (const other of others) merge(first, other);
  return first;
}

/** What two files say differently, the first one decides. */
function merge(into: KubeConfig, from: KubeConfig): void {
  into.clusters = [...into.clusters, ...unknownTo(into.clusters, from.clusters)];
  into.users = [...into.users, ...unknownTo(into.users, from.users)];
  into.contexts = [...into.contexts, ...unknownTo(into.contexts, from.contexts)];
  if (!into.currentContext) into.currentContext = from.currentContext;
}

function unknownTo<T extends { readonly name: string }>(known: readonly T[], others: readonly T[]): readonly T[] {
  return others.filter(({ name }) => !known.some((it) => it.name === name));
}

/** Undefined: there is no such file. An empty file says nothing. */
async function read(file: string): Promise<KubeConfig | undefined> {
  const [{ KubeConfig }, text] = await Promise.all([import('@kubernetes/client-node'), readText(file)]);
  if (text === undefined) return undefined;
  const config = new KubeConfig();
  try {
    config.loadFromString(text.trim() === '' ? '{}' : text);
  } catch (error) {
    // The lines that follow show the place, and may hold a token.
    throw new Error(`kubeconfig ${file}: ${(error as Error).message.split('\n')[0]}`);
  }
  config.makePathsAbsolute(dirname(file));
  return config;
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`kubeconfig ${file} cannot be read: ${(error as Error).message}`);
  }
}
