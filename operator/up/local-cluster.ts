/**
 * An EdgeCluster on this machine: what the operator renders, run by child processes instead of pods. A changed
 * EdgeCluster is applied as in Kubernetes: edges reload their configuration; only what a process cannot change while
 * it runs replaces them, one after the other, and those that go let their clients finish.
 */

import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { diffConfig, isSame, needsRestart } from '../../edge/conf/diff.ts';
import type { EdgeConfig } from '../../edge/conf/model.ts';
import { printConfig } from '../../edge/conf/print.ts';
import { METRICS_CREDENTIALS_KEY, TLS_TICKET_KEYS_KEY } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { edgeEnvironment, renderConfig, type SecretFiles } from '../render/config.ts';
import { type ApiCredential, credentialLines } from '../render/credential.ts';
import { replicasOf } from '../render/replicas.ts';
import { type EdgeAddresses, findAddresses, LocalEdge } from './local-edge.ts';
import { type LocalReferences, localConfig, localFiles, localOrigins } from './local-references.ts';

export interface LocalOptions extends LocalReferences {
  /** Where configuration and logs are kept. */
  readonly directory: string;
  /** Address that edges listen at. */
  readonly host: string;
  /** Number of its first edge: the ports of each are near those that the EdgeCluster asks for, by its number. Default 0. */
  readonly firstNumber?: number;
  /** Told what happens by itself, such as an edge that ended and is started again. */
  readonly log: (line: string) => void;
}

/** As its container has them, as far as they are known before there is a pod. */
function edgeVariables(cluster: EdgeCluster, files: SecretFiles): NodeJS.ProcessEnv {
  const own = cluster.spec.pods.env ?? [];
  return {
    ...edgeEnvironment(cluster, files),
    ...Object.fromEntries(own.map(({ name, value }) => [name, value])),
  };
}

function newCredential(username: string): ApiCredential {
  return { username, password: randomBytes(32).toString('base64url') };
}

/** Before an edge that ended by itself is started again. */
const restartDelayMs = 1_000;

export class LocalCluster {
  readonly #options: LocalOptions;
  readonly #edges: LocalEdge[] = [];
  readonly #draining = new Set<LocalEdge>();
  /** Of edges that are gone: found free once, and kept from others since. */
  #freeAddresses: EdgeAddresses[] = [];
  readonly #stopping = new AbortController();
  /** For the API of its edges. */
  readonly #credential = newCredential('operator');
  #cluster: EdgeCluster;
  #config: EdgeConfig;
  /** The change that was asked for last. */
  #changing: Promise<unknown> = Promise.resolve();
  #started = 0;

  private constructor(cluster: EdgeCluster, options: LocalOptions) {
    this.#options = options;
    this.#cluster = cluster;
    this.#config = this.#render(cluster);
  }

