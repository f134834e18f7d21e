/** What the controller is told: the API server, how far it looks, and whom it tells. */

import type { Logger } from 'pino';
import type { KubeApi } from '../kube/api.ts';
import type { Notify } from './apply/carry-out.ts';
import type { MasterKeyOptions } from './apply/master-key.ts';
import type { Pace } from './rollout/turns.ts';

export type Result = 'settled' | 'later' | 'failed';

export interface ControllerOptions {
  readonly api: KubeApi;
  /** None: all. */
  readonly namespaces: readonly string[];
  readonly edgeImage: string;
  /** Whether Secrets may be listed and watched. Where not, our own ones are looked at now and then. */
  readonly watchSecrets: boolean;
  /** Whether a Service of another namespace must consent before its endpoints are read. */
  readonly requireConsent: boolean;
  /** The Secret with the key that all credentials derive from. */
  readonly masterKey: Pick<MasterKeyOptions, 'namespace' | 'name' | 'rotateEveryMs' | 'overlapMs'>;
  /** How fast EdgeClusters get what is new only because this operator is. */
  readonly upgradePace: Pace;
  readonly notify: Notify;
  readonly log: Logger;
  /** Told after each reconcile. */
  readonly reconciled?: (result: Result, durationMs: number) => void;
  /** How long a key waited for a worker. */
  readonly waited?: (ms: number) => void;
  /** EdgeClusters in work at once; default 8. */
  readonly workers?: number;
  /** Between two questions to an edge; default 10 s. */
  readonly pollIntervalMs?: number;
  /** What may be done without is waited for so long: PodMonitors, and whether Secrets are there. Default 10 s. */
  readonly optionalWaitMs?: number;
  /** Between two looks at a definition of EdgeCluster that is not ours; default a minute. */
  readonly definitionEveryMs?: number;
}
