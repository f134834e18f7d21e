/** `GET /api/v1/edge`, as whoever runs many edges reads it: the configuration in force, and origins nobody uses. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { configHash } from '../../edge/conf/load.ts';
import type { EdgeProcess } from '../support/edge-process.ts';
import { clip } from '../support/media.ts';
import { edgeConfig, originConfig } from '../support/rtmp-config.ts';
import { deadOrigin, player, reload, startEdge, startOrigin, testOptions } from '../support/rtmp-scene.ts';

interface Report {
  readonly state: string;
  readonly config: { readonly hash: string; readonly error: string | null; readonly needs_restart: string[] };
  readonly origins: readonly { readonly name: string; readonly state: string; readonly reason: string }[];
}

const api = 'http_api { enabled on; listen 127.0.0.1:0; }';

async function report(edge: EdgeProcess): Promise<Report> {
  const response = await fetch(`http://127.0.0.1:${edge.port('http-api')}/api/v1/edge`);
  return (await response.json()) as Report;
}

function originState(edge: EdgeProcess, wanted: string, port: number): Promise<unknown> {
  return edge.logged(
    ({ msg, state, origin }) => msg === 'origin state' && state === wanted && origin === `127.0.0.1:${port}`,
  );
}

test(
  'the configuration in force: its hash, what was refused since, what waits for a restart',
  testOptions,
  async (t) => {
    const config = (root: string): string => edgeConfig({ origins: [1], root: `${api} ${root}` });
    const first = config('');
    const edge = await startEdge(t, first);
    assert.deepEqual((await report(edge)).config, { hash: configHash(first), error: null, needs_restart: [] });

    const second = config('server_id other; max_connections 7;');
    await reload(edge, second);
    const inForce = { hash: configHash(second), needs_restart: ['server_id'] };
    assert.deepEqual((await report(edge)).config, { ...inForce, error: null });

    edge.configure('listen 1; nonsense;');
    edge.signal('SIGHUP');
    await edge.logged(({ msg }) => `${msg}`.startsWith('reload failed'));
    const { error, ...rest } = (await report(edge)).config;
    assert.deepEqual(rest, inForce);
    assert.match(error ?? '', /unknown directive "nonsense"/);

    // Text that changes nothing is in force all the same; what waits still waits.
    const third = `# a comment\n${second}`;
    edge.configure(third);
    edge.signal('SIGHUP');
    while ((await report(edge)).config.error !== null) await delay(10);
    assert.deepEqual((await report(edge)).config, { ...inForce, hash: configHash(third), error: null });
  },
);

test('origins that nobody uses are checked: soon after the start, and again', testOptions, async (t) => {
  const well = await startOrigin(t);
  const dead = await deadOrigin(t);
  const process = 'origin_check_interval 100;';
  const edge = await startEdge(t, edgeConfig({ origins: [well.port, dead.port], root: api, process }));
  await Promise.all([originState(edge, 'up', well.port), originState(edge, 'down', dead.port)]);
  const origins = (await report(edge)).origins.map(({ name, state, reason }) => [name, state, reason]);
  assert.deepEqual(origins, [
    [`127.0.0.1:${well.port}`, 'up', ''],
    [`127.0.0.1:${dead.port}`, 'down', 'connection refused (ECONNREFUSED)'],
  ]);
  await well.die();
  await originState(edge, 'down', well.port);
  await dead.listen();
  await originState(edge, 'up', dead.port);
});

test('with origin_check_interval 0 an origin is untried until it is needed', testOptions, async (t) => {
  const origin = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
  const edge = await startEdge(t, edgeConfig({ origins: [origin.port], root: api }));
  assert.equal((await report(edge)).origins[0]?.state, 'untried');
  assert.equal(origin.connections.length, 0);
  await (await player(t, edge)).frames(1);
  assert.equal((await report(edge)).origins[0]?.state, 'up');
});

test(
  'balance failover: a stream that runs stays where it is, a new one takes the better origin',
  testOptions,
  async (t) => {
    const script = {
      play: (_: unknown, connection: { send(...messages: ReturnType<typeof clip>): void }) =>
        connection.send(...clip()),
    };
    const better = await deadOrigin(t, script);
    const other = await startOrigin(t, script);
    const edge = await startEdge(
      t,
      edgeConfig({ origins: [better.port, other.port], root: api, edge: 'balance failover; stall_timeout 60000;' }),
    );
    const first = await player(t, edge, 'one');
    await first.frames(1);
    assert.equal(other.asked('play').length, 1);
    await better.listen();
    await originState(edge, 'up', better.port);
    await (await player(t, edge, 'two')).frames(1);
    await (await player(t, edge, 'three')).frames(1);
    assert.deepEqual([better.asked('play').length, other.asked('play').length], [2, 1]);
    assert.equal(first.closed, false);
  },
);

test('at an origin of ours such a check is no client gone, and no failed one', testOptions, async (t) => {
  const exporter = 'exporter { enabled on; listen 127.0.0.1:0; }';
  const origin = await startEdge(t, originConfig({ root: `srs_log_level_v2 debug; ${exporter}` }));
  await startEdge(t, edgeConfig({ origins: [origin.port()], process: 'origin_check_interval 20;' }));
  const gone = await origin.logged(({ msg }) => msg === 'client gone');
  assert.equal(gone.level, 20);
  const metrics = await (await fetch(`http://127.0.0.1:${origin.port('exporter')}/metrics`)).text();
  assert.match(metrics, /^srs_clients_errs_total 0$/m);
});
