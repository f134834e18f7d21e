/** The API of an edge that is none: it answers what the test says. */
import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { V1Pod } from '@kubernetes/client-node';

type After = { after(fn: () => void): void };

export class FakeEdge {
  hash = '';
  players = 0;
  publishers = 0;
  clients = { taken: 0, refused: 0 };
  /** Why it refused the last text it was given. */
  configError: string | null = null;
  /** `username:password` of those who may ask; undefined: everybody may. */
  credentials: readonly string[] | undefined;
  origins: { name: string; state: 'up' | 'down' | 'suspect' | 'untried'; reason: string }[] = [];
  readonly #server: Server;
  readonly #events = new EventEmitter<{ answered: [] }>();

  private constructor() {
    this.#server = createServer(({ headers }, response) => {
      const shown = Buffer.from(headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString();
      if (this.credentials?.includes(shown) === false) response.writeHead(401).end('{"code":1}');
      else response.end(JSON.stringify(this.#answer()), () => this.#events.emit('answered'));
    });
  }

  static async start(t: After): Promise<FakeEdge> {
    const edge = new FakeEdge();
    edge.#server.listen(0, '127.0.0.1');
    await once(edge.#server, 'listening');
    t.after(() => {
      edge.#server.closeAllConnections();
      edge.#server.close();
    });
    return edge;
  }

  /** Resolves when it has answered with what it says now, and been asked again: the answer was read. */
  async told(): Promise<void> {
    for (let i = 0; i < 3; i++) await once(this.#events, 'answered');
  }

  /** A running pod with this edge in it, as Kubernetes would show it. */
  pod(name: string, cluster: string, namespace: string, labels: Record<string, string>): V1Pod {
    const { port: containerPort } = this.#server.address() as AddressInfo;
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels: { ...labels, 'pod-template-hash': cluster } },
      spec: { containers: [{ name: 'edge', image: 'x', ports: [{ name: 'api', containerPort }] }] },
      status: {
        phase: 'Running',
        podIP: '127.0.0.1',
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    };
  }

  #answer(): object {
    return {
      code: 0,
      state: 'serving',
      config: { hash: this.hash, error: this.configError, needs_restart: [] },
      players: this.players,
      publishers: this.publishers,
      streams: Math.min(1, this.players),
      clients: this.clients,
      event_loop_lag_ms: 0,
      kbps: { recv_30s: 0, send_30s: this.players * 1000 },
      origins: this.origins,
    };
  }
}
