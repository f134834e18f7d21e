/**
 * Many clients who come by TLS at once, while others play: what those who play notice of it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Case, milliseconds } from './case.ts';
import type { KeyKind } from './certificate.ts';
import { play } from './load.ts';
import { processorTime } from './measure.ts';
import { scope } from './scope.ts';
import { playUrl } from './servers.ts';
import { log, publishTo, settled, startOrigin, startSecureEdge, WARM_UP_MS } from './stage.ts';
import { cpu, gone } from './watch.ts';

/** Those who play. Each is parsed all the time. */
const PLAYERS = 200;
/** How long they are watched before the others come. */
const QUIET_MS = 5000;
/** Those who come. */
const COUNT = 1500;

const how = {
  rsa: 'full handshakes, RSA-2048',
  ecdsa: 'full handshakes, ECDSA P-256',
  resumed: 'sessions resumed',
} as const;

/**
 * @param handshake with a certificate of that kind, or with a session ticket (and RSA), as those have who were there before
 * @param rate joins a second
 */
export function tlsJoins(name: string, handshake: keyof typeof how, rate: number): Case {
  const key: KeyKind = handshake === 'ecdsa' ? 'ecdsa' : 'rsa';
  return {
    name,
    title: `${COUNT} HTTPS-FLV joins at ${rate} a second beside ${PLAYERS} players: ${how[handshake]}`,
    // SRS takes no other keys than RSA.
    servers: key === 'rsa' ? ['nginx', 'srs', 'before', 'ours'] : ['nginx', 'before', 'ours'],
    names: { nginx: 'nginx’s TLS relay in front of ours' },
    columns: {
      quietP50: milliseconds('a player’s greatest gap without the storm, p50', 0),
      quietMax: milliseconds('max', 0),
      stormP50: milliseconds('in the storm, p50', 0),
      stormMax: milliseconds('max', 0),
      lost: { title: 'players lost', digits: 0, over: 'max' },
      handshakeP50: milliseconds('handshake p50'),
      handshakeP99: milliseconds('p99'),
      handshakeMax: milliseconds('max'),
      picture: milliseconds('first picture p99', 0),
      resumed: { title: 'resumed', digits: 0, over: 'min' },
      gone,
      cpu,
    },
    compare: 'stormMax',
    measure: (server, settings) =>
      scope(async (own) => {
        const { tools } = settings;
        const origin = own(await startOrigin(settings.origin, settings));
        own(await publishTo(origin, 1, settings));
        const edge = await startSecureEdge(server, origin, settings, own, key);
        // SRS 7 pulls a stream when it is first asked for by RTMP.
        const first = { url: playUrl(edge, 'stream0', 'rtmp'), count: 1 };
        await settled(own(play(tools, log(settings, name), first)), 1, 1);
        const url = playUrl(edge, 'stream0', 'https-flv');
        const players = own(play(tools, log(settings, name), { url, count: PLAYERS, rate: 50, sample: PLAYERS }));
        await settled(players, PLAYERS, 50);
        await sleep(WARM_UP_MS);
        await players.report();
        await sleep(QUIET_MS);
        const quiet = await players.report();

        const before = processorTime(edge.program.pid);
        const from = performance.now();
        const storm = { url, count: COUNT, rate, ...(handshake === 'resumed' && ({ resume: 1 } as const)) };
        const joiners = own(play(tools, log(settings, name), storm));
        await settled(joiners, COUNT, rate);
        const after = processorTime(edge.program.pid);
        const elapsed = performance.now() - from;
        const joined = await joiners.report();
        const inStorm = await players.report();
        if (joined.error) console.error(`${name}, ${server}: the first who was not served: ${joined.error}`);
        const { handshake: shaken, firstFrame } = joined;
        if (!quiet.gap || !inStorm.gap || !shaken || !firstFrame) throw new Error('nobody plays');
        const spentMs = after.userMs + after.systemMs - before.userMs - before.systemMs;
        return {
          quietP50: quiet.gap.p50,
          quietMax: quiet.gap.max,
          stormP50: inStorm.gap.p50,
          stormMax: inStorm.gap.max,
          lost: inStorm.gone,
          handshakeP50: shaken.p50,
          handshakeP99: shaken.p99,
          handshakeMax: shaken.max,
          picture: firstFrame.p99,
          resumed: joined.resumed,
          gone: COUNT - joined.playing,
          cpu: (100 * spentMs) / elapsed,
        };
      }),
  };
}
