/**
 * The servers of the demo: two origins (`mode local`) that can be killed and brought back, and two edges in front of
 * them. All are the edge's own command with a configuration file, on the loopback interface.
 */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { EdgeProcess } from '../support/edge-process.ts';

export const streamPath = 'live/demo';

/** Starts a server that no signal of the terminal reaches and that never outlives the demo. */
async function startServer(config: string): Promise<EdgeProcess> {
  const server = await EdgeProcess.start(config, { detached: true });
  const kill = (): void => void server.child.kill('SIGKILL');
  process.once('exit', kill);
  server.child.once('exit', () => process.off('exit', kill));
  return server;
}

/**
 * An address with the port that people expect where it is free, else with one that resembles it. All are below those
 * that the system gives to connections: a killed origin's port must still be free when it comes back.
 */
async function findAddress(preferred: number): Promise<string> {
  for (const port of [preferred, preferred + 10_000, preferred + 20_000]) {
    if ((await reserve(port)) && (await isFree(port))) return `127.0.0.1:${port}`;
  }
  throw new Error(`ports ${preferred}, ${preferred + 10_000} and ${preferred + 20_000} are all taken`);
}

/**
 * Another demo on this machine is not to take the port while nobody listens there: each demo listens at a second
 * loopback address as long as it runs.
 */
async function reserve(port: number): Promise<boolean> {
  const mark = createServer().unref();
  try {
    mark.listen(port, '127.0.0.2');
    await once(mark, 'listening');
    return true;
  } catch (error) {
    // Not every system has such an address.
    return (error as NodeJS.ErrnoException).code !== 'EADDRINUSE';
  }
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(port, '127.0.0.1');
    await once(probe, 'listening');
  } catch {
    return false;
  }
  probe.close();
  await once(probe, 'close');
  return true;
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
    return new Origin(name, await startServer(originConfig(await findAddress(preferredPort))));
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

export class Edge {
  readonly name: string;
  readonly #server: EdgeProcess;

  private constructor(name: string, server: EdgeProcess) {
    this.name = name;
    this.#server = server;
  }

  static async start(name: string, origins: readonly Origin[], ports: EdgePorts): Promise<Edge> {
    const config = edgeConfig({
      rtmp: await findAddress(ports.rtmp),
      http: await findAddress(ports.http),
      api: await findAddress(ports.api),
      exporter: await findAddress(ports.exporter),
      origins: origins.map(({ address }) => address).join(' '),
    });
    return new Edge(name, await startServer(config));
  }

  get rtmpPort(): number {
    return this.#server.port('rtmp');
  }

  get rtmpUrl(): string {
    return this.#server.rtmp(streamPath);
  }

  get flvUrl(): string {
    return `${this.#http('http')}/${streamPath}.flv`;
  }

  get pageUrl(): string {
    return `${this.#http('http')}/#/${streamPath}.flv`;
  }

  get apiUrl(): string {
    return `${this.#http('http-api')}/api/v1/streams`;
  }

  get metricsUrl(): string {
    return `${this.#http('exporter')}/metrics`;
  }

  get configFile(): string {
    return this.#server.configFile;
  }

  async status(signal: AbortSignal): Promise<EdgeStatus> {
    const response = await fetch(`${this.#http('http')}/edge/status.json`, { signal }).catch((cause: unknown) => {
      throw new Error(`${this.name} does not answer`, { cause });
    });
    const { players, streams } = (await response.json()) as {
      readonly players: number;
      readonly streams: readonly { readonly name: string; readonly origin: string | null; readonly switches: number }[];
    };
    const stream = streams.find(({ name }) => name === `/${streamPath}`);
    return { players, origin: stream?.origin ?? null, switches: stream?.switches ?? 0 };
  }

  async stop(): Promise<void> {
    await this.#server.kill();
  }

  #http(protocol: string): string {
    return `http://127.0.0.1:${this.#server.port(protocol)}`;
  }
}

type Listener = 'rtmp' | 'http' | 'api' | 'exporter';

/** Where an edge listens if it can. */
export type EdgePorts = Readonly<Record<Listener, number>>;

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

/** `min_latency on`, so that no merging of writes hides how long a switch takes. */
function edgeConfig({ rtmp, http, api, exporter, origins }: Readonly<Record<Listener | 'origins', string>>): string {
  return `listen ${rtmp};

http_api {
    enabled on;
    listen ${api};
}

http_server {
    enabled on;
    listen ${http};
}

exporter {
    enabled on;
    listen ${exporter};
}

vhost __defaultVhost__ {
    min_latency on;
    cluster {
        mode remote;
        origin ${origins};
    }
    http_remux {
        enabled on;
        mount [vhost]/[app]/[stream].flv;
    }
    edge {
        balance hash;    # both edges choose the same origin
    }
}
`;
}
