/** Whether the Secrets of TLS listeners are there. */

import { namespaceOf } from '../../api/labels.ts';
import type { EdgeCluster } from '../../api/types.ts';
import { tlsSecrets } from './references.ts';
import type { TlsSecretView } from './views.ts';

export type SecretLookup = (namespace: string, name: string) => TlsSecretView | undefined;

export interface SecretProblem {
  readonly secret: string;
  readonly message: string;
}

/** Secrets of TLS listeners that are not there or lack a key; pods wait for them, as Kubernetes has it. */
export function checkSecrets(cluster: EdgeCluster, secrets: SecretLookup): SecretProblem[] {
  const namespace = namespaceOf(cluster);
  return tlsSecrets(cluster).flatMap(({ name, place }): SecretProblem[] => {
    const secret = secrets(namespace, name);
    if (secret === undefined)
      return [
        {
          secret: name,
          message: `${place}: there is no Secret ${namespace}/${name} of type kubernetes.io/tls; create it with "kubectl create secret tls ${name} -n ${namespace} --cert=FILE --key=FILE"`,
        },
      ];
    const missing = ['tls.crt', 'tls.key'].filter((key) => !secret.keys.includes(key));
    if (missing.length === 0) return [];
    return [{ secret: name, message: `${place}: Secret ${namespace}/${name} has no ${missing.join(' and no ')}` }];
  });
}
