/**
 * Publishes the source to both origins, and to what makes HLS beside them, tag for tag with the same times, so that they
 * carry the same clock. It uses the edge's own pusher, one for each: who comes back is published to again by itself.
 */

import { pino } from 'pino';
import { parseConfig } from '../../edge/conf/load.ts';
import type { FlvTag } from '../../edge/flv/reader.ts';
import type { Publication } from '../../edge/stream/publication.ts';
import type { StreamRequest } from '../../edge/stream/request.ts';
import { OriginUpstream } from '../../edge/upstream/upstream.ts';
import type { Ledger } from './ledger.ts';
import { openSource, type Source } from './source.ts';

const request: StreamRequest = {
  clientId: 'demo',
  protocol: 'rtmp',
  ip: '127.0.0.1',
  vhost: '__defaultVhost__',
  app: 'live',
  stream: 'demo',
  param: '',
  tcUrl: '',
  pageUrl: '',
  swfUrl: '',
  connectObject: {},
  connectArgs: [],
};

/** A server to publish to. */
export interface Target {
  readonly name: string;
  /** `host:port` */
  readonly address: string;
}

export class Publisher {
  readonly #upstream: OriginUpstream;
  readonly #publications: ReadonlyMap<Target, Publication>;
  readonly #source: Source;

  private constructor(upstream: OriginUpstream, publications: ReadonlyMap<Target, Publication>, source: Source) {
    this.#upstream = upstream;
    this.#publications = publications;
    this.#source = source;
  }

  /**
   * Resolves when all of them have the stream.
   * @param failed called when publishing cannot go on
   */
  static async start(
    targets: readonly Target[],
    ledger: Ledger,
    failed: (error: Error) => void,
    signal: AbortSignal,
  ): Promise<Publisher> {
    const { config } = parseConfig(publisherConfig(targets), { name: 'publisher.conf' });
    const upstream = new OriginUpstream(config, 'demo', pino({ level: 'silent' }));
    const events = {
      gone: signal,
      ended: (code: string, reason: string) => failed(new Error(`an origin was given up: ${code}: ${reason}`)),
      silentMs: () => 0,
    };
    const publications = new Map<Target, Publication>();
    let source: Source | undefined;
    try {
      for (const target of targets) {
        const vhost = config.vhosts.find(({ name }) => name === target.name);
        if (vhost === undefined) throw new Error(`no vhost for ${target.name}`);
        const publication = upstream.push(request, vhost, events);
        publications.set(target, publication);
        await publication.start();
      }
      const publish = (tags: readonly FlvTag[]): void => {
        const messages = tags.map((tag) => ({ ...tag, streamId: 0 }));
        for (const message of messages) ledger.publish(message);
        for (const publication of publications.values()) {
          for (const message of messages) publication.push(message);
          publication.flush();
        }
      };
      source = await openSource(publish, failed);
      return new Publisher(upstream, publications, source);
    } finally {
      if (source === undefined) close(upstream, publications);
    }
  }

  get source(): string {
    return this.#source.description;
  }

  /** Whether the server gets the stream now. */
  reaches(target: Target): boolean {
    return this.#publications.get(target)?.origin !== undefined;
  }

  async stop(): Promise<void> {
    await this.#source.stop();
    close(this.#upstream, this.#publications);
  }
}

function close(upstream: OriginUpstream, publications: ReadonlyMap<Target, Publication>): void {
  for (const publication of publications.values()) publication.close();
  upstream.close();
}

/** A vhost for each, which never gives it up. */
function publisherConfig(targets: readonly Target[]): string {
  const vhosts = targets.map(
    ({ name, address }) => `
vhost ${name} {
    min_latency on;
    cluster {
        mode remote;
        origin ${address};
        vhost __defaultVhost__;
        debug_srs_upnode off;
    }
    edge {
        hold_timeout 86400000;
        retry_max 200;
    }
}`,
  );
  return `listen 0; # nobody listens
edge { probe_min 200; probe_max 200; }${vhosts.join('')}\n`;
}
