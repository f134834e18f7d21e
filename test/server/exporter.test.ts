/** The exporter, and the probes that every listener answers. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';
import { clip } from '../support/media.ts';
import { temporaryDirectory } from '../support/programs.ts';
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

const videoFrames = (messages: readonly RtmpMessage[]): number =>
  messages.filter(({ type }) => type === MessageType.video).length;

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
    edge.http.observe('spliceGap', 40);
    edge.http.observe('spliceGap', 400);
    edge.http.observe('search', 400);
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
      'edge_search_seconds_bucket{le="0.25"}': 0,
      'edge_search_seconds_bucket{le="0.5"}': 1,
      'edge_first_frame_seconds_count{protocol="http-flv"}': 1,
      'edge_first_frame_seconds_count{protocol="rtmp"}': 0,
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(samples.get(name), value, name);
    assert.ok(samples.get('edge_slice_bytes_total')! > 100);
    assert.ok(samples.has('nodejs_eventloop_lag_p99_seconds'));
    assert.ok(samples.has('process_resident_memory_bytes'));
    edge.outcome = { ok: false, atMs: 0, error: 'wrong' };
    assert.equal((await scrape(edge)).get('edge_config_refused'), 1);
  });

  const streamSamples = async (edge: TestEdge): Promise<Map<string, number>> =>
    new Map([...(await scrape(edge))].filter(([name]) => name.startsWith('edge_stream_')));

  function limit(edge: TestEdge, streams: number): void {
    edge.config = { ...edge.config, exporter: { ...edge.config.exporter, streams } };
  }

  async function play(edge: TestEdge, stream: string): Promise<RawClient> {
    const attached = once(edge.events, 'play');
    const player = new RawClient(edge.port(), getRequest(`/live/${stream}.flv`));
    await attached;
    return player;
  }

  const labels = (stream: string): string => `{vhost="__defaultVhost__",app="live",stream="${stream}"}`;

  it('has the streams with most players by themselves, as many as asked for, and the rest as one', async (context) => {
    const edge = await startEdge(context, { exporter: { enabled: true } });
    const frames = clip();
    (await edge.publisher()).push(...frames);
    (await edge.publisher('another')).push(...frames);
    await (await play(edge, 'one')).takeHead();
    // Asked for, and nothing comes: everybody can make such names.
    await play(edge, 'nothing');
    assert.deepEqual([...(await streamSamples(edge)).keys()], []);

    limit(edge, 1);
    const samples = await streamSamples(edge);
    const expected = {
      players: [1, 1],
      publishers: [1, 1],
      video_frames_total: [videoFrames(frames), videoFrames(frames)],
      switches_total: [0, 0],
      gap_seconds_total: [0, 0],
      dropped_gops_total: [0, 0],
      searches_total: [0, 0],
      search_seconds_total: [0, 0],
    };
    for (const [name, [one, other]] of Object.entries(expected)) {
      assert.equal(samples.get(`edge_stream_${name}${labels('one')}`), one, name);
      assert.equal(samples.get(`edge_stream_${name}{stream="other"}`), other, name);
    }
    for (const name of ['media', 'sent']) {
      assert.ok((samples.get(`edge_stream_${name}_bytes_total${labels('one')}`) ?? 0) > 100, name);
    }
    assert.equal(samples.get('edge_stream_sent_bytes_total{stream="other"}'), 0);
    assert.ok(samples.has(`edge_stream_received_bytes_total${labels('one')}`));
    assert.ok(samples.has(`edge_stream_audio_frames_total${labels('one')}`));
    assert.equal(samples.size, 13 + 12, [...samples.keys()].join('\n'));
    assert.ok(![...samples.keys()].some((name) => name.includes('nothing')));
  });

  it('sums what is counted of the others while they are the others, so that no sum falls or leaps', async (context) => {
    const edge = await startEdge(context, { exporter: { enabled: true, streams: 1 } });
    const frames = clip();
    const perClip = videoFrames(frames);
    const publishers = { a: await edge.publisher('a'), b: await edge.publisher('b') };
    const counted = async () => {
      const samples = await streamSamples(edge);
      return ['other', 'a', 'b'].map((name) =>
        samples.get(`edge_stream_video_frames_total${name === 'other' ? '{stream="other"}' : labels(name)}`),
      );
    };
    publishers.a.push(...frames);
    publishers.b.push(...frames);
    await (await play(edge, 'a')).takeHead();
    assert.deepEqual(await counted(), [perClip, perClip, undefined]);
    // The other one has more players now.
    for (let count = 0; count < 2; count++) await (await play(edge, 'b')).takeHead();
    assert.deepEqual(await counted(), [perClip, undefined, perClip]);
    publishers.a.push(...frames.map((frame) => ({ ...frame, timestamp: frame.timestamp + 10_000 })));
    const [other] = await counted();
    assert.ok(other !== undefined && other > perClip && other <= 2 * perClip, String(other));
    // It ends, and another stream of that name begins.
    publishers.a.stop();
    assert.deepEqual((await counted())[0], other);
  });

  it('says how long players waited for their first frame', async (context) => {
    const edge = await startEdge(context, { exporter: { enabled: true } });
    const publisher = await edge.publisher();
    const count = async () => (await scrape(edge)).get('edge_first_frame_seconds_count{protocol="http-flv"}');
    const player = await play(edge, 'one');
    assert.equal(await count(), 0);
    publisher.push(...clip());
    await player.takeHead();
    assert.equal(await count(), 1);
    publisher.push(...clip());
    assert.equal(await count(), 1);
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
      isEdge: false,
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

describe('/metrics with credentials', () => {
  it('answers those who show them and nobody else, loopback neither; probes need none', async (context) => {
    const file = join(temporaryDirectory(context), 'credentials');
    writeFileSync(file, 'prometheus:old\nprometheus:new\n');
    const api = { enabled: true, auth: { username: 'ops', password: 'secret' } };
    const edge = await startEdge(context, { exporter: { enabled: true, credentialsFile: file }, httpApi: api });
    const status = async (path: string, given?: string): Promise<number> => {
      const headers = given && { Authorization: `Basic ${Buffer.from(given).toString('base64')}` };
      const response = await fetch(edge.url(path, 'exporter'), headers ? { headers } : {});
      await response.text();
      return response.status;
    };
    for (const right of ['prometheus:old', 'prometheus:new']) assert.equal(await status('/metrics', right), 200);
    for (const wrong of [undefined, 'prometheus:other', 'ops:secret', ':'])
      assert.equal(await status('/metrics', wrong), 401, wrong);
    for (const path of ['/healthz', '/readyz']) assert.notEqual(await status(path), 401);
    const refused = await fetch(edge.url('/metrics', 'exporter'));
    assert.match(refused.headers.get('www-authenticate') ?? '', /^Basic /);
    assert.doesNotMatch(await refused.text(), /srs_/);
    const authorization = `Basic ${Buffer.from('prometheus:new').toString('base64')}`;
    const streams = await fetch(edge.url('/api/v1/streams', 'http-api'), { headers: { authorization } });
    assert.equal(streams.status, 401, 'they do not open the API');
    for (let i = 0; i < 12; i++) await status('/metrics', 'prometheus:guess');
    assert.equal(await status('/metrics', 'prometheus:guess'), 429);
  });

  it('a file that is not there: nobody is served, from the reload on that names it', async (context) => {
    const file = join(temporaryDirectory(context), 'credentials');
    const edge = await startEdge(context, { exporter: { enabled: true } });
    assert.equal((await fetch(edge.url('/metrics', 'exporter'))).status, 200);
    edge.config = { ...edge.config, exporter: { ...edge.config.exporter, credentialsFile: file } };
    const refused = await fetch(edge.url('/metrics', 'exporter'));
    assert.equal(refused.status, 403);
    assert.match(await refused.text(), /`exporter \{ credentials_file \}` holds no credentials/);
  });
});
