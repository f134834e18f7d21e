/**
 * PodMonitors of the Prometheus operator: watched, and made, where their CRD is. It may come later, and go. Whether it
 * is there is asked by a timer: to watch CRDs would take one more right.
 */

import type { KubernetesObject } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { KubeApi } from '../../kube/api.ts';
import { backoffMs } from '../../kube/backoff.ts';
import { RESOURCES } from '../../kube/resources.ts';
import type { Changed, Watcher } from './watcher.ts';

export interface PodMonitorsOptions {
  readonly api: Pick<KubeApi, 'serves'>;
  readonly watcher: Pick<Watcher, 'watch'>;
  readonly labelSelector: string;
  /** Told of each of them. */
  readonly changed: Changed<KubernetesObject>;
  /** All were listed, in this namespace (undefined: in all), and their changes told. */
  readonly listed: (resourceVersion: string, namespace: string | undefined) => void;
  /** They are watched from now on. */
  readonly begun: () => void;
  /** They are not watched any more. */
  readonly ended: () => void;
  /** Resolves when what may be done without has been waited for long enough. */
  readonly longEnough: () => Promise<'late'>;
  readonly log: Logger;
  readonly pauses?: Partial<PodMonitorsPauses>;
}

export interface PodMonitorsPauses {
  /** Until it is asked again whether the CRD has come; default 1 min. */
  readonly absentMs: number;
  /** After the first answer that failed; doubled with each, up to `absentMs`. Default 1 s. */
  readonly failedMs: number;
  /** After they could not be listed, as without the right to; default 10 min. */
  readonly unlistedMs: number;
}

export class PodMonitors {
  readonly #options: PodMonitorsOptions;
  readonly #pauses: PodMonitorsPauses;
  #watching: AbortController | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: PodMonitorsOptions) {
    this.#options = options;
    this.#pauses = { absentMs: 60_000, failedMs: 1000, unlistedMs: 600_000, ...options.pauses };
  }

  get watched(): boolean {
    return this.#watching !== undefined;
  }

  /**
   * Watches them from when they are served, until `close`. Resolves when all have been told, or when they are not to be
   * had now.
   */
  async start(): Promise<void> {
    const againMs = await this.#look();
    if (againMs !== undefined) this.#lookAgain(againMs);
  }

  /** The API server does not know them any more. */
  end(): void {
    if (this.#watching === undefined) return;
    this.#watching.abort();
    this.#watching = undefined;
    this.#options.ended();
    this.#lookAgain(this.#pauses.absentMs);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #lookAgain(inMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => void this.start(), inMs).unref();
  }

  /** @returns milliseconds until the next look; undefined: they are watched */
  async #look(): Promise<number | undefined> {
    const { api, watcher, labelSelector, changed, listed, begun, ended, longEnough, log } = this.#options;
    const { absentMs, failedMs, unlistedMs } = this.#pauses;
    try {
      if (!(await api.serves(RESOURCES.PodMonitor))) return absentMs;
      this.#failures = 0;
    } catch (error) {
      const again = 'whether PodMonitors are served is not known, so none are made; will ask again';
      if (this.#failures === 0) log.warn({ err: String(error) }, again);
      return backoffMs(this.#failures++, failedMs, absentMs);
    }
    const end = new AbortController();
    const settings = { labelSelector, listed, signal: end.signal };
    const synced = watcher.watch<KubernetesObject, KubernetesObject>(RESOURCES.PodMonitor, settings, asIs, changed);
    if ((await Promise.race([synced, longEnough()])) === 'late') {
      end.abort();
      // Some may have been told, as of one namespace of two.
      ended();
      return unlistedMs;
    }
    this.#watching = end;
    begun();
    return undefined;
  }
}

function asIs(object: KubernetesObject): KubernetesObject {
  return object;
}
