/**
 * Metrics of single streams, for those who ask for them (`edge { metrics_streams }`): the streams with most players, as
 * each costs Prometheus seven series, and only those that have media, as everybody can ask for a name.
 */

import { Counter, Gauge, type Registry } from 'prom-client';
import { streamKey } from '../../stream/name.ts';
import type { Gateway } from '../gateway.ts';
import { type StreamEntry, streamEntries } from './figures.ts';
import type { Traffic } from './traffic.ts';

const labelNames = ['vhost', 'app', 'stream'] as const;

export function addStreamMetrics(registry: Registry, gateway: Gateway, traffic: Traffic): void {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames, registers });
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames, registers });
  // The registry reads its metrics in this order: the first fills them all, so that the streams are sorted once.
  const players = new Gauge({
    name: 'edge_stream_players',
    help: 'Clients that play the stream.',
    labelNames,
    registers,
    collect: () => fill(),
  });
  const publishers = gauge('edge_stream_publishers', '1 while the stream is published at this edge.');
  const sent = counter('edge_stream_sent_bytes_total', 'Bytes sent to clients of the stream.');
  const received = counter('edge_stream_received_bytes_total', "Bytes received from the stream's clients.");
  const media = counter('edge_stream_media_bytes_total', 'Bytes of media of the stream, counted once for all players.');
  const switches = counter('edge_stream_switches_total', 'Times that the stream went on from another origin.');
  const source = new Gauge({
    name: 'edge_stream_source',
    help: 'Always 1: the origin that the stream comes from or goes to, and the state of that.',
    labelNames: [...labelNames, 'origin', 'state'],
    registers,
  });
  const all = [players, publishers, sent, received, media, switches, source];

  const fill = (): void => {
    for (const metric of all) metric.reset();
    const { metricsStreams } = gateway.config.edge;
    if (metricsStreams === 0) return;
    for (const { name, live, published } of busiest([...streamEntries(gateway.hub)], metricsStreams)) {
      const labels = { vhost: name.vhost, app: name.app, stream: name.stream };
      const bytes = traffic.ofStream(streamKey(name));
      players.set(labels, live?.playerCount ?? 0);
      publishers.set(labels, Number(published !== undefined));
      sent.inc(labels, bytes.sent);
      received.inc(labels, bytes.received);
      media.inc(labels, live?.stats.bytesReceived ?? 0);
      switches.inc(labels, live?.stats.splices ?? 0);
      const origin = live?.source?.origin ?? published?.publication.origin ?? '';
      source.set({ ...labels, origin, state: live?.source?.state ?? 'pushed' }, 1);
    }
  };
}

/** Those with media that have most players; published ones before others, and then by name, so that they stay. */
function busiest(entries: readonly StreamEntry[], count: number): readonly StreamEntry[] {
  return entries
    .filter(({ live, published }) => published !== undefined || (live?.stats.framesReceived ?? 0) > 0)
    .map((entry) => ({
      entry,
      players: entry.live?.playerCount ?? 0,
      published: Number(entry.published !== undefined),
      key: streamKey(entry.name),
    }))
    .toSorted((a, b) => b.players - a.players || b.published - a.published || (a.key < b.key ? -1 : 1))
    .slice(0, count)
    .map(({ entry }) => entry);
}
