/**
 * How long answers to `/metrics` and of the API hold the edge up: an edge in this process with 6,000 players of 300
 * streams, which another process plays and asks. Prints the longest turn of the event loop of each answer.
 *
 *     node test/bench/scrape.ts [CLIENTS [STREAMS]]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { pino } from 'pino';
import { parseConfig } from '../../edge/conf/load.ts';
import { Edge } from '../../edge/edge.ts';
import { clip } from '../support/media.ts';
import { streamRequest } from '../support/requests.ts';

const [clients = 6_000, streams = 300] = process.argv.slice(2).map(Number);
const rounds = 20;

const loaded = parseConfig(
  `listen 127.0.0.1:0;
  max_connections ${clients + 100};
  http_server { enabled on; listen 127.0.0.1:0; }
  http_api { enabled on; listen 127.0.0.1:0; }
  exporter { enabled on; listen 127.0.0.1:0; streams 200; }
  edge { page_figures on; unadmitted_per_address 1000; }
  vhost __defaultVhost__ { cluster { mode local; } http_remux { enabled on; } }`,
);
const edge = new Edge({
  loaded,
  read: () => loaded,
  serverId: 'bench',
  log: pino({ level: 'silent' }),
  logCounts: () => ({ lostLines: 0, leftOutLines: 0 }),
});
await edge.start();
const port = (protocol: string): number => edge.addresses.find((each) => each.protocol === protocol)?.port ?? 0;

const [vhost] = edge.config.vhosts;
if (vhost === undefined) throw new Error('the configuration has a vhost');
for (let index = 0; index < streams; index++) {
  const request = streamRequest({ clientId: `pub${index}`, vhost: vhost.name, stream: `stream${index}` });
  const events = { gone: new AbortController().signal, ended: () => {}, silentMs: () => 0 };
  const publication = await edge.hub.publish(request, vhost, events, 'unproven');
  for (const message of clip()) publication.push(message);
  publication.flush();
}

const load = fork(new URL('./scrape-load.ts', import.meta.url));
load.send({ port: port('http'), clients, streams });
await once(load, 'message');

interface Moment {
  readonly wallMs: number;
  readonly cpuMs: number;
}

function now(): Moment {
  const { user, system } = process.cpuUsage();
  return { wallMs: performance.now(), cpuMs: (user + system) / 1000 };
}

/** What else runs on the machine makes the clock run ahead, and what V8 does in other threads the CPU time. */
function msBetween(before: Moment, after: Moment): number {
  return Math.min(after.wallMs - before.wallMs, after.cpuMs - before.cpuMs);
}

/** The longest turn of the event loop while `work` is under way, milliseconds. */
async function longestTurnMs(work: Promise<unknown>): Promise<number> {
  let longest = 0;
  let under = true;
  let last = now();
  const turn = (): void => {
    const present = now();
    longest = Math.max(longest, msBetween(last, present));
    last = present;
    if (under) setImmediate(turn);
  };
  setImmediate(turn);
  await work;
  under = false;
  return longest;
}

const [someone] = edge.clients.values();
const paths = [
  ['exporter', '/metrics'],
  ['http-api', '/api/v1/edge'],
  ['http-api', '/api/v1/summaries'],
  ['http-api', '/api/v1/vhosts'],
  ['http-api', '/api/v1/streams'],
  ['http-api', '/api/v1/streams?count=1000'],
  ['http-api', '/api/v1/clients'],
  ['http-api', '/api/v1/clients?start=5000&count=100'],
  ['http-api', '/api/v1/clients?count=100000'],
  ['http-api', `/api/v1/clients/${someone?.id}`],
  ['http-api', '/api/v1/moves'],
  ['http', '/edge/status.json'],
  ['http', '/healthz'],
] as const;

console.log(`${edge.clients.size} players of ${edge.hub.streams.size} streams; longest turn of the event loop, ms:\n`);
console.log('| answer | middle of 20 | longest of 20 |\n| --- | ---: | ---: |');
for (const [protocol, path] of paths) {
  const turns: number[] = [];
  for (let round = 0; round < rounds; round++) {
    load.send({ url: `http://127.0.0.1:${port(protocol)}${path}` });
    turns.push(await longestTurnMs(once(load, 'message')));
  }
  turns.sort((a, b) => a - b);
  console.log(`| \`${path}\` | ${turns[rounds / 2]?.toFixed(1)} | ${turns.at(-1)?.toFixed(1)} |`);
}
load.kill();
process.exit(0);