  /** Throws when the EdgeCluster cannot be rendered here, or an edge does not start. */
  static async start(cluster: EdgeCluster, options: LocalOptions): Promise<LocalCluster> {
    mkdirSync(options.directory, { recursive: true });
    const local = new LocalCluster(cluster, options);
    const { credentials, ticketKeys } = local.#secretFiles;
    writeFileSync(credentials, credentialLines([local.#credential]), { mode: 0o600 });
    writeFileSync(ticketKeys, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 });
    // Read where the manifest has metrics ask for it.
    const metricsFile = join(options.directory, METRICS_CREDENTIALS_KEY);
    writeFileSync(metricsFile, credentialLines([newCredential('metrics')]), { mode: 0o600 });
    local.#write(cluster, local.#config);
    try {
      await local.#scale();
    } catch (error) {
      await local.stop();
      throw error;
    }
    return local;
  }

  /** Those that take clients. */
  get edges(): readonly LocalEdge[] {
    return this.#edges;
  }

  /** How many let their clients finish. */
  get draining(): number {
    return this.#draining.size;
  }

  get cluster(): EdgeCluster {
    return this.#cluster;
  }

  get configFile(): string {
    return join(this.#options.directory, 'edge.conf');
  }

  get #secretFiles(): SecretFiles {
    const { directory } = this.#options;
    return { credentials: join(directory, 'api-credentials'), ticketKeys: join(directory, TLS_TICKET_KEYS_KEY) };
  }

  #variables(cluster: EdgeCluster): NodeJS.ProcessEnv {
    return edgeVariables(cluster, this.#secretFiles);
  }

  /**
   * Runs what a changed EdgeCluster asks for; resolves with what was done, in words. Throws when it cannot be
   * rendered here; then all stays as it is.
   */
  apply(cluster: EdgeCluster): Promise<string> {
    return this.#change(() => this.#apply(cluster));
  }

  /** Ends all edges at once. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#changing;
    await Promise.all([...this.#edges.splice(0), ...this.#draining].map((edge) => edge.stop()));
  }

  async #apply(cluster: EdgeCluster): Promise<string> {
    const config = this.#render(cluster);
    const difference = diffConfig(this.#config, config);
    const replaced = [
      ...needsRestart(difference).map(({ path }) => path),
      ...(isDeepStrictEqual(this.#variables(this.#cluster), this.#variables(cluster)) ? [] : ['their environment']),
    ];
    const before = this.#edges.length;
    this.#cluster = cluster;
    this.#config = config;
    if (!isSame(difference)) this.#write(cluster, config);
    if (replaced.length > 0) {
      this.#freeAddresses = [];
      await this.#replaceAll();
    }
    await this.#scale();
    const done = [
      ...(replaced.length > 0 ? [`edges replaced, as ${replaced.join(', ')} changed`] : []),
      ...(replaced.length === 0 && !isSame(difference) ? ['edges reload their configuration'] : []),
      ...(before !== this.#edges.length ? [`edges: ${this.#edges.length} instead of ${before}`] : []),
    ];
    return done.join('; ') || 'nothing to do';
  }

  #render(cluster: EdgeCluster): EdgeConfig {
    const { config } = renderConfig(cluster, localOrigins(cluster, this.#options));
    return localConfig(config, cluster, this.#options);
  }

  /** At once or not at all: edges read edge.conf whenever it changes. */
  #write(cluster: EdgeCluster, config: EdgeConfig): void {
    const { directory } = this.#options;
    for (const [name, text] of localFiles(cluster)) writeFileSync(join(directory, name), text);
    const fresh = `${this.configFile}.new`;
    writeFileSync(fresh, printConfig(config));
    renameSync(fresh, this.configFile);
  }

  async #scale(): Promise<void> {
    const replicas = replicasOf(this.#cluster);
    while (this.#edges.length > replicas) this.#drain(this.#edges.pop());
    while (this.#edges.length < replicas) this.#edges.push(await this.#startEdge(this.#edges.length));
  }

  async #replaceAll(): Promise<void> {
    for (const [number, old] of [...this.#edges].entries()) {
      this.#edges[number] = await this.#startEdge(number);
      this.#drain(old);
    }
  }

  async #startEdge(number: number): Promise<LocalEdge> {
    const { directory, host, firstNumber = 0 } = this.#options;
    const { listeners } = this.#cluster.spec;
    const edge = await LocalEdge.start({
      name: `${this.#cluster.metadata.name}-${++this.#started}`,
      configFile: this.configFile,
      logFile: join(directory, `edge-${number + 1}.log`),
      environment: this.#variables(this.#cluster),
      credential: this.#credential,
      addresses: this.#freeAddresses.pop() ?? (await findAddresses(listeners, firstNumber + number, host)),
    });
    void edge.ended.then(() => {
      if (isDeepStrictEqual(listeners, this.#cluster.spec.listeners)) this.#freeAddresses.push(edge.addresses);
      return this.#revive(edge);
    });
    return edge;
  }

  #drain(edge: LocalEdge | undefined): void {
    if (edge === undefined) return;
    this.#draining.add(edge);
    edge.drain();
    void edge.ended.then(() => this.#draining.delete(edge));
  }

  /** As a kubelet does with a container that ended. */
  async #revive(edge: LocalEdge): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted && this.#edges.includes(edge)) {
      this.#options.log(`${edge.name} has ended and is started again`);
      await delay(restartDelayMs, undefined, { signal }).catch(() => {});
      await this.#change(async () => {
        const number = this.#edges.indexOf(edge);
        if (number >= 0 && !signal.aborted) this.#edges[number] = await this.#startEdge(number);
      }).catch((error: Error) => this.#options.log(error.message));
    }
  }

  /** One change after the other. */
  #change<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#changing.then(change);
    this.#changing = result.catch(() => {});
    return result;
  }
}
