/** Metrics of single streams that an edge pulls: where they come from, how long that was looked for, and gaps. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EdgeProcess } from '../support/edge-process.ts';
import { clip } from '../support/media.ts';
import { edgeConfig } from '../support/rtmp-config.ts';
import { player, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';

async function samples(edge: EdgeProcess): Promise<Map<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${edge.port('exporter')}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const blank = line.lastIndexOf(' ');
      return [line.slice(0, blank), Number(line.slice(blank + 1))];
    }),
  );
}

const labels = `vhost="__defaultVhost__",app="live",stream="${stream}"`;

describe('metrics of a stream', () => {
  test('tell its origin, the searches for it, and the gap when that origin dies', testOptions, async (t) => {
    // The first one is silent about a stream that it does not have.
    const silent = await startOrigin(t);
    const [first, second] = [
      await startOrigin(t, { play: (_, connection) => connection.send(...clip()) }),
      await startOrigin(t, { play: (_, connection) => connection.send(...clip({ startMs: 50_000, seed: 1 })) }),
    ];
    const edge = await startEdge(
      t,
      edgeConfig({
        root: 'exporter { enabled on; listen 127.0.0.1:0; streams 10; }',
        origins: [silent.port, first.port, second.port],
        edge: 'balance failover; locate_interval 50; first_frame_timeout 60000;',
      }),
    );
    const watcher = await player(t, edge);
    await watcher.frames(13);
    await edge.logged(({ msg }) => msg === 'pull live');
    const found = await samples(edge);
    assert.equal(found.get(`edge_stream_source{${labels},origin="127.0.0.1:${first.port}",state="live"}`), 1);
    assert.equal(found.get(`edge_stream_searches_total{${labels}}`), 1);
    assert.equal(found.get('edge_search_seconds_count'), 1);
    assert.ok((found.get(`edge_stream_search_seconds_total{${labels}}`) ?? 0) > 0);
    assert.equal(found.get(`edge_stream_gap_seconds_total{${labels}}`), 0);
    assert.equal(found.get('edge_first_frame_seconds_count{protocol="rtmp"}'), 1);
    assert.ok((found.get('edge_first_frame_seconds_sum{protocol="rtmp"}') ?? 0) > 0);

    await first.die();
    await edge.logged(({ msg }) => msg === 'pull switched');
    const switched = await samples(edge);
    assert.equal(switched.get(`edge_stream_switches_total{${labels}}`), 1);
    assert.equal(switched.get(`edge_stream_searches_total{${labels}}`), 2);
    assert.ok((switched.get(`edge_stream_gap_seconds_total{${labels}}`) ?? 0) > 0);
    assert.equal(switched.get('edge_splice_gap_seconds_count'), 1);
  });
});
