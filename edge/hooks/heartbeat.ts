/** Heartbeats (SRS's `heartbeat`): a server of the operator's own is told again and again that this edge is there. */

import { networkInterfaces } from 'node:os';
import type { Logger } from 'pino';
import { listenAddresses } from '../conf/address-values.ts';
import type { EdgeConfig, HeartbeatConfig } from '../conf/model.ts';
import { withoutSecrets } from '../net/exchange.ts';
import { HookError, post } from './post.ts';

/** One answer. The next heartbeat waits for it. */
const answerTimeoutMs = 5_000;

export interface HeartbeatOptions {
  readonly log: Logger;
  readonly serverId: string;
  /** Tells one run of the server from the next. */
  readonly serviceId: string;
  /** What `/api/v1/summaries` answers. */
  readonly summaries: () => Promise<object>;
  /** The address to tell; default `SRS_DEVICE_IP`, or the first of the machine that is not loopback. */
  readonly ip?: string;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #config: EdgeConfig | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The one that is under way. Aborted when its answer does not matter any more. */
  #underWay: AbortController | undefined;
  /** Where the last one failed, which was logged. */
  #failing: string | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /**
   * Takes a new configuration. Where they begin, or change their URL or interval, one goes at once, though the one
   * before has no answer yet.
   */
  reconfigure(config: EdgeConfig): void {
    const before = this.#config?.heartbeat;
    const { heartbeat } = config;
    this.#config = config;
    if (before !== undefined && isSameRound(before, heartbeat)) return;
    this.close();
    if (!heartbeat.enabled) return;
    this.#timer = setInterval(() => this.#beat(), heartbeat.intervalMs).unref();
    this.#beat();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#underWay?.abort();
    this.#underWay = undefined;
  }

  /** Never fails: a server that is not there changes nothing here. */
  async #beat(): Promise<void> {
    if (this.#underWay !== undefined || this.#config === undefined) return;
    const underWay = new AbortController();
    this.#underWay = underWay;
    const { url } = this.#config.heartbeat;
    try {
      const { status } = await post(url, await this.#body(this.#config), answerTimeoutMs, underWay.signal);
      if (status < 200 || status > 299) throw new HookError('refused', `answered with status ${status}`);
      if (underWay.signal.aborted) return;
      if (this.#failing !== undefined)
        this.#options.log.info({ url: withoutSecrets(url) }, 'heartbeats are taken again');
      this.#failing = undefined;
    } catch (error) {
      if (underWay.signal.aborted || this.#failing === url) return;
      this.#options.log.warn({ url: withoutSecrets(url), err: error }, 'a heartbeat was not taken; it is tried on');
      this.#failing = url;
    } finally {
      if (this.#underWay === underWay) this.#underWay = undefined;
    }
  }

  /** SRS's names. */
  async #body({ heartbeat, listen, httpServer, httpApi }: EdgeConfig): Promise<object> {
    const { serverId, serviceId, summaries, ip = process.env.SRS_DEVICE_IP || machineAddress() } = this.#options;
    return {
      device_id: heartbeat.deviceId,
      ip,
      server: serverId,
      service: serviceId,
      pid: String(process.pid),
      ...(heartbeat.summaries && { summaries: await summaries() }),
      ...(heartbeat.ports && {
        rtmp: listenAddresses.print(listen),
        ...(httpServer.enabled && { http: listenAddresses.print(httpServer.listen) }),
        ...(httpApi.enabled && { api: listenAddresses.print(httpApi.listen) }),
      }),
    };
  }
}

function isSameRound(a: HeartbeatConfig, b: HeartbeatConfig): boolean {
  return a.enabled === b.enabled && a.url === b.url && a.intervalMs === b.intervalMs;
}

/** IPv4 if there is any. */
function machineAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.filter(({ internal }) => !internal),
  );
  return (all.find(({ family }) => family === 'IPv4') ?? all[0])?.address ?? '';
}
