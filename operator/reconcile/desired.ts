/** What an EdgeCluster asks for, given where its origins are. Pure. */

import type { EdgeCluster } from '../api/types.ts';
import { RenderError } from '../render/error.ts';
import type { Manifest } from '../render/metadata.ts';
import { type RenderSettings, render } from '../render/render.ts';
import type { ResolvedOrigins } from './discovery.ts';
import type { ConfigVerdict } from './status.ts';

export interface Desired {
  readonly config: ConfigVerdict;
  /** In the order to apply them; none where the configuration is not valid. */
  readonly objects: readonly Manifest[];
}

export function desiredOf(cluster: EdgeCluster, { origins }: ResolvedOrigins, settings: RenderSettings): Desired {
  try {
    const { config, objects } = render({ cluster, origins, settings });
    return { config: { valid: true, hash: config.hash, warnings: config.warnings }, objects };
  } catch (error) {
    if (!(error instanceof RenderError)) throw error;
    return { config: { valid: false, reason: error.reason, message: error.message }, objects: [] };
  }
}
