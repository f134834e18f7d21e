/**
 * What the edge.conf in force was made of: it stands beside it in the ConfigMap, so that both are written at once and
 * the next operator knows it. With it the configuration in force follows its origins while another one is tried.
 */

import { createHash } from 'node:crypto';
import type { V1ConfigMap } from '@kubernetes/client-node';
import { CONFIG_HALTED } from '../../api/labels.ts';
import type { EdgeCluster, EdgeClusterSpec } from '../../api/types.ts';

/** Key of the ConfigMap. */
export const RECORD_KEY = 'edge.spec.json';

/** A ConfigMap has room for 1 MiB, and edge.conf needs it more: a greater spec is not recorded, and never tried first. */
const recordMaxBytes = 200_000;

/** The part of a spec that edge.conf is made of. */
type ConfigSpec = Pick<
  EdgeClusterSpec,
  'origins' | 'vhosts' | 'listeners' | 'maxConnections' | 'logLevel' | 'extraDirectives'
>;

export function recordOf({ spec }: EdgeCluster): string {
  const { origins, vhosts, listeners, maxConnections, logLevel, extraDirectives } = spec;
  const record: ConfigSpec = {
    origins,
    vhosts,
    listeners,
    maxConnections,
    logLevel,
    ...(extraDirectives !== undefined && { extraDirectives }),
  };
  return JSON.stringify(record);
}

/** Whether a ConfigMap has room for it. */
export function isRecorded(record: string): boolean {
  return Buffer.byteLength(record) <= recordMaxBytes;
}

/** Names a configuration that is tried: a key of the ConfigMap. */
export function canaryFileOf(record: string): string {
  return `canary-${createHash('sha256').update(record).digest('hex').slice(0, 8)}.conf`;
}

/** The configuration that is tried now: a key of the ConfigMap. */
export function triedIn(configMap: V1ConfigMap | undefined): string | undefined {
  return Object.keys(configMap?.data ?? {}).find((key) => /^canary-[0-9a-f]{8}\.conf$/.test(key));
}

/** The EdgeCluster with the configuration that is in force; undefined: nobody noted it, or it is no spec of ours. */
export function recordedIn(configMap: V1ConfigMap | undefined, cluster: EdgeCluster): EdgeCluster | undefined {
  const text = configMap?.data?.[RECORD_KEY];
  if (text === undefined) return undefined;
  try {
    const record = JSON.parse(text) as Partial<ConfigSpec>;
    if (!Array.isArray(record.origins) || !Array.isArray(record.vhosts) || typeof record.listeners !== 'object')
      return undefined;
    // We wrote it; what an older operator did not know is taken from the present spec.
    const { extraDirectives: _, ...others } = cluster.spec;
    return { ...cluster, spec: { ...others, ...record } };
  } catch {
    return undefined;
  }
}

/** A changed configuration that was put back. */
export interface Halted {
  /** As `canaryFileOf` calls it. */
  readonly file: string;
  /** Which edge said what. */
  readonly message: string;
}

export function haltedIn(configMap: V1ConfigMap | undefined): Halted | undefined {
  const text = configMap?.metadata?.annotations?.[CONFIG_HALTED];
  const [, file, message] = /^(\S+) (.+)$/s.exec(text ?? '') ?? [];
  return file === undefined || message === undefined ? undefined : { file, message };
}

export function haltedText({ file, message }: Halted): string {
  return `${file} ${message}`;
}
