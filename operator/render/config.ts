/** The edge.conf of an EdgeCluster: what its edges run. */
import { createHash } from 'node:crypto';
import type { Environment } from '../../edge/conf/env.ts';
import { type Loaded, parseConfig } from '../../edge/conf/load.ts';
import type { EdgeConfig } from '../../edge/conf/model.ts';
import { printConfig } from '../../edge/conf/print.ts';
import { ConfigError } from '../../edge/conf/problem.ts';
import type { EdgeCluster } from '../api/types.ts';
import { governedVariable, withExtraDirectives } from './directives.ts';
import { edgeConfigOf, type Origins } from './edge-config.ts';
import { describe, RenderError } from './error.ts';

export interface RenderedConfig {
  /** The file. */
  readonly text: string;
  /** First 16 hex digits of the SHA-256 of `text`, as an edge reports it. */
  readonly hash: string;
  /** What the file says. */
  readonly config: EdgeConfig;
  /** What the edges run: the file with the variables of their container over it, as far as these are known here. */
  readonly effective: EdgeConfig;
  /** Directives and variables without effect, with their places in the spec. */
  readonly warnings: readonly string[];
}

/**
 * Renders the configuration. The drain time isn't in it: see `edgeEnvironment`.
 * @param origins servers of each group; every group that a vhost uses must be there
 * Throws RenderError when the edge would refuse it.
 */
export function renderConfig(cluster: EdgeCluster, origins: Origins): RenderedConfig {
  const { config, warnings } = withExtraDirectives(print(edgeConfigOf(cluster, origins)), cluster.spec);
  const text = print(config);
  const loaded = withEnvironment(text, cluster);
  return {
    text,
    hash: createHash('sha256').update(text).digest('hex').slice(0, 16),
    config,
    effective: loaded.config,
    warnings: [...warnings, ...loaded.warnings.filter(({ at }) => 'variable' in at).map(describe)],
  };
}

/**
 * Variables that every edge of the cluster is to be given. How long a pod drains comes this way because it must agree
 * with the time that Kubernetes lets the pod live, which is fixed when the pod is made; a file could change under it.
 */
export function edgeEnvironment({ spec }: EdgeCluster): { readonly SRS_EDGE_DRAIN_TIMEOUT: string } {
  return { SRS_EDGE_DRAIN_TIMEOUT: String(spec.pods.drainSeconds * 1000) };
}

function print(config: EdgeConfig): string {
  try {
    return printConfig(config);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RenderError('InvalidConfig', [`spec: ${error.message}`]);
  }
}

function withEnvironment(text: string, cluster: EdgeCluster): Loaded {
  const variables = cluster.spec.pods.env ?? [];
  const refused = variables.flatMap(({ name }) => {
    const remedy = governedVariable(name);
    return remedy === undefined ? [] : [`spec.pods.env ${name}: it cannot be set here; ${remedy}`];
  });
  if (refused.length > 0) throw new RenderError('InvalidEnvironment', refused);
  try {
    return parseConfig(text, { name: 'spec', env: { ...edgeEnvironment(cluster), ...literal(variables) } });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new RenderError('InvalidEnvironment', error.problems.map(describe));
  }
}

/** The variables whose value is known before the pod is. */
function literal(variables: readonly { readonly name: string; readonly value?: string }[]): Environment {
  return Object.fromEntries(
    variables.flatMap(({ name, value }) => (value === undefined || value.includes('$(') ? [] : [[name, value]])),
  );
}
