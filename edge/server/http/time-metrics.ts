/** Histograms of how long players wait. */

import { Histogram, type Registry } from 'prom-client';
import type { ClientProtocol } from '../../stream/request.ts';
import type { Clients } from '../clients.ts';

/** What others measure: how long players had no frame at a splice, and how long an origin was looked for. */
export type Observed = 'spliceGap' | 'search';

const protocols: readonly ClientProtocol[] = ['rtmp', 'rtmps', 'http-flv', 'ws-flv'];

/** From a millisecond, for a stream that is there, to the patience of a player. */
const untilFrame = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 10];

/** Adds them all; the caller observes what it is given, and the clients' first frames are observed here. */
export function addTimes(registry: Registry, clients: Clients): Readonly<Record<Observed, Histogram>> {
  const registers = [registry];
  const firstFrame = new Histogram({
    name: 'edge_first_frame_seconds',
    help: 'From a client asking to play to the first frame that it is given, callbacks and search included.',
    labelNames: ['protocol'],
    buckets: untilFrame,
    registers,
  });
  for (const protocol of protocols) firstFrame.zero({ protocol });
  clients.onFirstFrame(({ protocol }, tookMs) => firstFrame.observe({ protocol }, tookMs / 1000));
  return {
    spliceGap: new Histogram({
      name: 'edge_splice_gap_seconds',
      help: 'How long players had no frame when their stream went on from another origin.',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 30],
      registers,
    }),
    search: new Histogram({
      name: 'edge_search_seconds',
      help: 'How long an origin was looked for, until one delivered the stream.',
      buckets: untilFrame,
      registers,
    }),
  };
}
