/**
 * Publishes the source to both origins, tag for tag with the same times, so that they carry the same clock. It uses
 * the edge's own pusher, one for each origin: an origin that comes back is published to again by itself.
 */

import { pino } from 'pino';
import { parseConfig } from '../../edge/conf/load.ts';
import type { FlvTag } from '../../edge/flv/reader.ts';
import type { Publication } from '../../edge/stream/publication.ts';
import type { StreamRequest } from '../../edge/stream/request.ts';
import { OriginUpstream } from '../../edge/upstream/upstream.ts';
import type { Ledger } from './ledger.ts';
import type { Origin } from './servers.ts';
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

export class Publisher {
  readonly #upstream: OriginUpstream;
  readonly #publications: ReadonlyMap<Origin, Publication>;
  readonly #source: Source;

  private constructor(upstream: OriginUpstream, publications: ReadonlyMap<Origin, Publication>, source: Source) {
    this.#upstream = upstream;
    this.#publications = publications;
    this.#source = source;
  }

  /**
   * Resolves when both origins have the stream.
   * @param failed called when publishing cannot go on
   */
  static async start(
    origins: readonly Origin[],
    ledger: Ledger,
    failed: (error: Error) => void,
    signal: AbortSignal,
  ): Promise<Publisher> {
    const { config } = parseConfig(publisherConfig(origins), { name: 'publisher.conf' });
    const upstream = new OriginUpstream(config, 'demo', pino({ level: 'silent' }));
    const events = {
      gone: signal,
      ended: (code: string, reason: string) => failed(new Error(`an origin was given up: ${code}: ${reason}`)),
      silentMs: () => 0,
    };
    const publications = new Map<Origin, Publication>();
    let source: Source | undefined;
    try {
      for (const origin of origins) {
        const vhost = config.vhosts.find(({ name }) => name === origin.name);
        if (vhost === undefined) throw new Error(`no vhost for origin ${origin.name}`);
        const publication = upstream.push(request, vhost, events);
        publications.set(origin, publication);
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

  /** Whether the origin gets the stream now. */
  reaches(origin: Origin): boolean {
    return this.#publications.get(origin)?.origin !== undefined;
  }

  async stop(): Promise<void> {
    await this.#source.stop();
    close(this.#upstream, this.#publications);
  }
}

function close(upstream: OriginUpstream, publications: ReadonlyMap<Origin, Publication>): void {
  for (const publication of publications.values()) publication.close();
  upstream.close();
}

/** A vhost for each origin, which never gives it up. */
function publisherConfig(origins: readonly Origin[]): string {
  const vhosts = origins.map(
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
