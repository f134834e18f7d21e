/** Which languages of configuration edges read: while an upgrade is under way more than one. */

import type { KubernetesObject, V1ConfigMap, V1Deployment } from '@kubernetes/client-node';
import { LANGUAGE, languageOf } from '../../api/labels.ts';
import { languageRead, type PodView } from '../observe/views.ts';
import { rolloutOf } from './fleet.ts';

/**
 * Languages besides our own, in ascending order: those of pods; that of the Deployment's template, whose pods may come
 * at any time; and as long as pods of former templates may still be made, whatever the ConfigMap has.
 */
export function otherLanguages(
  pods: readonly PodView[],
  deployment: V1Deployment | undefined,
  configMap: KubernetesObject | undefined,
): readonly number[] {
  const read = pods.map(({ language }) => language);
  if (deployment !== undefined) {
    read.push(languageRead(deployment.spec?.template.spec));
    const { data = {} } = (configMap ?? {}) as V1ConfigMap;
    if (rolloutOf(deployment).state !== 'done') read.push(...Object.keys(data).map(languageOf));
  }
  const others = read.flatMap((language) => (language === undefined || language === LANGUAGE ? [] : [language]));
  return [...new Set(others)].sort((a, b) => a - b);
}
