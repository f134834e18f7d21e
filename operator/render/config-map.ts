/**
 * The ConfigMap that holds edge.conf, and beside it the authorities of origins by RTMPS and the
 * public keys of tokens.
 *
 * It is one for all pods, so that a change reaches them all at once. While an upgrade is under way some of them run an
 * older edge, or a newer one after a step back: each template of pods names the key of the language that its edges
 * read, and the ConfigMap has the file in every language that is in use.
 */
import type { V1ConfigMap } from '@kubernetes/client-node';
import { LANGUAGE } from '../../edge/conf/language.ts';
import { printConfig } from '../../edge/conf/print.ts';
import { configKeyOf } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { jwksFiles } from './access.ts';
import type { RenderedConfig } from './config.ts';
import { caBundleKey } from './edge-config.ts';
import { metadataOf, type Owned } from './metadata.ts';

/** @param languages that edges read; our own is always there */
export function configMap(
  cluster: EdgeCluster,
  { config }: RenderedConfig,
  languages: readonly number[],
): Owned<V1ConfigMap> {
  const data: Record<string, string> = {};
  for (const language of new Set([LANGUAGE, ...languages])) data[configKeyOf(language)] = printConfig(config, language);
  for (const { name, tls } of cluster.spec.origins) {
    if (tls?.caBundle !== undefined) data[caBundleKey(name, tls.caBundle)] = tls.caBundle;
  }
  for (const [key, jwks] of jwksFiles(cluster)) data[key] = jwks;
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadataOf(cluster), data };
}
