/**
 * HTTP callbacks of a vhost (SRS's `http_hooks`): a server of the operator's own is told who comes and goes, and may
 * refuse them. Names, bodies and answers are SRS's (`trunk/conf/full.conf`), as is `vhost` in them: the name of the
 * vhost that serves the client, `__defaultVhost__` for a host without one of its own.
 */

import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { HttpHooksConfig, VhostConfig } from '../conf/model.ts';
import { withoutSecrets } from '../net/exchange.ts';
import { streamId, streamUrl } from '../stream/name.ts';
import { type ConnectRequest, Refusal, type StreamRequest } from '../stream/request.ts';
import { LocateHook } from './locate-hook.ts';
import { type NoticeLimits, Notices } from './notices.ts';
import { HookError, postHook } from './post.ts';
import type { Used } from './usage.ts';

/** A burst of clients that leave must not use up descriptors, nor hold up the event loop with requests. */
const noticeLimits: NoticeLimits = { sendingMax: 64, noticesMax: 10_000 };

type HookName = Exclude<keyof HttpHooksConfig, 'enabled'>;

/** Callbacks that may refuse a client. */
type Asking = 'onConnect' | 'onPublish' | 'onPlay';

const actions: Readonly<Record<HookName, string>> = {
  onConnect: 'on_connect',
  onClose: 'on_close',
  onPublish: 'on_publish',
  onUnpublish: 'on_unpublish',
  onPlay: 'on_play',
  onStop: 'on_stop',
};

type Fields = Readonly<Record<string, string | number>>;

export interface HttpHooksOptions {
  readonly log: Logger;
  readonly serverId: string;
}

export class HttpHooks {
  readonly #log: Logger;
  readonly #serverId: string;
  /** Of this run of the server, as in SRS: tells a restart. */
  readonly serviceId: string = randomBytes(4).toString('hex');
  readonly #notices = new Notices(noticeLimits);
  readonly #closed = new AbortController();
  #lostNotices = 0;
  #underWay = 0;
  /** Asks where streams are. */
  readonly locator: LocateHook = new LocateHook({
    sender: (action, vhost) => this.#sender(action, vhost),
    underWay: (change) => {
      this.#underWay += change;
    },
  });

  constructor({ log, serverId }: HttpHooksOptions) {
    this.#log = log;
    this.#serverId = serverId;
  }

  /** Asks whether the client may come in. Throws a Refusal; resolves at once where no URL is configured. */
  async onConnect(request: ConnectRequest | StreamRequest, vhost: VhostConfig): Promise<void> {
    const stream = 'stream' in request ? request.stream : '';
    const fields = () => ({ stream, param: request.param, tcUrl: request.tcUrl, pageUrl: request.pageUrl });
    await this.#ask('onConnect', request, vhost, fields, 'NetConnection.Connect.Rejected');
  }

  /** Tells that the client is gone, and what went over its connection. */
  onClose(
    request: ConnectRequest,
    vhost: VhostConfig,
    traffic: { readonly bytesReceived: number; readonly bytesSent: number },
  ): void {
    const fields = () => ({ send_bytes: traffic.bytesSent, recv_bytes: traffic.bytesReceived });
    this.#tell('onClose', request, vhost, fields);
  }

  /** Asks whether the client may publish. Throws a Refusal. @returns whether somebody was asked, and all have agreed */
  async onPublish(request: StreamRequest, vhost: VhostConfig): Promise<boolean> {
    const fields = () => streamFields(request, vhost);
    return await this.#ask('onPublish', request, vhost, fields, 'NetStream.Publish.Rejected');
  }

  /** @param used what it has used, where it had begun */
  onUnpublish(request: StreamRequest, vhost: VhostConfig, used?: Used): void {
    this.#tell('onUnpublish', request, vhost, () => ({ ...streamFields(request, vhost), ...used }));
  }

  /** Asks whether the client may play. Throws a Refusal. */
  async onPlay(request: StreamRequest, vhost: VhostConfig): Promise<void> {
    const fields = () => ({ ...streamFields(request, vhost), pageUrl: request.pageUrl });
    await this.#ask('onPlay', request, vhost, fields, 'NetStream.Play.Failed');
  }

  /** @param used what it has used, where it had begun */
  onStop(request: StreamRequest, vhost: VhostConfig, used?: Used): void {
    this.#tell('onStop', request, vhost, () => ({ ...streamFields(request, vhost), ...used }));
  }

