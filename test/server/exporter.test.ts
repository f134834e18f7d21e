/** The exporter, and the probes that every listener answers. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { clip } from '../support/media.ts';
import { flvVhost, getRequest, RawClient, startEdge, type TestEdge } from './harness.ts';

/** Samples by name with labels, as they stand in the text. */
async function scrape(edge: TestEdge): Promise<Map<string, number>> {
  const response = await fetch(edge.url('/metrics', 'exporter'));
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const blank = line.lastIndexOf(' ');
      return [line.slice(0, blank), Number(line.slice(blank + 1))];
    }),
  );
}

describe('/metrics', () => {
  it('has SRS’s names', async (context) => {
    const edge = await startEdge(context, { exporter: { enabled: true } });
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const attached = once(edge.events, 'play');
    const player = new RawClient(edge.port(), getRequest('/live/one.flv'));
    await attached;
    await player.takeHead();
    const samples = await scrape(edge);
    assert.equal(samples.get('srs_streams'), 1);
    assert.equal(samples.get('srs_clients'), 1);
    assert.equal(samples.get('srs_clients_total'), 1);
    assert.equal(samples.get('srs_clients_errs_total'), 0);
    assert.ok(samples.get('srs_send_bytes_total')! > 500);
    assert.ok(samples.get('srs_receive_bytes_total')! >= 50);
    assert.ok(samples.get('srs_memory')! > 10_000);
    assert.ok(samples.get('srs_cpu_percent')! >= 0);
    const names = [...samples.keys()].join('\n');
    assert.match(names, /^srs_build_info\{server="test-edge",pid="\d+",major="\d+",version="[^"]+"\}$/m);
    assert.match(names, /^srs_node_uname_info\{sysname="[^"]+",nodename="[^"]*",release="[^"]+",machine="[^"]+"/m);

    player.socket.destroy();
    await edge.clients.empty();
    const later = await scrape(edge);
    assert.equal(later.get('srs_clients'), 0);
    assert.equal(later.get('srs_clients_total'), 1);
    assert.ok(later.get('srs_send_bytes_total')! >= samples.get('srs_send_bytes_total')!);
  });

  it('has ours beside them', async (context) => {
    const edge = await startEdge(context, { exporter: { enabled: true } });
    const publisher = await edge.publisher();
    publisher.push(...clip());
    const attached = once(edge.events, 'play');
    new RawClient(edge.port(), getRequest('/live/one.flv'));
    await attached;
    edge.http.observeSpliceGap(40);
    edge.http.observeSpliceGap(400);
    const samples = await scrape(edge);
    const expected = {
      edge_players: 1,
      edge_publishers: 0,
      edge_draining: 0,
      edge_config_refused: 0,
      edge_dropped_gops_total: 0,
      'edge_streams{state="live"}': 1,
      'edge_streams{state="connecting"}': 0,
      edge_slices_total: 1,
      'edge_origin_state{origin="one:1935",state="up"}': 1,
      'edge_origin_state{origin="two:1935",state="up"}': 0,
      'edge_origin_state{origin="two:1935",state="down"}': 1,
      'edge_origin_connections{origin="one:1935"}': 2,
      edge_pulls_total: 5,
      edge_pushes_total: 4,
      edge_pull_switches_total: 3,
      edge_push_switches_total: 2,
      edge_push_dropped_gops_total: 1,
      'edge_origin_lookups_total{result="found"}': 7,
      'edge_origin_lookups_total{result="empty"}': 1,
      'edge_origin_lookups_total{result="failed"}': 2,
      edge_origin_lookup_addresses: 3,
      'edge_splice_gap_seconds_bucket{le="0.025"}': 0,
      'edge_splice_gap_seconds_bucket{le="0.05"}': 1,
      'edge_splice_gap_seconds_bucket{le="0.5"}': 2,
      edge_splice_gap_seconds_count: 2,
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(samples.get(name), value, name);
    assert.ok(samples.get('edge_slice_bytes_total')! > 100);
    assert.ok(samples.has('nodejs_eventloop_lag_p99_seconds'));
    assert.ok(samples.has('process_resident_memory_bytes'));
    edge.outcome = { ok: false, atMs: 0, error: 'wrong' };
    assert.equal((await scrape(edge)).get('edge_config_refused'), 1);
  });

  it('has the streams with most players by themselves, as many as asked for', async (context) => {
    const edge = await startEdge(context, { exporter: { enabled: true } });
    const publisher = await edge.publisher();
    publisher.push(...clip());
    (await edge.publisher('another')).push(...clip());
    const attached = once(edge.events, 'play');
    new RawClient(edge.port(), getRequest('/live/one.flv'));
    await attached;
    // Asked for, and nothing comes: everybody can make such names.
    const waiting = once(edge.events, 'play');
    new RawClient(edge.port(), getRequest('/live/nothing.flv'));
    await waiting;
    const streams = async () => [...(await scrape(edge))].filter(([name]) => name.startsWith('edge_stream_'));
    assert.deepEqual(await streams(), []);

    edge.config = { ...edge.config, edge: { ...edge.config.edge, metricsStreams: 1 } };
    const samples = new Map(await streams());
    const one = 'vhost="__defaultVhost__",app="live",stream="one"';
    assert.equal(samples.get(`edge_stream_players{${one}}`), 1);
    assert.equal(samples.get(`edge_stream_publishers{${one}}`), 1);
    assert.equal(samples.get(`edge_stream_switches_total{${one}}`), 0);
    assert.ok((samples.get(`edge_stream_media_bytes_total{${one}}`) ?? 0) > 100);
    assert.ok((samples.get(`edge_stream_sent_bytes_total{${one}}`) ?? 0) > 100);
    assert.ok(samples.has(`edge_stream_received_bytes_total{${one}}`));
    assert.equal(samples.size, 7, [...samples.keys()].join('\n'));
  });

  it('looks at each client once for all that is asked at the same time', async (context) => {
    const edge = await startEdge(context, { exporter: { enabled: true } });
    let looks = 0;
    edge.clients.add({
      id: 'counted',
      protocol: 'rtmp',
      ip: '192.0.2.1',
      connectedAtMs: 0,
      role: 'play',
      request: undefined,
      bytesReceived: 0,
      get bytesSent() {
        looks++;
        return 0;
      },
      droppedGops: 0,
      canReconnect: false,
      askToReconnect() {},
      leaveAtKeyframe() {},
      disconnect() {},
    });
    assert.equal((await scrape(edge)).get('edge_players'), 1);
    assert.equal(looks, 1);
  });

  it('tells nothing that takes a look at every connection of the process', async (context) => {
    const edge = await startEdge(context, { exporter: { enabled: true } });
    const samples = await scrape(edge);
    assert.deepEqual(
      [...samples.keys()].filter((name) => /^nodejs_active_(handles|resources)/.test(name)),
      [],
    );
    assert.ok(samples.get('process_open_fds')! > 3);
  });

  it('carries label and tag', async (context) => {
    const edge = await startEdge(context, { exporter: { enabled: true, label: 'beijing', tag: 'cn-edge' } });
    const samples = await scrape(edge);
    assert.equal(samples.get('srs_clients{label="beijing",tag="cn-edge"}'), 0);
  });

  it('is on the exporter’s listener alone', async (context) => {
    const edge = await startEdge(context, { exporter: { enabled: true }, httpApi: { enabled: true } });
    for (const protocol of ['http', 'http-api']) {
      assert.equal((await fetch(edge.url('/metrics', protocol))).status, 404);
    }
  });
});

describe('probes', () => {
  it('are answered by every listener', async (context) => {
    const edge = await startEdge(context, {
      exporter: { enabled: true },
      httpApi: { enabled: true },
      vhosts: [flvVhost()],
    });
    const probe = (path: string): Promise<number[]> =>
      Promise.all(
        ['http', 'http-api', 'exporter'].map(async (protocol) => (await fetch(edge.url(path, protocol))).status),
      );
    assert.deepEqual(await probe('/healthz'), [200, 200, 200]);
    assert.deepEqual(await probe('/readyz'), [200, 200, 200]);
    edge.accepting = false;
    assert.deepEqual(await probe('/readyz'), [503, 503, 503]);
    edge.accepting = true;
    edge.draining = true;
    assert.deepEqual(await probe('/readyz'), [503, 503, 503]);
    assert.deepEqual(await probe('/healthz'), [200, 200, 200]);
  });
});
