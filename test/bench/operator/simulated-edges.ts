/**
 * Running edges as the operator sees them: pods in the API, and an HTTP API for each at an address of its own. All are
 * one server of this process. Their players come and go: a few between two questions, many in one cluster of twenty.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { V1Pod } from '@kubernetes/client-node';
import type { KubeClient } from '../../support/kubernetes-client.ts';

export interface SimulatedCluster {
  readonly namespace: string;
  readonly name: string;
}

/** In one cluster of so many, an event begins or ends each minute, and players double or halve. */
const busyOneIn = 20;
const minuteMs = 60_000;

export class SimulatedEdges {
  readonly #client: KubeClient;
  /** Hash of the configuration that the edges of a cluster are to run, by `namespace/name`. */
  readonly #hashOf: (cluster: string) => string;
  readonly #server = createServer(({ socket }, response) => response.end(this.#answer(socket.localAddress ?? '')));
  readonly #edges = new Map<string, { readonly cluster: string; readonly place: number; readonly players: number }>();
  #asked = 0;

  constructor(client: KubeClient, hashOf: (cluster: string) => string) {
    this.#client = client;
    this.#hashOf = hashOf;
    this.#server.keepAliveTimeout = 0;
  }

  /** Questions so far. */
  get asked(): number {
    return this.#asked;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '0.0.0.0', resolve));
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Makes the pod of one edge, which is ready at once. @param place of its cluster among all */
  async add({ namespace, name }: SimulatedCluster, place: number, number: number): Promise<void> {
    const count = this.#edges.size + 1;
    // All of 127.0.0.0/8 is this machine.
    const address = `127.${1 + (count >> 16)}.${(count >> 8) & 255}.${count & 255}`;
    this.#edges.set(address, {
      cluster: `${namespace}/${name}`,
      place,
      players: 20 + ((place * 7 + number * 31) % 400),
    });
    const { port } = this.#server.address() as AddressInfo;
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    const pod = podOf(namespace, name, number, port);
    await this.#client.post(pods, pod);
    await this.#client.patch(`${pods}/${pod.metadata?.name}/status`, {
      status: {
        phase: 'Running',
        podIP: address,
        podIPs: [{ ip: address }],
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }],
      },
    });
  }

  #answer(address: string): string {
    this.#asked++;
    const edge = this.#edges.get(address);
    if (edge === undefined) return '{"code":1}';
    const minute = Math.floor(Date.now() / minuteMs);
    const isBusy = (edge.place + minute) % busyOneIn === 0;
    const players = Math.round(edge.players * (isBusy ? 2 : 1) * (0.97 + Math.random() * 0.06));
    return JSON.stringify({
      code: 0,
      state: 'serving',
      config: { hash: this.#hashOf(edge.cluster), error: null, needs_restart: [] },
      players,
      publishers: 2,
      streams: 5,
      clients: { taken: players, refused: 0 },
      event_loop_lag_ms: 1,
      kbps: { recv_30s: 3000, send_30s: players * 626 },
      origins: ['10.1.0.1:1935', '10.1.0.2:1935', '10.1.0.4:1935'].map((name) => ({ name, state: 'up', reason: '' })),
    });
  }
}

function podOf(namespace: string, name: string, number: number, port: number): V1Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-simulated-${number}`,
      namespace,
      labels: {
        'app.kubernetes.io/name': 'edge',
        'app.kubernetes.io/managed-by': 'edgecluster',
        'edgecluster.io/cluster': name,
      },
    },
    spec: {
      serviceAccountName: name,
      automountServiceAccountToken: false,
      containers: [{ name: 'edge', image: 'edgecluster:bench', ports: [{ name: 'api', containerPort: port }] }],
    },
  };
}
