/** Pods by way of the API server: their own HTTP, and their eviction. Needs no network to the pods. */
import type { ClusterAccess } from './access.ts';
import type { ApiError } from './error.ts';
import { RESOURCES, resourcePath } from './resources.ts';
import { Transport } from './transport.ts';
import { refusal } from './wire.ts';

export interface PodPort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/** What the pod answered, whatever its status. */
export interface PodAnswer {
  readonly status: number;
  readonly body: string;
}

const requestTimeoutMs = 10_000;

export class Pods {
  readonly #transport: Transport;

  constructor(access: ClusterAccess, userAgent: string) {
    this.#transport = new Transport(access, userAgent);
  }

  /**
   * Sends a request to a pod (`pods/proxy`). The API server takes a header `Authorization` for itself: the pod never
   * sees one.
   * @throws ApiError when the API server refuses, or does not reach the pod
   */
  async ask(
    { namespace, name, port }: PodPort,
    method: 'GET' | 'DELETE',
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<PodAnswer> {
    const proxy = `${resourcePath(RESOURCES.Pod, namespace, `${name}:${port}`)}/proxy`;
    const call = {
      method,
      path: `${proxy}${path}`,
      headers,
      timeoutMs: requestTimeoutMs,
      what: `${method} ${path} of pod ${namespace}/${name}`,
    };
    const { status, body, retryAfter } = await this.#transport.send(call);
    if (status >= 300 && isOfApiServer(body)) throw refusal(call, status, body, retryAfter);
    return { status, body };
  }

  /**
   * Ends a pod as the drain of a node does, unless a PodDisruptionBudget says no.
   * @param uid only this very pod, not another of its name
   * @throws ApiError also TooManyRequests, when a PodDisruptionBudget says no
   */
  async evict(namespace: string, name: string, uid: string): Promise<void> {
    const call = {
      method: 'POST',
      path: resourcePath(RESOURCES.Pod, namespace, name, 'eviction'),
      timeoutMs: requestTimeoutMs,
      what: `eviction of pod ${namespace}/${name}`,
      body: JSON.stringify({
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { namespace, name },
        deleteOptions: { preconditions: { uid } },
      }),
    } as const;
    const { status, body, retryAfter } = await this.#transport.send(call);
    if (status >= 300) throw refusal(call, status, body, retryAfter) satisfies ApiError;
  }

  /** Ends all connections. */
  close(): void {
    this.#transport.close();
  }
}

/** Its errors are Status objects; an edge has none. */
function isOfApiServer(body: string): boolean {
  try {
    return (JSON.parse(body) as { readonly kind?: unknown } | null)?.kind === 'Status';
  } catch {
    return false;
  }
}
