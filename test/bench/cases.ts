/**
 * All cases, in the order in which they are measured.
 */
import type { Case } from './case.ts';
import { failover, massFailover } from './failover.ts';
import { fleetCase } from './fleet.ts';
import { joins } from './joins.ts';
import { latencyCase } from './latency.ts';
import { locate } from './locate.ts';
import { playersCase } from './players.ts';
import { publishersCase } from './publishers.ts';
import { soak } from './soak.ts';
import { startUp } from './start-up.ts';
import { tlsJoins } from './tls-joins.ts';

const everyone = ['floor', 'nginx', 'srs', 'before', 'ours'] as const;
/** nginx-rtmp has no HTTP-FLV. */
const withFlv = ['floor', 'srs', 'before', 'ours'] as const;
/** The floor has one stream. */
const withStreams = ['nginx', 'srs', 'before', 'ours'] as const;

export const cases: readonly Case[] = [
  playersCase('rtmp-2000', '2,000 RTMP players of one stream', everyone, { count: 2000, streams: 1, protocol: 'rtmp' }),
  playersCase('rtmp-6000', '6,000 RTMP players of one stream', everyone, { count: 6000, streams: 1, protocol: 'rtmp' }),
  playersCase('rtmp-9000', '9,000 RTMP players of one stream', everyone, { count: 9000, streams: 1, protocol: 'rtmp' }),
  playersCase('flv-2000', '2,000 HTTP-FLV players of one stream', withFlv, {
    count: 2000,
    streams: 1,
    protocol: 'http-flv',
  }),
  playersCase('flv-9000', '9,000 HTTP-FLV players of one stream', withFlv, {
    count: 9000,
    streams: 1,
    protocol: 'http-flv',
  }),
  playersCase('ws-2000', '2,000 WebSocket-FLV players of one stream', ['floor', 'before', 'ours'], {
    count: 2000,
    streams: 1,
    protocol: 'ws-flv',
  }),
  playersCase('tls-2000', '2,000 HTTPS-FLV players of one stream', ['nginx', 'srs', 'before', 'ours'], {
    count: 2000,
    streams: 1,
    protocol: 'https-flv',
  }),
  playersCase('rtmps-2000', '2,000 RTMPS players of one stream', ['nginx', 'before', 'ours'], {
    count: 2000,
    streams: 1,
    protocol: 'rtmps',
  }),
  playersCase('streams-300', '300 streams with 5 RTMP players each', withStreams, {
    count: 1500,
    streams: 300,
    protocol: 'rtmp',
  }),
  playersCase('streams-1000', '1,000 streams with one RTMP player each', withStreams, {
    count: 1000,
    streams: 1000,
    protocol: 'rtmp',
  }),
  publishersCase(300),
  publishersCase(1000),
  joins,
  tlsJoins('tls-joins-rsa', 'rsa', 300),
  tlsJoins('tls-joins-ecdsa', 'ecdsa', 300),
  tlsJoins('tls-joins-resumed', 'resumed', 300),
  tlsJoins('tls-crowd-rsa', 'rsa', 3000),
  tlsJoins('tls-crowd-ecdsa', 'ecdsa', 3000),
  tlsJoins('tls-crowd-resumed', 'resumed', 3000),
  latencyCase(1),
  latencyCase(500),
  failover('killed'),
  failover('hung'),
  massFailover,
  locate,
  startUp,
  fleetCase('edge-320', '320 edges of one origin and one stream, 4 players each', { streams: 1, tier: false }),
  fleetCase('edge-320-streams', '320 edges of one origin, 4 players each of 50 streams', { streams: 50, tier: false }),
  fleetCase('edge-320-tier', '320 edges of 50 streams behind a tier of 4 edges', { streams: 50, tier: true }),
  soak,
];
