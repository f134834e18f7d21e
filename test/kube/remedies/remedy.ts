/** A row of crds/TROUBLESHOOTING.md that is tried: how its condition comes about, and the remedy that the row names. */

import type { EdgeCluster } from '../../../operator/api/types.ts';
import type { Kubernetes } from '../../support/kubernetes.ts';
import type { KubeClient } from '../../support/kubernetes-client.ts';

/** A condition and its reason, as the first two cells of a row have them: `Degraded NameTaken`. */
export type Row = `${string} ${string}`;

export interface Remedy {
  /** What is the matter. */
  readonly name: string;
  /** All that are there after `produce`, and none of which is there after `remedy`. */
  readonly rows: readonly Row[];
  readonly produce: (place: Place) => Promise<unknown>;
  readonly remedy: (place: Place) => Promise<unknown>;
}

const clusterNamed = (name: string, spec: object) => ({
  apiVersion: 'edgecluster.io/v1alpha1',
  kind: 'EdgeCluster',
  metadata: { name },
  spec: { origins: mainOrigins, ...spec },
});
const mainOrigins = [{ name: 'main', servers: ['origin-a.media:1935'] }];

/** A namespace with an EdgeCluster `live`, and another one, `elsewhere`, whose objects may be referred to. */
export class Place {
  readonly kubernetes: Kubernetes;
  readonly client: KubeClient;
  readonly namespace: string;
  readonly elsewhere: string;

  private constructor(kubernetes: Kubernetes, client: KubeClient, namespace: string, elsewhere: string) {
    this.kubernetes = kubernetes;
    this.client = client;
    this.namespace = namespace;
    this.elsewhere = elsewhere;
  }

  /** Makes the namespaces. */
  static async open(kubernetes: Kubernetes, client: KubeClient): Promise<Place> {
    const namespace = await kubernetes.createNamespace('remedy');
    return new Place(kubernetes, client, namespace, await kubernetes.createNamespace('elsewhere'));
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.kubernetes.kubectl(['-n', this.namespace, ...args]);
  }

  /** @param spec beside origins, which it may replace */
  create(spec: object = {}, name = 'live'): Promise<unknown> {
    return this.client.post(this.#clusters, clusterNamed(name, spec));
  }

  /** RFC 7396. */
  change(spec: object, name = 'live'): Promise<unknown> {
    return this.client.patch(`${this.#clusters}/${name}`, { spec });
  }

  /** Resolves when the status of `live` passes a test. */
  async until(test: (cluster: EdgeCluster) => boolean): Promise<void> {
    const isSo = (all: readonly EdgeCluster[]) => all.some((one) => one.metadata.name === 'live' && test(one));
    await this.client.until<EdgeCluster>(this.#clusters, isSo, 90_000);
  }

  apply(object: object): Promise<string> {
    return this.kubernetes.kubectl(['-n', this.namespace, 'apply', '-f', '-'], { input: JSON.stringify(object) });
  }

  get #clusters(): string {
    return `/apis/edgecluster.io/v1alpha1/namespaces/${this.namespace}/edgeclusters`;
  }
}

/** Whether a row is in the conditions now. */
export function has({ status }: EdgeCluster, row: Row): boolean {
  return status?.conditions?.some(({ type, reason }) => `${type} ${reason}` === row) === true;
}

/** The condition comes, and goes by the remedy. */
export async function tryOut({ rows, produce, remedy }: Remedy, place: Place): Promise<void> {
  await produce(place);
  await place.until((live) => rows.every((row) => has(live, row)));
  await remedy(place);
  await place.until((live) => !rows.some((row) => has(live, row)));
}
