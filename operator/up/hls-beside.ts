/** The caches of HLS beside the EdgeClusters of one manifest, on this machine: one nginx for each that asks for HLS. */

import { join } from 'node:path';
import { httpPortOf } from '../api/http-port.ts';
import { nameOf, namespaceOf } from '../api/labels.ts';
import type { EdgeCluster, Hls, OriginGroup } from '../api/types.ts';
import { findNginx, LocalHls, type LocalHlsOptions, needsAnotherCache } from './local-hls.ts';

export interface HlsBesideOptions extends Omit<LocalHlsOptions, 'httpOrigins'> {
  /** `host:port`s of the HTTP servers of an origin group, whatever the EdgeCluster says. */
  readonly httpOrigins: ReadonlyMap<string, readonly string[]>;
}

interface Beside {
  readonly hls: Hls;
  readonly cache: LocalHls;
}

export class HlsBeside {
  readonly #options: HlsBesideOptions;
  /** By `namespace/name`. */
  readonly #caches = new Map<string, Beside>();
  #isMissing = false;

  constructor(options: HlsBesideOptions) {
    this.#options = options;
  }

  /**
   * Runs what the EdgeClusters ask for, those above first. Without nginx it says so, and edges run without HLS. Throws
   * when a cache does not start.
   */
  async apply(clusters: readonly EdgeCluster[]): Promise<void> {
    const nginx = findNginx();
    for (const cluster of clusters) {
      const { hls } = cluster.spec;
      const present = this.#caches.get(keyOf(cluster));
      if (present !== undefined && (hls === undefined || needsAnotherCache(present.hls, hls))) {
        await present.cache.stop();
        this.#caches.delete(keyOf(cluster));
      }
      if (hls === undefined) continue;
      if (nginx === undefined) {
        if (!this.#isMissing)
          this.#options.log('there is no HLS: nginx is not installed (Debian: apt-get install nginx)');
        this.#isMissing = true;
        continue;
      }
      await this.#run(nginx, cluster, hls);
    }
  }

  /** Where to play, a line for each. */
  get urls(): string[] {
    return [...this.#caches.values()].flatMap(({ cache: { addresses } }) => [
      `http://${addresses.http}/live/STREAM.m3u8`,
      ...(addresses.https === undefined ? [] : [`https://${addresses.https}/live/STREAM.m3u8`]),
    ]);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#caches.values()].map(({ cache }) => cache.stop()));
    this.#caches.clear();
  }

  async #run(nginx: string, cluster: EdgeCluster, hls: Hls): Promise<void> {
    const { origins } = cluster.spec;
    const httpOrigins = new Map(origins.map((group) => [group.name, this.#originsOf(group, namespaceOf(cluster))]));
    const present = this.#caches.get(keyOf(cluster));
    present?.cache.apply(cluster, hls, httpOrigins);
    const directory = join(this.#options.directory, `${nameOf(cluster)}-hls`);
    const cache =
      present?.cache ?? (await LocalHls.start(nginx, cluster, hls, { ...this.#options, directory, httpOrigins }));
    this.#caches.set(keyOf(cluster), { hls, cache });
  }

  /** Of a parent its cache. None where nothing says where they are: `--http-origin` does. */
  #originsOf(group: OriginGroup, namespace: string): readonly string[] {
    const { name, servers = [], edgeCluster } = group;
    const told = this.#options.httpOrigins.get(name);
    if (told !== undefined) return told;
    const above = edgeCluster && this.#caches.get(`${edgeCluster.namespace ?? namespace}/${edgeCluster.name}`);
    if (above !== undefined) return [above.cache.addresses.http];
    return servers.map((server) => `${server.replace(/^(\[.*\]|[^:]*)(:\d+)?$/, '$1')}:${httpPortOf(group)}`);
  }
}

function keyOf(cluster: EdgeCluster): string {
  return `${namespaceOf(cluster)}/${nameOf(cluster)}`;
}
