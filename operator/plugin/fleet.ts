/** The edges of a cluster, asked one by one through the API server. */
import type { V1Pod, V1Secret } from '@kubernetes/client-node';
import { API_CREDENTIALS_KEY, CLUSTER_LABEL, nameOf, namespaceOf } from '../api/labels.ts';
import { parentKeys } from '../api/parents.ts';
import type { EdgeCluster } from '../api/types.ts';
import type { ClusterAccess } from '../kube/access.ts';
import { ApiError, KubeApi } from '../kube/api.ts';
import { Pods } from '../kube/pods.ts';
import { RESOURCES } from '../kube/resources.ts';
import { type EdgeReport, parseEdgeReport } from '../reconcile/edges/report.ts';
import { clusterView, type PodView, podView } from '../reconcile/observe/views.ts';
import { basicAuthorization } from '../render/credential.ts';
import { type ClientRow, isSuccess, parseClients, parseStreams, type StreamRow } from './answers.ts';
import type { Above } from './tree.ts';

/** What cannot be done, and what to do about it. */
export class FleetError extends Error {
  override readonly name = 'FleetError';
}

export interface Edge {
  readonly namespace: string;
  /** Name of its EdgeCluster. */
  readonly cluster: string;
  readonly pod: PodView;
}

/** Which edges. */
export interface Selection {
  /** Undefined: all. */
  readonly namespace: string | undefined;
  /** Of one EdgeCluster; undefined: all. */
  readonly cluster: string | undefined;
}

/** An edge, and what it said; or why it said nothing. */
export type Told<T> = { readonly edge: Edge; readonly answer: T } | { readonly edge: Edge; readonly silence: string };

const edgePods = 'app.kubernetes.io/name=edge';
const defaultApiPort = 1985;
/** The edge takes credentials in this header, too: the API server keeps `Authorization` for itself. */
const credentialHeader = 'X-Edge-Authorization';
const rowsOfPage = 1000;

export class Fleet {
  readonly #api: KubeApi;
  readonly #pods: Pods;
  /** By `namespace/EdgeCluster`: values of the header, the newest first. */
  readonly #credentials = new Map<string, Promise<readonly string[]>>();

  constructor(access: ClusterAccess, userAgent: string) {
    this.#api = new KubeApi(access, { userAgent });
    this.#pods = new Pods(access, userAgent);
  }

  close(): void {
    this.#api.close();
    this.#pods.close();
  }

  /** Throws FleetError when there is none. */
  async edges({ namespace, cluster }: Selection): Promise<readonly Edge[]> {
    const labelSelector = `${edgePods},${CLUSTER_LABEL}${cluster === undefined ? '' : `=${cluster}`}`;
    const { items } = await this.#api.list<V1Pod>(RESOURCES.Pod, { namespace, labelSelector });
    if (items.length === 0) {
      const of = cluster === undefined ? 'no EdgeCluster has edges' : `EdgeCluster ${cluster} has no edges`;
      const where =
        namespace === undefined ? 'in any namespace' : `in namespace ${namespace}; -n or -A looks elsewhere`;
      throw new FleetError(`${of} ${where}`);
    }
    return items.map(edgeOf).toSorted((a, b) => titleOf(a).localeCompare(titleOf(b), 'en', { numeric: true }));
  }

  /** Which EdgeClusters are origins of which; or why that cannot be seen. */
  async above(namespace: string | undefined): Promise<Above | { readonly unseen: string }> {
    try {
      const { items } = await this.#api.list<EdgeCluster>(RESOURCES.EdgeCluster, { namespace });
      return new Map(items.map((one) => [`${namespaceOf(one)}/${nameOf(one)}`, parentKeys(clusterView(one))]));
    } catch (error) {
      if (error instanceof ApiError && error.status === 403) return { unseen: error.message };
      throw error;
    }
  }

  /** Throws FleetError when there is no such pod, or it is no edge. */
  async edge(namespace: string, name: string): Promise<Edge> {
    const pod = await this.#api.get<V1Pod>(RESOURCES.Pod, namespace, name);
    if (pod === undefined) throw new FleetError(`there is no pod ${name} in namespace ${namespace}`);
    if (pod.metadata?.labels?.[CLUSTER_LABEL] === undefined)
      throw new FleetError(`pod ${namespace}/${name} is no edge: it has no label ${CLUSTER_LABEL}`);
    return edgeOf(pod);
  }

  reports(edges: readonly Edge[]): Promise<readonly Told<EdgeReport>[]> {
    return this.#askAll(edges, async (edge) => parseEdgeReport(await this.#get(edge, '/api/v1/edge')));
  }

