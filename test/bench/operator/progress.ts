/** How far the operator has come, by watching what it makes. */
import type { KubernetesObject, V1ConfigMap } from '@kubernetes/client-node';
import { CONFIG_KEY } from '../../../operator/api/labels.ts';
import type { KubeClient } from '../../support/kubernetes-client.ts';

/** Of every EdgeCluster. */
export const ownedKinds = [
  '/api/v1/serviceaccounts',
  '/api/v1/configmaps',
  '/api/v1/services',
  '/apis/apps/v1/deployments',
  '/apis/policy/v1/poddisruptionbudgets',
] as const;

const selector = 'labelSelector=app.kubernetes.io%2Fmanaged-by%3Dedgecluster';

interface Status {
  readonly observedGeneration?: number;
  readonly configHash?: string;
  readonly players?: number;
}

export class Progress {
  readonly #objects = new Map<string, Set<string>>();
  readonly #texts = new Map<string, string>();
  readonly #looking = new Set<() => void>();

  constructor(client: KubeClient, signal: AbortSignal) {
    for (const path of ownedKinds) {
      const found = new Set<string>();
      this.#objects.set(path, found);
      void client.follow<KubernetesObject>(`${path}?${selector}`, signal, (object, deleted) => {
        const uid = object.metadata?.uid ?? '';
        if (deleted) found.delete(uid);
        else found.add(uid);
        if (path.endsWith('configmaps')) this.#texts.set(uid, (object as V1ConfigMap).data?.[CONFIG_KEY] ?? '');
        for (const look of [...this.#looking]) look();
      });
    }
    void client.follow<KubernetesObject & { status?: Status }>(
      '/apis/edgecluster.io/v1alpha1/edgeclusters',
      signal,
      ({ metadata, status }) => {
        if (status?.observedGeneration !== undefined) this.#observed.add(metadata?.uid ?? '');
        if (status !== undefined) this.#statuses.set(`${metadata?.namespace}/${metadata?.name}`, status);
        for (const look of [...this.#looking]) look();
      },
    );
  }

  readonly #observed = new Set<string>();
  readonly #statuses = new Map<string, Status>();

  /** Hash of the configuration that the edges of an EdgeCluster are to run. @param key `namespace/name` */
  readonly hashOf = (key: string): string => this.#statuses.get(key)?.configHash ?? '';

  /** Resolves with the time when so many EdgeClusters count players. */
  played(clusters: number): Promise<number> {
    return this.#until(() => [...this.#statuses.values()].filter(({ players = 0 }) => players > 0).length >= clusters);
  }

  /** Resolves with the time when so many EdgeClusters have all their objects, two Services each, and a status. */
  made(clusters: number): Promise<number> {
    return this.#until(() => {
      const complete = [...this.#objects].every(
        ([path, { size }]) => size >= clusters * (path.endsWith('/services') ? 2 : 1),
      );
      return complete && this.#observed.size >= clusters;
    });
  }

  /** Resolves with the time when the configuration of so many EdgeClusters has a text in it. */
  configured(clusters: number, text: string): Promise<number> {
    return this.#until(() => [...this.#texts.values()].filter((config) => config.includes(text)).length >= clusters);
  }

  #until(test: () => boolean): Promise<number> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!test()) return;
        this.#looking.delete(look);
        resolve(performance.now());
      };
      this.#looking.add(look);
      look();
    });
  }
}
