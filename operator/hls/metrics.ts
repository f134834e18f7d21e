/** Metrics of one cache: what nginx tells of each request by syslog, and its connections. */
import { request } from 'node:http';
import { Counter, Gauge, Registry } from 'prom-client';

const kinds = ['playlist', 'segment', 'other'];
const results = ['HIT', 'MISS', 'EXPIRED', 'STALE', 'UPDATING', 'REVALIDATED', 'BYPASS', '-'];

const patienceMs = 1_000;

export class CacheMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'kind' | 'cache' | 'code'>;
  readonly #sentBytes: Counter<'kind'>;

  /** @param statusSocket where nginx tells how many connections it has */
  constructor(statusSocket: string) {
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: 'hls_requests_total',
      help: 'Requests by what was asked for (playlist, segment, other), by the class of the answer, and by where it came from: HIT, STALE and UPDATING from the cache alone, MISS, EXPIRED and REVALIDATED from an origin.',
      labelNames: ['kind', 'cache', 'code'],
      registers,
    });
    this.#sentBytes = new Counter({
      name: 'hls_sent_bytes_total',
      help: 'Bytes sent to players.',
      labelNames: ['kind'],
      registers,
    });
    for (const kind of kinds) this.#sentBytes.inc({ kind }, 0);
    new Gauge({
      name: 'hls_connections',
      help: 'Open connections of players; nothing while nginx does not answer.',
      registers,
      async collect() {
        this.reset();
        const connections = await connectionsOf(statusSocket).catch(() => undefined);
        if (connections !== undefined) this.set(connections);
      },
    });
  }

  /** One datagram of nginx's: `<190>Nov 26 02:00:00 hls: segment HIT 200 12345`. What is none is left out. */
  count(datagram: string): void {
    const match = /: (\S+) (\S+) (\d)\d\d (\d+)\s*$/.exec(datagram);
    const [, kind = '', cache = '', code = '', bytes = ''] = match ?? [];
    if (!kinds.includes(kind) || !results.includes(cache)) return;
    this.#requests.inc({ kind, cache: cache === '-' ? 'NONE' : cache, code: `${code}xx` });
    this.#sentBytes.inc({ kind }, Number(bytes));
  }

  /** In Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}

async function connectionsOf(socketPath: string): Promise<number | undefined> {
  const text = await new Promise<string>((resolve, reject) => {
    const asked = request({ socketPath, path: '/status', timeout: patienceMs }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        body += part;
      });
      response.once('end', () => resolve(body));
      response.once('error', reject);
    });
    asked.once('timeout', () => asked.destroy(new Error('no answer')));
    asked.once('error', reject);
    asked.end();
  });
  const match = /Active connections: (\d+)/.exec(text);
  // Ours is one of them.
  return match === null ? undefined : Math.max(0, Number(match[1]) - 1);
}
