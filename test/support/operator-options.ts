/** What an operator of a test is told, unless the test says otherwise. */

import type { OperatorOptions } from '../../operator/options.ts';

/** @param leaseNamespace where its lease and its master key are */
export function operatorOptions(leaseNamespace: string, others: Partial<OperatorOptions>): OperatorOptions {
  return {
    namespaces: [],
    leaderElection: false,
    leaseNamespace,
    leaseName: 'edgecluster-operator',
    masterKeySecret: 'edgecluster-operator-master-key',
    rotateEveryDays: undefined,
    formerIdentityPrefix: undefined,
    watchSecrets: true,
    requireConsent: true,
    identity: 'operator-0',
    edgeImage: 'edge:test',
    upgradePace: { clusters: 1, pauseMs: 0 },
    listen: { host: '127.0.0.1', port: 0 },
    logLevel: 'info',
    kubeconfig: undefined,
    ...others,
  };
}
