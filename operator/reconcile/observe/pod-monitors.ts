/** PodMonitors of the Prometheus operator: watched, and made, where their CRD is. It may come later, and go. */

import type { KubernetesObject } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { KubeApi } from '../../kube/api.ts';
import { RESOURCES } from '../../kube/resources.ts';
import type { Changed, Watcher } from './watcher.ts';

export interface PodMonitorsOptions {
  readonly api: Pick<KubeApi, 'serves'>;
  readonly watcher: Pick<Watcher, 'watch'>;
  readonly labelSelector: string;
  /** Told of each of them. */
  readonly changed: Changed<KubernetesObject>;
  /** They are watched from now on. */
  readonly begun: () => void;
  /** They are not watched any more. */
  readonly ended: () => void;
  /** Resolves when what may be done without has been waited for long enough. */
  readonly longEnough: () => Promise<'late'>;
  readonly log: Logger;
}

/** Whether the CRD has come is looked at no more often than this. */
const everyMs = 600_000;

export class PodMonitors {
  readonly #options: PodMonitorsOptions;
  #watching: AbortController | undefined;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: PodMonitorsOptions) {
    this.#options = options;
  }

  get watched(): boolean {
    return this.#watching !== undefined;
  }

  /** Begins to watch them, if they are served now; resolves when all have been told, or when that takes too long. */
  async look(): Promise<void> {
    const { api, watcher, labelSelector, changed, begun, longEnough, log } = this.#options;
    const nowMs = performance.now();
    if (this.#watching !== undefined || nowMs < this.#lookedAtMs + everyMs) return;
    this.#lookedAtMs = nowMs;
    try {
      if (!(await api.serves(RESOURCES.PodMonitor))) return;
    } catch (error) {
      log.warn({ err: String(error) }, 'whether PodMonitors are served is not known: none are made');
      return;
    }
    const end = new AbortController();
    const settings = { labelSelector, signal: end.signal };
    const synced = watcher.watch<KubernetesObject, KubernetesObject>(RESOURCES.PodMonitor, settings, asIs, changed);
    if ((await Promise.race([synced, longEnough()])) === 'late') {
      end.abort();
      return;
    }
    this.#watching = end;
    begun();
  }

  /** The API server does not know them any more. */
  end(): void {
    this.#watching?.abort();
    this.#watching = undefined;
    this.#options.ended();
  }
}

function asIs(object: KubernetesObject): KubernetesObject {
  return object;
}
