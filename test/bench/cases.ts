/**
 * All cases, in the order in which they are measured.
 */
import type { Case } from './case.ts';
import { failover, massFailover } from './failover.ts';
import { joins } from './joins.ts';
import { latencyCase } from './latency.ts';
import { locate } from './locate.ts';
import { playersCase } from './players.ts';
import { publishersCase } from './publishers.ts';

const everyone = ['floor', 'nginx', 'srs', 'before', 'ours'] as const;

export const cases: readonly Case[] = [
  playersCase('rtmp-2000', '2,000 RTMP players of one stream', everyone, { count: 2000, streams: 1, protocol: 'rtmp' }),
  playersCase('rtmp-6000', '6,000 RTMP players of one stream', everyone, { count: 6000, streams: 1, protocol: 'rtmp' }),
  playersCase('flv-2000', '2,000 HTTP-FLV players of one stream', ['floor', 'srs', 'before', 'ours'], {
    count: 2000,
    streams: 1,
    protocol: 'http-flv',
  }),
  playersCase('streams-300', '300 streams with 5 RTMP players each', ['nginx', 'srs', 'before', 'ours'], {
    count: 1500,
    streams: 300,
    protocol: 'rtmp',
  }),
  publishersCase(300),
  joins,
  latencyCase(1),
  latencyCase(500),
  failover('killed'),
  failover('hung'),
  massFailover,
  locate,
];
