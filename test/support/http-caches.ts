/**
 * nginx, Apache Traffic Server and squid, the real programs, as caches in front of origins of HLS: nginx as the operator
 * renders it, the other two by the examples in crds/hls.
 */

import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findNginx, LocalHls } from '../../operator/up/local-hls.ts';
import { edgeCluster } from './edge-clusters.ts';
import { ask } from './hls-players.ts';
import { type Cleaner, findProgram, freePort, Program, temporaryDirectory } from './programs.ts';

const examples = join(import.meta.dirname, '../../crds/hls');

export interface HttpCache {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Of its first process. */
  readonly pid: number;
}

/** @param origins `host:port` of two HTTP servers, the first of which is preferred */
export type StartCache = (cleaner: Cleaner, origins: readonly [string, string]) => Promise<HttpCache>;

/** @param hls fields of spec.hls @param more fields of the group of origins */
export async function startNginxCache(
  cleaner: Cleaner,
  origins: readonly string[],
  hls: object = {},
  group: object = {},
): Promise<HttpCache & { readonly local: LocalHls; readonly change: (origins: readonly string[]) => void }> {
  const directory = temporaryDirectory(cleaner);
  const cluster = edgeCluster({
    metadata: { name: 'live' },
    spec: {
      origins: [{ name: 'main', servers: ['origin'], balance: 'Failover', ...group }],
      hls: { targetDurationSeconds: 2, listeners: { http: { port: await freePort() } }, ...hls },
    },
  });
  const { spec } = cluster;
  const asked = spec.hls;
  if (asked === undefined) throw new Error('it has spec.hls');
  const local = await LocalHls.start(findNginx() ?? 'nginx', cluster, asked, {
    directory,
    host: '127.0.0.1',
    httpOrigins: new Map([['main', origins]]),
    secrets: new Map([['hls-tls', directory]]),
    log: () => {},
    lookEveryMs: 100,
  });
  cleaner.after(() => local.stop());
  const change = (origins: readonly string[]): void => local.apply(cluster, asked, new Map([['main', origins]]));
  return { url: `http://${local.addresses.http}`, pid: local.pid ?? 0, local, change };
}

/** The example with these origins in place of its own. */
function withOrigins(text: string, [a, b]: readonly [string, string]): string {
  return text.replaceAll('origin-a.media:8080', a).replaceAll('origin-b.media:8080', b);
}

export const startTrafficServer: StartCache = async (cleaner, origins) => {
  const root = temporaryDirectory(cleaner);
  const port = await freePort();
  for (const directory of ['etc', 'cache', 'log', 'run', 'state']) mkdirSync(join(root, directory));
  cpSync('/etc/trafficserver', join(root, 'etc'), { recursive: true });
  for (const name of readdirSync(join(examples, 'trafficserver'))) {
    const text = readFileSync(join(examples, 'trafficserver', name), 'utf8');
    writeFileSync(
      join(root, 'etc', name),
      withOrigins(text, origins).replace('/var/cache/trafficserver', join(root, 'cache')),
    );
  }
  const layout = {
    ...{ prefix: root, exec_prefix: root, bindir: '/usr/bin', sbindir: '/usr/sbin', sysconfdir: join(root, 'etc') },
    ...{ datadir: root, includedir: root, libdir: '/usr/lib/trafficserver', logdir: join(root, 'log') },
    ...{ libexecdir: '/usr/lib/trafficserver/modules', localstatedir: join(root, 'state') },
    ...{ runtimedir: join(root, 'run'), cachedir: join(root, 'cache') },
  };
  const runRoot = join(root, 'runroot.yaml');
  writeFileSync(
    runRoot,
    Object.entries(layout)
      .map(([name, path]) => `${name}: ${path}\n`)
      .join(''),
  );
  const program = new Program(cleaner, 'traffic_server', [`--run-root=${runRoot}`], {
    PROXY_CONFIG_HTTP_SERVER_PORTS: `${port}:ip-in=127.0.0.1`,
    PROXY_CONFIG_ADMIN_USER_ID: '#-1',
    // Origins of this machine are not itself.
    PROXY_CONFIG_HTTP_PARENT_PROXY_SELF_DETECT: '0',
  });
  return untilServing(port, program);
};

export const startSquid: StartCache = async (cleaner, origins) => {
  const root = temporaryDirectory(cleaner);
  const port = await freePort();
  const text = origins.reduce(
    (text, origin, index) => text.replace(`origin-${'ab'[index]}.media parent 8080`, origin.replace(':', ' parent ')),
    readFileSync(join(examples, 'squid.conf'), 'utf8'),
  );
  const file = join(root, 'squid.conf');
  // Started by root it becomes another user.
  chmodSync(root, 0o777);
  writeFileSync(
    file,
    `${text.replace('http_port 8080', `http_port 127.0.0.1:${port}`)}
pid_filename ${root}/squid.pid
cache_log ${root}/cache.log
access_log none
coredump_dir ${root}
`,
  );
  const program = new Program(cleaner, 'squid', ['-N', '-n', `test${port}`, '-f', file]);
  return untilServing(port, program);
};

async function untilServing(port: number, program: Program): Promise<HttpCache> {
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if (!program.running) throw new Error(`${program.command} ended while starting: ${program.stderr}`);
    const answer = await ask(`${url}/nothing.m3u8`).catch(() => undefined);
    if (answer !== undefined) return { url, pid: program.child.pid ?? 0 };
    await delay(50);
  }
}

/** For `skip` of node:test. */
export function cacheMissing(command: string): string | false {
  return findProgram(command) === undefined && `not installed: ${command} (make test installs what it needs)`;
}
