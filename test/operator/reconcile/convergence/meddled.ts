/** What somebody may make of an object that the operator owns. */

import type { KubernetesObject } from '@kubernetes/client-node';
import { APPLIED_HASH } from '../../../../operator/api/labels.ts';

interface Meddled extends KubernetesObject {
  readonly data?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

export function meddled(object: Meddled, how: 'content' | 'owner' | 'labels' | 'hash'): KubernetesObject {
  const { metadata } = object;
  switch (how) {
    case 'owner':
      return { ...object, metadata: { ...metadata, ownerReferences: [] } };
    case 'labels':
      return { ...object, metadata: { ...metadata, labels: {} } };
    case 'hash':
      return {
        ...object,
        metadata: { ...metadata, annotations: { ...metadata?.annotations, [APPLIED_HASH]: 'theirs' } },
      };
    case 'content': {
      const { data, spec } = object;
      if (data !== undefined) return { ...object, data: Object.fromEntries(Object.entries(data).slice(1)) } as Meddled;
      if (spec?.replicas !== undefined) return { ...object, spec: { ...spec, replicas: 7 } } as Meddled;
      if (spec?.ports !== undefined)
        return { ...object, spec: { ...spec, ports: [{ name: 'theirs', port: 99 }] } } as Meddled;
      return {
        ...object,
        metadata: { ...metadata, labels: { ...metadata?.labels, 'app.kubernetes.io/name': 'theirs' } },
      };
    }
  }
}
