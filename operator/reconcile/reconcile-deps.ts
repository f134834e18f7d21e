/**
 * What a reconcile needs of the process: the API server, what is known of it and of the edges, and the settings.
 */

import type { Logger } from 'pino';
import type { KubeApi } from '../kube/api.ts';
import type { RenderSettings } from '../render/render.ts';
import type { Notify } from './apply/carry-out.ts';
import type { EdgePoller } from './edges/poller.ts';
import type { Caches } from './observe/caches.ts';
import type { Definition } from './observe/definition.ts';
import type { Turns } from './rollout/turns.ts';

export interface ReconcileDeps {
  readonly api: Pick<KubeApi, 'apply' | 'delete' | 'get' | 'mergePatch'>;
  readonly caches: Caches;
  readonly edges: Pick<EdgePoller, 'askNow' | 'edge' | 'follow' | 'move'>;
  readonly turns: Pick<Turns, 'forget' | 'stand' | 'take'>;
  readonly settings: () => RenderSettings;
  /** The API server does not know a kind any more that the settings say it does. */
  readonly kindGone: () => void;
  /** Whether a Service of another namespace must consent before its endpoints are read. */
  readonly requireConsent: boolean;
  readonly definition: Pick<Definition, 'fitted' | 'problemsOf' | 'refused'>;
  /** Whether the caches show Secrets yet. */
  readonly secretsKnown: () => boolean;
  /** Whether the caches show the Secrets that we make. */
  readonly ownSecretsWatched: () => boolean;
  /** Why there is no master key; undefined while there is one. */
  readonly masterKeyProblem: () => string | undefined;
  readonly notify: Notify;
  readonly log: Logger;
  /** Ends writes that are under way. */
  readonly signal: AbortSignal;
  /** Monotonic; default `performance.now`. */
  readonly nowMs?: () => number;
}
