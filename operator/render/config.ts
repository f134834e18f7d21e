/** The edge.conf of an EdgeCluster: what its edges run. */
import { createHash } from 'node:crypto';
import type { EdgeConfig } from '../../edge/conf/model.ts';
import { leftOut, printConfig } from '../../edge/conf/print.ts';
import { configKeyOf } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { openByHls } from './access.ts';
import { withExtraDirectives } from './directives.ts';
import { edgeConfigOf, hasTls, type OriginLookups, type Origins } from './edge-config.ts';
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

/** Where the edge finds what is in its Secret. */
export interface SecretFiles {
  /** Credentials of its HTTP API. */
  readonly credentials: string;
  /** What keys of TLS session tickets derive from. */
  readonly ticketKeys: string;
}

/**
 * What every edge of the cluster is given as environment variables. How long a pod drains comes this way because it
 * must agree with the time that Kubernetes lets the pod live, which is fixed when the pod is made; a file could change
 * under it. So the file also stays one that SRS accepts. A variable that an older image does not know is a warning there.
 */
export function edgeEnvironment(cluster: EdgeCluster, files: SecretFiles): Readonly<Record<string, string>> {
  const { pods, listeners } = cluster.spec;
  return {
    SRS_EDGE_DRAIN_TIMEOUT: String(pods.drainSeconds * 1000),
    SRS_EDGE_API_CREDENTIALS_FILE: files.credentials,
    SRS_EDGE_PAGE: listeners.http.page ? 'on' : 'off',
    ...(hasTls(cluster) && { SRS_EDGE_TLS_TICKET_KEYS_FILE: files.ticketKeys }),
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
