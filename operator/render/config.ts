/** The edge.conf of an EdgeCluster: what its edges run. */
import { createHash } from 'node:crypto';
import type { EdgeConfig } from '../../edge/conf/model.ts';
import { leftOut, printConfig } from '../../edge/conf/print.ts';
import { configKeyOf } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { openByHls } from './access.ts';
import { withExtraDirectives } from './directives.ts';
import { edgeConfigOf, type OriginLookups, type Origins } from './edge-config.ts';
import { RenderError } from './error.ts';

export interface RenderedConfig {
  /** The file. */
  readonly text: string;
  /** First 16 hex digits of the SHA-256 of `text`, as an edge reports it. */
  readonly hash: string;
  /** What the file says. */
  readonly config: EdgeConfig;
  /** Directives without effect, with their places in the spec; what does not protect HLS; what older edges do without. */
  readonly warnings: readonly string[];
}

/**
 * Renders the configuration. Which edge it is and how long it drains are not in it: see `edgeEnvironment`.
 * @param origins servers of each group; every group that a vhost uses must be there
 * @param languages that running edges read, besides our own
 * @param lookups where edges look when no origin of a group works
 * Throws RenderError when the edge would refuse it.
 */
export function renderConfig(
  cluster: EdgeCluster,
  origins: Origins,
  languages: readonly number[] = [],
  lookups: OriginLookups = new Map(),
): RenderedConfig {
  const { config, warnings } = withExtraDirectives(print(edgeConfigOf(cluster, origins, lookups)), cluster.spec);
  const text = print(config);
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const lacking = languages.flatMap((language) => {
    const names = leftOut(config, language);
    const who = `edges that read ${configKeyOf(language)}, of a former version, do without`;
    return names.length === 0 ? [] : [`${who} ${names.join(', ')} until they are replaced`];
  });
  return { text, hash, config, warnings: [...warnings, ...openByHls(cluster), ...lacking] };
}

/**
 * What every edge of the cluster is given as environment variables. How long a pod drains comes this way because it
 * must agree with the time that Kubernetes lets the pod live, which is fixed when the pod is made; a file could change
 * under it. So the file also stays one that SRS accepts.
 * @param credentialsFile where the edge finds the credentials of its HTTP API
 */
export function edgeEnvironment({ spec }: EdgeCluster, credentialsFile: string): Readonly<Record<string, string>> {
  return {
    SRS_EDGE_DRAIN_TIMEOUT: String(spec.pods.drainSeconds * 1000),
    SRS_EDGE_API_CREDENTIALS_FILE: credentialsFile,
    SRS_EDGE_PAGE: spec.listeners.http.page ? 'on' : 'off',
  };
}

function print(config: EdgeConfig): string {
  try {
    return printConfig(config);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RenderError('InvalidConfig', [`spec: ${error.message}`]);
  }
}
