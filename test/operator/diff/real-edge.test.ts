/**
 * What `edgecluster diff` says of a change, and what an edge that takes it by a reload really does: with a player and a
 * publisher on it, whether it needs another start, and who is disconnected.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import type { V1ConfigMap } from '@kubernetes/client-node';
import { CONFIG_KEY } from '../../../operator/api/labels.ts';
import { changeCost } from '../../../operator/diff/change-cost.ts';
import type { Cost } from '../../../operator/diff/cost.ts';
import { render } from '../../../operator/render/render.ts';
import { edgeCluster } from '../../support/edge-clusters.ts';
import type { EdgeProcess } from '../../support/edge-process.ts';
import { clip, keyframe } from '../../support/media.ts';
import { player, publisher, reload, startEdge, startOrigin, testOptions } from '../../support/rtmp-scene.ts';
import { inputOf } from '../render/cases.ts';

type Spec = Readonly<Record<string, unknown>>;

function stateOf(spec: Spec) {
  return render(inputOf(edgeCluster({ spec }))).objects;
}

/** The edge.conf of a spec, with ports of the system's choice for those of the first configuration. */
function confOf(spec: Spec): string {
  const configMap = stateOf(spec).find(({ kind }) => kind === 'ConfigMap') as V1ConfigMap;
  const text = (configMap.data?.[CONFIG_KEY] ?? '').replace(/\blisten (1935|1985|8080|9972);/g, 'listen 127.0.0.1:0;');
  return `inotify_auto_reload off; ${text}`;
}

async function needsRestart(edge: EdgeProcess): Promise<readonly string[]> {
  const answer = await fetch(`http://127.0.0.1:${edge.port('http-api')}/api/v1/edge`);
  return ((await answer.json()) as { config: { needs_restart: string[] } }).config.needs_restart;
}

test('an edge does with a change what the verdict says', testOptions, async (t: TestContext) => {
  const script = {
    play: (_: string, connection: { send(...m: ReturnType<typeof clip>): void }) => connection.send(...clip()),
  };
  const [first, second] = [await startOrigin(t, script), await startOrigin(t, script)];
  const group = (...ports: number[]) => ({ name: 'main', servers: ports.map((port) => `127.0.0.1:${port}`) });
  const base: Spec = { origins: [group(first.port)] };
  const tuned = (vhost: Spec): Spec => ({ vhosts: [{ name: '__defaultVhost__', ...vhost }] });
  const changes: readonly (readonly [string, Spec, Cost])[] = [
    ['an origin more', { origins: [group(first.port, second.port)] }, 'reload'],
    ['the GOP cache', tuned({ play: { gopCache: false } }), 'reload'],
    ['at once instead of merged', tuned({ minLatency: true }), 'reload'],
    ['how long players are held', tuned({ failover: { holdTimeoutMs: 90_000 } }), 'reload'],
    ['callbacks', tuned({ hooks: { onPlay: ['http://127.0.0.1:1/play'] } }), 'reload'],
    ['another vhost', { vhosts: [{ name: 'a.example.com' }] }, 'reload'],
    ['a vhost turned off', tuned({ extraDirectives: 'enabled off;' }), 'reload'],
    ['fewer connections than there are', { maxConnections: 1 }, 'reload'],
    ['the log', { logLevel: 'Debug' }, 'reload'],
    ['who may call the API', { extraDirectives: 'http_api { crossdomain off; }' }, 'reload'],
    ['the port', { listeners: { rtmp: { port: 1936 } } }, 'roll'],
    ['a listener less', { listeners: { http: { enabled: false } } }, 'roll'],
    ['a label of metrics', { extraDirectives: 'exporter { label tv; }' }, 'roll'],
  ];

  const edge = await startEdge(t, confOf(base));
  const [viewer, sender] = [await player(t, edge), await publisher(t, edge, 'published')];
  await viewer.frames(1);
  const pulled = await first.request('play');
  await first.request('publish');
  let timeMs = 10_000;
  for (const [what, change, cost] of changes) {
    const spec = { ...base, ...change };
    const verdict = changeCost(stateOf(base), stateOf(spec));
    assert.equal(verdict.cost, cost, what);

    await reload(edge, confOf(spec));
    const waiting = await needsRestart(edge);
    assert.equal(waiting.length > 0, cost === 'roll', `${what}: ${waiting}`);
    const told = verdict.findings.filter(({ object, cost }) => object.startsWith('ConfigMap') && cost !== 'reload');
    assert.deepEqual(told.map(({ change }) => change.replace(/: .*/, '')).toSorted(), waiting.toSorted(), what);

    // Nobody is disconnected: frames come through as before.
    timeMs += 1000;
    pulled.send(keyframe(timeMs, 500));
    await viewer.next(({ payload }) => payload.equals(keyframe(timeMs, 500).payload));
    assert.ok(!viewer.closed && !sender.closed, what);

    if (cost === 'roll') {
      // The listener has stayed where it was.
      (await player(t, edge, 'another')).reset();
      await reload(edge, confOf({ ...base, maxConnections: 9999 }));
      assert.deepEqual(await needsRestart(edge), [], what);
    }
    await reload(edge, confOf({ ...base, maxConnections: 9998 }));
  }
});

for (const [drain, cost] of [
  [0, 'cut'],
  [60, 'roll'],
] as const) {
  test(`an edge that ends with ${drain} s to drain: ${cost}`, testOptions, async (t) => {
    const origin = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
    const spec = (fields: Spec): Spec => ({
      origins: [{ name: 'main', servers: [`127.0.0.1:${origin.port}`] }],
      pods: { drainSeconds: drain, ...fields },
      extraDirectives: 'grace_start_wait 0; grace_final_wait 0;',
    });
    assert.equal(changeCost(stateOf(spec({})), stateOf(spec({ image: 'edge:2' }))).cost, cost);

    // What the pod is given as a variable.
    const edge = await startEdge(t, `edge { drain_timeout ${drain * 1000}; }\n${confOf(spec({}))}`);
    const viewer = await player(t, edge);
    await viewer.frames(1);
    const pulled = await origin.request('play');
    edge.signal('SIGTERM');
    if (cost === 'cut') {
      if (!viewer.closed) await once(viewer.socket, 'close');
      return;
    }
    await edge.logged(({ msg }) => msg === 'draining');
    pulled.send(keyframe(9000, 500));
    await viewer.next(({ payload }) => payload.equals(keyframe(9000, 500).payload));
    assert.ok(!viewer.closed);
  });
}
