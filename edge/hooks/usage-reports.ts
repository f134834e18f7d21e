/** Posts what the clients of each vhost have used, every `usage_interval`, to the vhost's `on_usage`. */

import type { EdgeConfig, VhostConfig } from '../conf/model.ts';
import { streamUrl } from '../stream/name.ts';
import type { StreamRequest } from '../stream/request.ts';
import type { Counted, Usage } from './usage.ts';

/** A client that plays or publishes. */
export interface UsingClient extends Counted {
  readonly role: 'play' | 'publish';
  readonly request: StreamRequest;
}

/** Clients in one callback: some 100 KB of JSON. */
const clientsMax = 500;

/** Resolves when the server of callbacks has answered, whatever it said. */
type Post = (vhost: VhostConfig, clients: readonly object[]) => Promise<void>;

export class UsageReports {
  readonly #clients: () => Iterable<UsingClient>;
  readonly #usage: Usage;
  readonly #post: Post;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** Vhosts whose last round has not been answered: the next one tells the same, and more. */
  readonly #busy = new Set<string>();

  constructor(clients: () => Iterable<UsingClient>, usage: Usage, post: Post) {
    this.#clients = clients;
    this.#usage = usage;
    this.#post = post;
  }

  /** Takes a new configuration. */
  reconfigure({ vhosts }: EdgeConfig): void {
    this.close();
    for (const vhost of vhosts) {
      if (vhost.edge.onUsage.length === 0) continue;
      const timer = setInterval(() => this.#report(vhost), vhost.edge.usageIntervalMs);
      this.#timers.set(vhost.name, timer.unref());
    }
  }

  /** Tells of all clients once more: the edge is about to stop. */
  async last({ vhosts }: EdgeConfig): Promise<void> {
    this.close();
    await Promise.all(vhosts.filter(({ edge }) => edge.onUsage.length > 0).map((vhost) => this.#report(vhost)));
  }

  close(): void {
    for (const timer of this.#timers.values()) clearInterval(timer);
    this.#timers.clear();
  }

  async #report(vhost: VhostConfig): Promise<void> {
    if (this.#busy.has(vhost.name)) return;
    this.#busy.add(vhost.name);
    const using = [...this.#clients()].filter(({ request }) => request.vhost === vhost.name);
    for (let from = 0; from < using.length; from += clientsMax) {
      const told = using.slice(from, from + clientsMax).flatMap((client) => this.#lineOf(client));
      if (told.length > 0) await this.#post(vhost, told);
    }
    this.#busy.delete(vhost.name);
  }

  #lineOf(client: UsingClient): object[] {
    const { id, ip, role, request } = client;
    const used = this.#usage.of(request, client);
    if (used === undefined) return [];
    const { app, stream, param } = request;
    return [{ client_id: id, ip, type: role, app, stream, param, stream_url: streamUrl(request), ...used }];
  }
}
