/**
 * The servers of the demo: two origins (`mode local`) that can be killed and brought back, and in front of them an
 * EdgeCluster, as `edgecluster up` runs it. All are the edge's own command, on the loopback interface.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { admit } from '../../operator/api/admission.ts';
import { readText } from '../../operator/api/manifests.ts';
import type { EdgeCluster } from '../../operator/api/types.ts';
import { findAddress } from '../../operator/up/address.ts';
import { LocalCluster } from '../../operator/up/local-cluster.ts';
import type { LocalEdge } from '../../operator/up/local-edge.ts';
import { EdgeProcess } from '../support/edge-process.ts';

const streamPath = 'live/demo';

/** Starts a server that no signal of the terminal reaches and that never outlives the demo. */
async function startServer(config: string): Promise<EdgeProcess> {
  const server = await EdgeProcess.start(config, { detached: true });
  const kill = (): void => void server.child.kill('SIGKILL');
  process.once('exit', kill);
  server.child.once('exit', () => process.off('exit', kill));
  return server;
}

export class Origin {
  readonly name: string;
  readonly port: number;
  #server: EdgeProcess | undefined;
  #reviving: Promise<void> = Promise.resolve();

  private constructor(name: string, server: EdgeProcess) {
    this.name = name;
    this.port = server.port();
    this.#server = server;
  }

  static async start(name: string, preferredPort: number): Promise<Origin> {
    return new Origin(name, await startServer(originConfig(await findAddress('127.0.0.1', preferredPort))));
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get running(): boolean {
    return this.#server !== undefined;
  }

  /** As the kernel would: no goodbye to anybody. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.kill();
  }

  /** Starts it anew, empty, at the same address. */
  revive(): Promise<void> {
    this.#reviving = startServer(originConfig(this.address)).then((server) => {
      this.#server = server;
    });
    return this.#reviving;
  }

  /** Ends it for good, also when it is just coming back. */
  async stop(): Promise<void> {
    await this.#reviving.catch(() => {});
    await this.kill();
  }
}

/** What the demo looks at in an edge's `/edge/status.json`. */
export interface EdgeStatus {
  /** Of all streams, those of the demo's guests among them. */
  readonly players: number;
  readonly origin: string | null;
  readonly switches: number;
}

/** Starts the edges of an EdgeCluster with these origins. */
export async function startEdges(
  cluster: EdgeCluster,
  origins: readonly Origin[],
  directory: string,
  log: (line: string) => void,
): Promise<LocalCluster> {
  return LocalCluster.start(cluster, {
    origins: new Map([['main', origins.map(({ address }) => address)]]),
    secrets: new Map(),
    host: '127.0.0.1',
    directory,
    log,
  });
}

/**
 * The smallest example, and a few settings more: `minLatency`, so that no merging of writes hides how long a switch
 * takes; a balance that sends both edges to the same origin, so that its end concerns all players; and the page
 * with its figures, which the demo reads too.
 * @param more fields of its spec
 */
export function exampleCluster(more: { readonly hls?: object } = {}): EdgeCluster {
  const [document] = readText(readFileSync(exampleFile, 'utf8'), exampleFile);
  const example = document?.value as Manifest | undefined;
  const admission = admit({
    ...example,
    spec: {
      ...example?.spec,
      origins: example?.spec.origins.map((group) => ({ ...group, balance: 'StreamHash' })),
      vhosts: [{ name: '__defaultVhost__', minLatency: true }],
      listeners: { http: { page: true } },
      extraDirectives: 'edge { page_figures on; }',
      ...more,
    },
  });
  if (!admission.ok) throw new Error(admission.errors.join('\n'));
  return admission.cluster;
}

const exampleFile = join(import.meta.dirname, '../../crds/examples/edgecluster.yaml');

/** What the example is known to have. */
interface Manifest {
  readonly spec: { readonly origins: readonly object[] };
}

export class Edge {
  readonly name: string;
  readonly #edge: LocalEdge;

  constructor(name: string, edge: LocalEdge) {
    this.name = name;
    this.#edge = edge;
  }

  get rtmpPort(): number {
    return Number(this.#edge.addresses.rtmp.split(':')[1]);
  }

  get rtmpUrl(): string {
    return `rtmp://${this.#edge.addresses.rtmp}/${streamPath}`;
  }

  get flvUrl(): string {
    return `http://${this.#edge.addresses.http}/${streamPath}.flv`;
  }

  get pageUrl(): string {
    return `http://${this.#edge.addresses.http}/#/${streamPath}.flv`;
  }

  get metricsUrl(): string {
    return `http://${this.#edge.addresses.exporter}/metrics`;
  }

  async status(signal: AbortSignal): Promise<EdgeStatus> {
    const response = await fetch(`http://${this.#edge.addresses.http}/edge/status.json`, { signal }).catch(
      (cause: unknown) => {
        throw new Error(`${this.name} does not answer`, { cause });
      },
    );
    const { players, streams } = (await response.json()) as {
      readonly players: number;
      readonly streams: readonly { readonly name: string; readonly origin: string | null; readonly switches: number }[];
    };
    const stream = streams.find(({ name }) => name === `/${streamPath}`);
    return { players, origin: stream?.origin ?? null, switches: stream?.switches ?? 0 };
  }
}

/** `time_jitter off` hands on the publisher's clock, so that both origins carry the same. */
function originConfig(listen: string): string {
  return `listen ${listen};
vhost __defaultVhost__ {
    min_latency on;
    play {
        time_jitter off;
    }
}
`;
}