  /** Tells what clients of a vhost have used so far. Resolves when it was answered, or could not be told. */
  async onUsage(vhost: VhostConfig, clients: readonly object[]): Promise<void> {
    const body = { ...this.#sender('on_usage', vhost), clients };
    for (const url of vhost.edge.onUsage)
      await this.#post(url, body, vhost, { action: 'on_usage', clients: clients.length }).catch(() => {});
  }

  /** Resolves when nothing that was told (`onClose`, `onUnpublish`, `onStop`) is still on its way. */
  async settled(): Promise<void> {
    await this.#notices.settled();
  }

  /** Notices that were not sent because too many waited. */
  get lostNotices(): number {
    return this.#lostNotices;
  }

  /** Callbacks that have no answer yet, and those that wait for a connection. Clients wait for most of them. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Gives up all that is still on its way: nothing of it keeps the process any longer. */
  close(): void {
    this.#notices.clear();
    this.#closed.abort();
  }

  /**
   * All URLs in their order; the first one that does not agree decides. What went wrong with a callback is for the log:
   * whom it keeps out learns neither its address nor its answer.
   * @returns whether there are URLs, and all of them have agreed
   */
  async #ask(
    hook: Asking,
    request: ConnectRequest,
    vhost: VhostConfig,
    fields: () => Fields,
    refusalCode: string,
  ): Promise<boolean> {
    const urls = urlsOf(hook, vhost);
    let agreed = 0;
    for (const url of urls) {
      try {
        await this.#call(url, hook, request, vhost, fields);
        agreed++;
      } catch (error) {
        const said = error instanceof HookError && error.kind === 'refused' ? error.message : undefined;
        if (said === undefined && vhost.edge.hookFailure === 'admit') continue;
        const reason = `${actions[hook]} callback ${said ?? 'failed'}`;
        throw new Refusal(refusalCode, reason, said === undefined ? 502 : 403, { cause: error });
      }
    }
    return agreed > 0 && agreed === urls.length;
  }

  /** All URLs in their order, whatever they answer. */
  #tell(hook: HookName, request: ConnectRequest, vhost: VhostConfig, fields: () => Fields): void {
    const urls = urlsOf(hook, vhost);
    if (urls.length === 0) return;
    const { clientId } = request;
    const taken = this.#notices.push(clientId, async () => {
      for (const url of urls) {
        // Logged where it failed; nobody is left to be refused.
        await this.#call(url, hook, request, vhost, fields).catch(() => {});
      }
    });
    if (taken) return;
    this.#lostNotices++;
    this.#log.warn({ client: clientId, action: actions[hook] }, 'callback not sent: too many wait for an answer');
  }

  async #call(
    url: string,
    hook: HookName,
    request: ConnectRequest,
    vhost: VhostConfig,
    fields: () => Fields,
  ): Promise<void> {
    const { clientId, ip, app } = request;
    const action = actions[hook];
    const { vhost: name, ...sender } = this.#sender(action, vhost);
    const body = { ...sender, client_id: clientId, ip, vhost: name, app, ...fields() };
    await this.#post(url, body, vhost, { client: clientId, action });
  }

  /** What every body begins with. */
  #sender(
    action: string,
    vhost: VhostConfig,
  ): Readonly<Record<'server_id' | 'service_id' | 'action' | 'vhost', string>> {
    return { server_id: this.#serverId, service_id: this.serviceId, action, vhost: vhost.name };
  }

  async #post(url: string, body: object, vhost: VhostConfig, about: object): Promise<void> {
    const startedAtMs = performance.now();
    const event = { ...about, url: withoutSecrets(url) };
    this.#underWay++;
    try {
      await postHook(url, body, vhost.edge.hookTimeoutMs, this.#closed.signal);
      this.#log.debug({ ...event, tookMs: Math.round(performance.now() - startedAtMs) }, 'callback agreed');
    } catch (error) {
      this.#log.warn({ ...event, err: error }, 'callback did not agree');
      throw error;
    } finally {
      this.#underWay--;
    }
  }
}

function urlsOf(hook: HookName, { httpHooks }: VhostConfig): readonly string[] {
  return httpHooks.enabled ? httpHooks[hook] : [];
}

function streamFields({ app, stream, tcUrl, param }: StreamRequest, vhost: VhostConfig): Fields {
  const name = { vhost: vhost.name, app, stream };
  return { tcUrl, stream, param, stream_url: streamUrl(name), stream_id: streamId(name) };
}
