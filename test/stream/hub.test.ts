/** Publishers and players of one process (`mode local`). */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { CLUSTER, defaultConfig, defaultVhost } from '../../edge/conf/defaults.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { HeaderSet } from '../../edge/stream/headers.ts';
import { Hub, type Upstream } from '../../edge/stream/hub.ts';
import type { Publication } from '../../edge/stream/publication.ts';
import { Refusal, streamName } from '../../edge/stream/request.ts';
import type { StreamSource } from '../../edge/stream/stream-source.ts';
import { audioFrame, clip, keyframe } from '../support/media.ts';
import { attachPlayer, decodeFlv, type RecordingSink } from '../support/playback.ts';
import { streamRequest } from '../support/requests.ts';
import { stopClock } from '../support/stopped-clock.ts';

const vhost = defaultVhost({ minLatency: true });
const request = streamRequest();
const key = 'video.test/live/livestream';

const noUpstream: Upstream = {
  pull: () => assert.fail('nothing is pulled in mode local'),
  push: () => assert.fail('nothing is pushed in mode local'),
};

const silent = { ended: () => {}, gone: new AbortController().signal, silentMs: () => 0 };

function send(publication: Publication, messages: readonly RtmpMessage[]): void {
  for (const message of messages) publication.push(message);
  publication.flush();
}

function count(sink: RecordingSink): number {
  return decodeFlv(sink.writes, 'bare').length;
}

test('who plays before the publisher comes sees the stream from its beginning', async () => {
  const hub = new Hub(noUpstream);
  const stream = hub.play(request, vhost);
  const { sink } = attachPlayer(stream);
  assert.equal(stream.live, false);
  const publication = await hub.publish(request, vhost, silent, 'unproven');
  assert.equal(hub.published.get(key)?.publication, publication);
  send(publication, clip({ gops: 1 }));
  assert.equal(stream.live, true);
  assert.equal(stream.source?.state, 'live');
  assert.equal(count(sink), clip({ gops: 1 }).length);
  assert.equal(hub.play(request, vhost), stream, 'there is one stream of a name');
});

test('a stream that nobody attaches to ends by itself', async () => {
  const hub = new Hub(noUpstream);
  hub.play(request, vhost);
  const played = hub.play(streamRequest({ stream: 'played' }), vhost);
  attachPlayer(played);
  await hub.publish(streamRequest({ stream: 'published' }), vhost, silent, 'unproven');
  await setImmediate();
  assert.deepEqual([...hub.streams.keys()], ['video.test/live/played', 'video.test/live/published']);
});

test('streams of other names are others', async () => {
  const hub = new Hub(noUpstream);
  const publication = await hub.publish(request, vhost, silent, 'unproven');
  send(publication, clip());
  for (const other of [{ stream: 'other' }, { app: 'other' }, { vhost: 'other.test' }]) {
    const { sink } = attachPlayer(hub.play(streamRequest(other), vhost));
    assert.equal(sink.writes.length, 0);
  }
  assert.equal(hub.streams.size, 4);
});

test('a second publisher is refused by its name, and the first is not disturbed', async () => {
  const hub = new Hub(noUpstream);
  const first = await hub.publish(request, vhost, silent, 'unproven');
  const { sink } = attachPlayer(hub.play(request, vhost));
  await assert.rejects(hub.publish(request, vhost, silent, 'unproven'), (error) => {
    assert.ok(error instanceof Refusal);
    assert.equal(error.code, 'NetStream.Publish.BadName');
    assert.match(error.message, /video\.test\/live\/livestream/);
    return true;
  });
  send(first, [keyframe(0)]);
  assert.equal(count(sink), 1);
  hub.unpublish(first);
  const next = await hub.publish(request, vhost, silent, 'unproven');
  // The name belongs to another now: a late end of the first changes nothing.
  hub.unpublish(first);
  assert.equal(hub.published.get(key)?.publication, next);
  send(next, [keyframe(5_000, 1)]);
  assert.equal(count(sink), 2);
  hub.unpublish(first);
  assert.equal(count(attachPlayer(hub.play(request, vhost)).sink), 1, 'who comes now has what is kept for newcomers');
});

test('a publisher that comes back before its goodbye was read gets its name', async () => {
  const hub = new Hub(noUpstream);
  const first = await hub.publish(request, vhost, silent, 'unproven');
  const second = hub.publish(request, vhost, silent, 'unproven');
  hub.unpublish(first);
  const publication = await second;
  assert.equal(hub.published.get(key)?.publication, publication);
});

test('it gets its name in the moment in which the name is free', async (t) => {
  const goOn = stopClock(t);
  for (const awaited of [vhost, defaultVhost({ minLatency: true, publish: { override: true } })]) {
    const hub = new Hub(noUpstream);
    const first = await hub.publish(request, awaited, silent, 'unproven');
    let second: Publication | undefined;
    void hub.publish(request, awaited, silent, 'unproven').then((publication) => (second = publication));
    goOn(90);
    await setImmediate();
    assert.equal(second, undefined);
    hub.unpublish(first);
    await setImmediate();
    assert.ok(second !== undefined);
  }
});

