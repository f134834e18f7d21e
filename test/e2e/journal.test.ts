/** What an edge tells of what happened to it: switches, refusals, reloads, states of origins. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EdgeProcess } from '../support/edge-process.ts';
import { clip } from '../support/media.ts';
import { edgeConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { player, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';

async function ask(edge: EdgeProcess, path: string): Promise<Record<string, unknown>> {
  return (await (await fetch(`http://127.0.0.1:${edge.port('http-api')}/api/v1/${path}`)).json()) as never;
}

async function texts(edge: EdgeProcess): Promise<string[]> {
  const { events } = (await ask(edge, 'events?count=100')) as { events: { text: string }[] };
  return events.map(({ text }) => text);
}

const root = 'http_api { enabled on; listen 127.0.0.1:0; }';

describe('the journal', () => {
  test('tells of a switch, with the origins and the gap, and so does the stream', testOptions, async (t) => {
    const [first, second] = [
      await startOrigin(t, { play: (_, connection) => connection.send(...clip()) }),
      await startOrigin(t, { play: (_, connection) => connection.send(...clip({ startMs: 50_000, seed: 1 })) }),
    ];
    const edge = await startEdge(
      t,
      edgeConfig({ root, origins: [first.port, second.port], edge: 'balance failover;' }),
    );
    const watcher = await player(t, edge);
    await watcher.frames(13);
    await first.die();
    const { gapMs } = await edge.logged(({ msg }) => msg === 'pull switched');
    const [from, to] = [`127.0.0.1:${first.port}`, `127.0.0.1:${second.port}`];
    const all = await texts(edge);
    assert.ok(all.includes(`/live/${stream} went from ${from} to ${to}: players had no frame for ${gapMs} ms.`));
    assert.ok(
      all.some((text) => text.startsWith(`Origin ${from} is suspect: `) || text.startsWith(`Origin ${from} is down: `)),
    );
    assert.ok(all.some((text) => text.startsWith('The edge started')));
    const { status } = (await ask(edge, 'status')) as {
      status: { streams: { origin: string; switched: Record<string, unknown>[]; first_frame_ms: number }[] };
    };
    const [shown] = status.streams;
    assert.equal(shown?.origin, to);
    assert.deepEqual(
      shown?.switched.map(({ at_ms, ...rest }) => [typeof at_ms, rest]),
      [['number', { from, to, gap_ms: gapMs }]],
    );
    assert.equal(typeof shown?.first_frame_ms, 'number');
  });

  test('tells of refusals without tokens, and of reloads that went well or did not', testOptions, async (t) => {
    const origin = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
    const refusing = 'security { enabled on; deny play all; }';
    const edge = await startEdge(t, edgeConfig({ root, origins: [origin.port], vhost: refusing }));
    await assert.rejects(RtmpPeer.player({ port: edge.port() }, `${stream}?token=hush`), /Play\.Failed/);
    await edge.logged(({ msg }) => msg === 'client refused');
    const refusal = (await texts(edge)).find((text) => text.includes('was refused'));
    assert.match(refusal ?? '', new RegExp(`^127\\.0\\.0\\.1 at /live/${stream} was refused: `));
    assert.doesNotMatch(JSON.stringify(await ask(edge, 'events?count=100')), /hush/);

    edge.configure('nonsense;');
    edge.signal('SIGHUP');
    await edge.logged(({ msg }) => String(msg).startsWith('reload failed'));
    assert.ok((await texts(edge)).some((text) => text.startsWith('A reload failed, the former configuration stays')));
    edge.configure(edgeConfig({ root, origins: [origin.port] }));
    edge.signal('SIGHUP');
    await edge.logged(({ msg }) => msg === 'configuration changed');
    assert.ok((await texts(edge)).some((text) => text.startsWith('The configuration was reloaded: ')));
  });

  test('is not kept without a page', testOptions, async (t) => {
    const origin = await startOrigin(t);
    const edge = await startEdge(t, edgeConfig({ root, origins: [origin.port], process: 'page off;' }));
    assert.deepEqual(await texts(edge), []);
    assert.equal((await ask(edge, 'events')).kept, false);
  });
});