  streams(edges: readonly Edge[]): Promise<readonly Told<readonly StreamRow[]>[]> {
    return this.#askAll(edges, (edge) => this.#pages(edge, '/api/v1/streams', parseStreams));
  }

  clients(edges: readonly Edge[]): Promise<readonly Told<readonly ClientRow[]>[]> {
    return this.#askAll(edges, (edge) => this.#pages(edge, '/api/v1/clients', parseClients));
  }

  /** Disconnects a client, wherever it is; the edges that had it. */
  async kick(edges: readonly Edge[], client: string): Promise<readonly Told<boolean>[]> {
    const path = `/api/v1/clients/${encodeURIComponent(client)}`;
    return this.#askAll(edges, async (edge) => isSuccess(await this.#ask(edge, 'DELETE', path)));
  }

  /** Ends an edge, which lets its clients finish first. Throws FleetError when it must stay. */
  async drain({ namespace, pod }: Edge): Promise<void> {
    try {
      await this.#pods.evict(namespace, pod.metadata.name, pod.metadata.uid);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 429)) throw error;
      const remedy = 'wait until more edges are ready, or look at spec.availability.podDisruptionBudget';
      throw new FleetError(`${error.message}; ${remedy}`);
    }
  }

  /** Rights that are missing, and an API server that is away, concern all edges; other failures one. */
  async #askAll<T>(edges: readonly Edge[], ask: (edge: Edge) => Promise<T>): Promise<readonly Told<T>[]> {
    return Promise.all(
      edges.map(async (edge): Promise<Told<T>> => {
        const { phase, failure } = edge.pod;
        if (phase !== 'Running') return { edge, silence: failure?.reason ?? phase };
        try {
          return { edge, answer: await ask(edge) };
        } catch (error) {
          if (error instanceof ApiError && error.status !== 503 && error.status !== 404) throw error;
          if (error instanceof FleetError) throw error;
          return { edge, silence: (error as Error).message };
        }
      }),
    );
  }

  async #pages<T>(edge: Edge, path: string, parse: (body: string) => T[]): Promise<readonly T[]> {
    const all: T[] = [];
    for (;;) {
      const page = parse(await this.#get(edge, `${path}?start=${all.length}&count=${rowsOfPage}`));
      all.push(...page);
      if (page.length < rowsOfPage) return all;
    }
  }

  #get(edge: Edge, path: string): Promise<string> {
    return this.#ask(edge, 'GET', path);
  }

  /** With each credential, until one is taken. */
  async #ask(edge: Edge, method: 'GET' | 'DELETE', path: string): Promise<string> {
    const { namespace, pod } = edge;
    const address = { namespace, name: pod.metadata.name, port: pod.apiPort ?? defaultApiPort };
    let status = 401;
    for (const credential of await this.#credentialsOf(edge)) {
      const answer = await this.#pods.ask(address, method, path, { [credentialHeader]: credential });
      status = answer.status;
      if (status === 200) return answer.body;
      if (status !== 401) break;
    }
    // Another one may be there by now.
    this.#credentials.delete(keyOf(edge));
    if (status === 401) throw new Error('it refuses the credential: an older edge, or its Secret has just changed');
    throw new Error(`it answers with HTTP status ${status}`);
  }

  #credentialsOf(edge: Edge): Promise<readonly string[]> {
    const key = keyOf(edge);
    const known =
      this.#credentials.get(key) ?? this.#readCredentials(edge.namespace, `${edge.cluster}-api-credentials`);
    this.#credentials.set(key, known);
    known.catch(() => this.#credentials.delete(key));
    return known;
  }

  async #readCredentials(namespace: string, name: string): Promise<readonly string[]> {
    const secret = await this.#api.get<V1Secret>(RESOURCES.Secret, namespace, name);
    const file = Buffer.from(secret?.data?.[API_CREDENTIALS_KEY] ?? '', 'base64').toString();
    const credentials = file.split('\n').flatMap((line) => {
      const [username = '', ...rest] = line.split(':');
      return rest.length === 0 ? [] : basicAuthorization({ username, password: rest.join(':') });
    });
    if (credentials.length > 0) return credentials;
    throw new FleetError(
      `there is no credential for the edges' API: Secret ${namespace}/${name} is missing or empty; the operator makes it`,
    );
  }
}

function keyOf({ namespace, cluster }: Edge): string {
  return `${namespace}/${cluster}`;
}

function titleOf({ namespace, cluster, pod }: Edge): string {
  return `${namespace}/${cluster}/${pod.metadata.name}`;
}

function edgeOf(pod: V1Pod): Edge {
  const { namespace = 'default', labels } = pod.metadata ?? {};
  return { namespace, cluster: labels?.[CLUSTER_LABEL] ?? '', pod: podView(pod) };
}