test('publish, stop, publish again, a hundred times: the player sees all, and nothing is left behind', async () => {
  const hub = new Hub(noUpstream);
  const stream = hub.play(request, vhost);
  const { sink, player } = attachPlayer(stream);
  for (let round = 0; round < 100; round++) {
    const publication = await hub.publish(request, vhost, silent, 'unproven');
    send(publication, clip({ gops: 1, framesPerGop: 2, seed: round }));
    hub.unpublish(publication);
    assert.equal(stream.live, false);
    assert.equal(stream.source?.state, 'idle');
  }
  const tags = decodeFlv(sink.writes, 'bare');
  assert.equal(tags.length, 3 + 100 * 4, 'headers once, then every frame');
  const videoTimes = tags.filter(({ type }) => type === 9).map(({ timestamp }) => timestamp);
  assert.ok(videoTimes.every((time, index) => index === 0 || time >= videoTimes[index - 1]!));
  assert.ok(videoTimes.at(-1)! < 100 * 2 * 60, 'and no gap between publications');
  assert.equal(hub.streams.size, 1);
  stream.detach(player);
  assert.equal(hub.streams.size, 0);
  assert.equal(hub.published.size, 0);
});

test('publications without players leave nothing behind either', async () => {
  const hub = new Hub(noUpstream);
  for (let round = 0; round < 100; round++) {
    const publication = await hub.publish(request, vhost, silent, 'unproven');
    send(publication, clip({ gops: 1 }));
    const { player } = attachPlayer(hub.play(request, vhost));
    hub.play(request, vhost).detach(player);
    assert.equal(hub.streams.size, 1, 'it is being published');
    hub.unpublish(publication);
    assert.equal(hub.streams.size, 0);
  }
});

test('a player that leaves before any publisher comes leaves nothing behind', () => {
  const hub = new Hub(noUpstream);
  const stream = hub.play(request, vhost);
  const { player } = attachPlayer(stream);
  stream.detach(player);
  assert.equal(hub.streams.size, 0);
});

test('the end of the edge reaches every player once, with the reason', async () => {
  for (const mode of ['local', 'remote'] as const) {
    const stopped: string[] = [];
    let ended: (reason: string | undefined) => void = () => {};
    const hub = new Hub({
      ...noUpstream,
      pull: (stream, _, end): StreamSource => {
        ended = end;
        return {
          state: 'live',
          origin: undefined,
          players: () => {},
          published: () => {},
          reconfigured: () => {},
          stop: () => {
            stopped.push(stream.key);
            ended(undefined);
          },
        };
      },
    });
    const origin = { scheme: 'rtmp', host: '192.0.2.1', port: 1935 } as const;
    const cluster = mode === 'local' ? ({ mode } as const) : ({ ...CLUSTER, mode, origins: [origin] } as const);
    const { sink } = attachPlayer(hub.play(request, defaultVhost({ minLatency: true, cluster })));
    hub.close();
    assert.deepEqual(sink.ends, ['the edge stops'], mode);
    assert.deepEqual(stopped, mode === 'local' ? [] : [key]);
    assert.equal(hub.streams.size, 0);
  }
});

test('changed settings reach streams and publications that are there', async () => {
  const hub = new Hub(noUpstream);
  const publication = await hub.publish(request, vhost, silent, 'unproven');
  const stream = hub.play(request, vhost);
  const changed = defaultVhost({ name: 'video.test', play: { queueLengthSeconds: 5 } });
  hub.reconfigure(defaultConfig({ vhosts: [changed] }));
  assert.equal(stream.vhost, changed);
  hub.reconfigure(defaultConfig({ vhosts: [] }));
  assert.equal(stream.vhost, changed, 'a vhost that is gone goes on with what it had');
  hub.unpublish(publication);
});

const remote = defaultVhost({
  cluster: { ...CLUSTER, mode: 'remote', origins: [{ scheme: 'rtmp', host: '192.0.2.1', port: 1935 }] },
});

/** A publication at an origin, which takes it or does not, and how often it was closed. */
function pushed(start: () => Promise<void>): { readonly upstream: Upstream; closed: number } {
  const at = {
    closed: 0,
    upstream: {
      ...noUpstream,
      push: (): Publication => ({
        name: streamName(request),
        origin: undefined,
        content: { headers: HeaderSet.empty, hasVideo: false, hasAudio: false },
        start,
        push: () => {},
        flush: () => {},
        reconfigured: () => {},
        close: () => at.closed++,
      }),
    },
  };
  return at;
}

test('a publication that no origin takes leaves its name free', async () => {
  const at = pushed(() => Promise.reject(new Refusal('NetStream.Publish.BadName', 'not here')));
  const hub = new Hub(at.upstream);
  await assert.rejects(hub.publish(request, remote, silent, 'unproven'), /not here/);
  assert.deepEqual([hub.published.size, at.closed], [0, 1]);
});

test('the end of the edge ends publications', async () => {
  const at = pushed(() => Promise.resolve());
  const hub = new Hub(at.upstream);
  await hub.publish(request, remote, silent, 'unproven');
  hub.close();
  assert.deepEqual([hub.published.size, at.closed], [0, 1]);
});

test('odd frames are counted, of all streams together', async () => {
  const hub = new Hub(noUpstream);
  for (const stream of ['one', 'two']) {
    const publication = await hub.publish(streamRequest({ stream }), vhost, silent, 'unproven');
    send(publication, clip({ gops: 1 }));
    send(publication, [audioFrame(900_000_000), audioFrame(203)]);
  }
  assert.equal(hub.counters.oddFrames, 2);
});
