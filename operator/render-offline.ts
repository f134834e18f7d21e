/** Rendering without an operator: origins that are Services are given by their DNS names, and there is no credential. */
import { nameOf } from './api/labels.ts';
import type { EdgeCluster } from './api/types.ts';
import { ManifestError } from './manifest.ts';
import { resolveOrigins } from './reconcile/observe/discovery.ts';
import { RenderError } from './render/error.ts';
import { type Rendered, type RenderSettings, render } from './render/render.ts';

/** Throws ManifestError with the EdgeCluster's name and `title`, which says where it comes from. */
export function renderOffline(
  cluster: EdgeCluster,
  { edgeImage, podMonitors }: Pick<RenderSettings, 'edgeImage' | 'podMonitors'>,
  title: string,
): Rendered {
  const { origins } = resolveOrigins(cluster, { service: () => undefined, slices: () => [] });
  // There is no master key here. And credentials should not be printed.
  const settings = { edgeImage, podMonitors, masterKeys: undefined };
  try {
    return render({ cluster, origins, settings });
  } catch (error) {
    if (!(error instanceof RenderError)) throw error;
    throw new ManifestError(error.message.replaceAll(/^/gm, `${title}: ${nameOf(cluster)}: `));
  }
}
