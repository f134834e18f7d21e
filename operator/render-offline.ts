/** Rendering without an operator: origins that are Services are given by their DNS names, and there is no credential. */
import { nameOf, namespaceOf } from './api/labels.ts';
import { loopMessage, parentLoop } from './api/parents.ts';
import type { EdgeCluster } from './api/types.ts';
import { ManifestError } from './manifest.ts';
import { resolveHttpOrigins, resolveOrigins } from './reconcile/observe/discovery.ts';
import type { ParentView } from './reconcile/observe/followed.ts';
import { RenderError } from './render/error.ts';
import { type Rendered, type RenderSettings, render } from './render/render.ts';

/**
 * @param others EdgeClusters beside it, which may be its parents
 * Throws ManifestError with the EdgeCluster's name and `title`, which says where it comes from.
 */
export function renderOffline(
  cluster: EdgeCluster,
  { edgeImage, podMonitors }: Pick<RenderSettings, 'edgeImage' | 'podMonitors'>,
  title: string,
  others: readonly EdgeCluster[] = [],
): Rendered {
  const told = (message: string) => new ManifestError(message.replaceAll(/^/gm, `${title}: ${nameOf(cluster)}: `));
  const found = new Map(others.map((one) => [`${namespaceOf(one)}/${nameOf(one)}`, one]));
  const loop = parentLoop(cluster, (key) => found.get(key));
  if (loop !== undefined) throw told(loopMessage(loop));
  const parent = (namespace: string, name: string): ParentView => {
    const known = found.get(`${namespace}/${name}`);
    return known === undefined ? { kind: 'unseen' } : { kind: 'present', cluster: known };
  };
  const sources = { service: () => undefined, slices: () => [], parent };
  const { origins, lookups } = resolveOrigins(cluster, sources);
  const { origins: httpOrigins } = resolveHttpOrigins(cluster, sources);
  // There is no master key here. And credentials should not be printed.
  const settings = { edgeImage, podMonitors, masterKeys: undefined };
  try {
    return render({ cluster, origins, lookups, httpOrigins, settings });
  } catch (error) {
    if (!(error instanceof RenderError)) throw error;
    throw told(error.message);
  }
}
