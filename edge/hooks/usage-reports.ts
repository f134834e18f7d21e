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

interface Round {
  /** As the newest configuration has it. */
  readonly vhost: VhostConfig;
  readonly intervalMs: number;
  readonly timer: NodeJS.Timeout;
}

export class UsageReports {
  readonly #clients: () => Iterable<UsingClient>;
  readonly #usage: Usage;
  readonly #post: Post;
  /** By the vhost's name. */
  readonly #rounds = new Map<string, Round>();
  /** Vhosts whose last round has not been answered: the next one tells the same, and more. */
  readonly #busy = new Set<string>();

  constructor(clients: () => Iterable<UsingClient>, usage: Usage, post: Post) {
    this.#clients = clients;
    this.#usage = usage;
    this.#post = post;
  }

  /** Takes a new configuration. A round that is due stays due: reloads that follow each other put nothing off. */
  reconfigure({ vhosts }: EdgeConfig): void {
    const before = new Map(this.#rounds);
    this.#rounds.clear();
    for (const vhost of vhosts) {
      const { onUsage, usageIntervalMs } = vhost.edge;
      if (onUsage.length === 0) continue;
      const round = before.get(vhost.name);
      if (round?.intervalMs === usageIntervalMs) {
        before.delete(vhost.name);
        this.#rounds.set(vhost.name, { ...round, vhost });
        continue;
      }
      const timer = setInterval(() => this.#report(vhost.name), usageIntervalMs).unref();
      this.#rounds.set(vhost.name, { vhost, intervalMs: usageIntervalMs, timer });
    }
    for (const { timer } of before.values()) clearInterval(timer);
  }

  close(): void {
    for (const { timer } of this.#rounds.values()) clearInterval(timer);
    this.#rounds.clear();
  }

  async #report(name: string): Promise<void> {
    const vhost = this.#rounds.get(name)?.vhost;
    if (vhost === undefined || this.#busy.has(name)) return;
    this.#busy.add(name);
    const using = [...this.#clients()].filter(({ request }) => request.vhost === name);
    for (let from = 0; from < using.length; from += clientsMax) {
      const told = using.slice(from, from + clientsMax).flatMap((client) => this.#lineOf(client));
      if (told.length > 0) await this.#post(vhost, told);
    }
    this.#busy.delete(name);
  }

  #lineOf(client: UsingClient): object[] {
    const { id, ip, role, request } = client;
    const used = this.#usage.of(request, client);
    if (used === undefined) return [];
    const { app, stream, param } = request;
    return [{ client_id: id, ip, type: role, app, stream, param, stream_url: streamUrl(request), ...used }];
  }
}
