/** The figures of the last ten minutes: read seldom, bounded, and of streams that are here. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { Curve, pointsMax } from '../../../edge/server/console/curve.ts';
import { PastFigures, ratesNow } from '../../../edge/server/console/past-figures.ts';
import { CpuShare } from '../../../edge/server/http/system.ts';
import { Traffic } from '../../../edge/server/http/traffic.ts';
import { clip } from '../../support/media.ts';
import { getRequest, RawClient, startEdge, type TestEdge } from '../harness.ts';

const key = '__defaultVhost__/live/one';

async function watched(context: TestContext, page = true): Promise<{ edge: TestEdge; past: PastFigures }> {
  const edge = await startEdge(context, { httpApi: { enabled: true }, edge: { page } });
  const traffic = new Traffic(edge.clients, edge.hub, () => []);
  const past = new PastFigures(edge, traffic, { cpu: new CpuShare(), loop: { worstMs: 3 } });
  context.after(() => {
    past.close();
    traffic.close();
  });
  return { edge, past };
}

async function play(edge: TestEdge): Promise<RawClient> {
  const attached = once(edge.events, 'play');
  const player = new RawClient(edge.port(), getRequest('/live/one.flv'));
  await attached;
  return player;
}

describe('a curve', () => {
  it('holds the last points, oldest first', () => {
    const curve = new Curve();
    assert.deepEqual(curve.values(), []);
    for (let value = 0; value < pointsMax + 3; value++) curve.add(value);
    assert.deepEqual(
      curve.values(),
      Array.from({ length: pointsMax }, (_, index) => index + 3),
    );
  });
});

describe('past figures', () => {
  it('tell the rates between two looks', async (context) => {
    const { edge, past } = await watched(context);
    const publisher = await edge.publisher();
    publisher.push(...clip({ gops: 1, framesPerGop: 5 }));
    await (await play(edge)).takeHead();
    await past.look(0);
    const live = edge.hub.streams.get(key)!;
    const { bytesReceived, videoFrames } = live.stats;
    publisher.push(...clip({ gops: 2, framesPerGop: 5, startMs: 1_000 }));
    await past.look(10_000);
    const rates = ratesNow(past.ofStream(key), live);
    assert.equal(rates?.inKbps, ((live.stats.bytesReceived - bytesReceived) * 8) / 10_000);
    assert.equal(rates?.videoFps, (live.stats.videoFrames - videoFrames) / 10);
    assert.ok(rates.videoFps > 0);
    assert.equal(past.ofStream(key)?.inKbps.values().length, 2);
    assert.equal(past.loopLagMs.values()[0], 3);
  });

  it('tell how long the first frame took, the last and the slowest', async (context) => {
    const { edge, past } = await watched(context);
    (await edge.publisher()).push(...clip());
    const player = await play(edge);
    await player.takeHead();
    const [client] = edge.clients.values();
    const request = { ...client?.request } as Parameters<typeof edge.clients.gotFirstFrame>[0];
    edge.clients.gotFirstFrame(request, 900);
    edge.clients.gotFirstFrame(request, 30);
    assert.deepEqual(past.ofStream(key)?.firstFrames, { lastMs: 30, slowestMs: 900 });
  });

  it('forget a stream that is gone, and all of them when there is no console any more', async (context) => {
    const { edge, past } = await watched(context);
    const publisher = await edge.publisher();
    publisher.push(...clip());
    await past.look(0);
    assert.ok(past.ofStream(key) !== undefined);
    publisher.stop();
    await past.look(10_000);
    assert.equal(past.ofStream(key), undefined);
    (await edge.publisher()).push(...clip());
    await past.look(20_000);
    assert.ok(past.ofStream(key) !== undefined);
    edge.config = { ...edge.config, edge: { ...edge.config.edge, page: false } };
    await past.look(30_000);
    assert.equal(past.ofStream(key), undefined);
  });

  it('keep nothing without a console', async (context) => {
    const { edge, past } = await watched(context, false);
    (await edge.publisher()).push(...clip());
    await (await play(edge)).takeHead();
    await past.look(0);
    assert.equal(past.ofStream(key), undefined);
    assert.deepEqual(past.cpuPercent.values(), []);
  });

  it('have room for a thousand streams', async (context) => {
    const { edge, past } = await watched(context);
    for (let index = 0; index < 1_005; index++) await edge.publisher(`s${index}`);
    await past.look(0);
    const keys = [...edge.hub.published.keys()];
    assert.equal(keys.filter((each) => past.ofStream(each) !== undefined).length, 1_000);
  });
});
