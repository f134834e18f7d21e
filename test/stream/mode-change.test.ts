/** A reload of `cluster { mode }` while streams are played and published. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLUSTER, defaultConfig, defaultVhost } from '../../edge/conf/defaults.ts';
import type { VhostConfig } from '../../edge/conf/model.ts';
import { Hub } from '../../edge/stream/hub.ts';
import type { LiveStream } from '../../edge/stream/live-stream.ts';
import type { Publication } from '../../edge/stream/publication.ts';
import type { StreamSource } from '../../edge/stream/stream-source.ts';
import { clip } from '../support/media.ts';
import { attachPlayer, decodeFlv } from '../support/playback.ts';
import { streamRequest } from '../support/requests.ts';

const request = streamRequest();
const key = 'video.test/live/livestream';
const origin = { scheme: 'rtmp', host: '192.0.2.1', port: 1935 } as const;
const cluster = { ...CLUSTER, mode: 'remote', origins: [origin] } as const;
const local = defaultVhost({ name: 'video.test', minLatency: true });
const remote = defaultVhost({ name: 'video.test', minLatency: true, cluster });
const events = { ended: () => {}, gone: new AbortController().signal, silentMs: () => 0 };

/** An upstream that does nothing but note what it is asked for. */
class Scene {
  readonly pulls: { players: number; stopped: boolean; readonly end: (reason: string | undefined) => void }[] = [];
  readonly pushes: { mode: string; closed: boolean }[] = [];
  /** What publications were told. */
  readonly told: VhostConfig[] = [];
  readonly hub: Hub = new Hub({
    pull: (_, __, end): StreamSource => {
      const pull = { players: 0, stopped: false, end };
      this.pulls.push(pull);
      return {
        state: 'live',
        origin: undefined,
        players: (count) => {
          pull.players = count;
        },
        published: () => {},
        reconfigured: () => {},
        stop: () => {
          pull.stopped = true;
          end(undefined);
        },
      };
    },
    push: ({ vhost, app, stream }, settings): Publication => {
      const push = { mode: settings.cluster.mode as string, closed: false };
      this.pushes.push(push);
      return {
        name: { vhost, app, stream },
        origin: undefined,
        content: { headers: local as never, hasAudio: true, hasVideo: true },
        start: async () => {},
        push: () => {},
        flush: () => {},
        reconfigured: (changed) => {
          push.mode = changed.cluster.mode;
          this.told.push(changed);
        },
        close: () => {
          push.closed = true;
        },
      };
    },
  });

  reload(vhost: VhostConfig): void {
    this.hub.reconfigure(defaultConfig({ vhosts: [vhost] }));
  }

  publish(vhost: VhostConfig): Promise<Publication> {
    return this.hub.publish(request, vhost, events, 'unproven');
  }
}

const attach = (stream: LiveStream) => attachPlayer(stream, { request });

test('remote to local: the pull ends, the player stays and sees who publishes here', async () => {
  const scene = new Scene();
  const stream = scene.hub.play(request, remote);
  const { sink } = attach(stream);
  scene.reload(local);
  assert.equal(scene.pulls[0]?.stopped, true);
  assert.equal(scene.hub.streams.get(key), stream);
  assert.deepEqual(sink.ends, []);
  scene.pulls[0]?.end('no origin could be reached');
  assert.deepEqual(sink.ends, [], 'the pull that was left has no say any more');
  const publication = await scene.publish(local);
  for (const message of clip({ gops: 1 })) publication.push(message);
  publication.flush();
  assert.equal(decodeFlv(sink.writes, 'bare').length, clip({ gops: 1 }).length);
});

test('local to remote: a pull begins for the players who wait', () => {
  const scene = new Scene();
  const stream = scene.hub.play(request, local);
  const { sink, player } = attach(stream);
  attach(stream);
  scene.reload(remote);
  assert.deepEqual(
    scene.pulls.map(({ players }) => players),
    [2],
  );
  assert.deepEqual(sink.ends, []);
  stream.detach(player);
  assert.equal(scene.pulls[0]?.players, 1, 'it is told of players from now on');
});

test('a pull that lingers without players ends', () => {
  const scene = new Scene();
  const stream = scene.hub.play(request, remote);
  const { player } = attach(stream);
  stream.detach(player);
  scene.reload(local);
  assert.equal(scene.pulls[0]?.stopped, true);
  assert.equal(scene.hub.streams.size, 0);
});

test('what is published here stays local until its publisher ends; then it is pulled', async () => {
  const scene = new Scene();
  const publication = await scene.publish(local);
  const { sink } = attach(scene.hub.play(request, local));
  scene.reload(remote);
  assert.equal(scene.pulls.length, 0);
  attach(scene.hub.play(request, remote));
  for (const message of clip({ gops: 1 })) publication.push(message);
  publication.flush();
  assert.equal(decodeFlv(sink.writes, 'bare').length, clip({ gops: 1 }).length);
  scene.hub.unpublish(publication);
  assert.deepEqual(
    scene.pulls.map(({ players }) => players),
    [2],
  );
  assert.deepEqual(sink.ends, []);
});

test('what is pushed stays at its origins until its publisher ends, and so do its players', async () => {
  const scene = new Scene();
  const publication = await scene.publish(remote);
  const before = attach(scene.hub.play(request, remote));
  scene.reload(local);
  assert.deepEqual(scene.pushes, [{ mode: 'remote', closed: false }]);
  assert.deepEqual(
    scene.pulls.map(({ stopped }) => stopped),
    [false],
  );
  const stream = scene.hub.streams.get(key);
  stream?.detach(before.player);
  scene.pulls[0]?.end(undefined);
  attach(scene.hub.play(request, local));
  assert.deepEqual(
    scene.pulls.map(({ players }) => players),
    [0, 1],
    'who comes later finds it there',
  );
  scene.hub.unpublish(publication);
  assert.equal(scene.pulls[1]?.stopped, true);
  assert.equal(scene.pushes[0]?.closed, true);
  await scene.publish(local);
  assert.equal(scene.pushes.length, 1);
});

test('who publishes to origins is told of changed settings, and stays in its mode', async () => {
  const scene = new Scene();
  await scene.publish(remote);
  const changed = defaultVhost({ name: 'video.test', cluster: { ...cluster, origins: [{ ...origin, port: 1936 }] } });
  scene.reload(changed);
  scene.reload(local);
  assert.deepEqual(scene.told, [changed, { ...local, cluster: changed.cluster }]);
});

test('there and back again: nothing is left behind', () => {
  const scene = new Scene();
  const stream = scene.hub.play(request, remote);
  const { player, sink } = attach(stream);
  for (let round = 0; round < 20; round++) {
    scene.reload(local);
    scene.reload(remote);
  }
  assert.equal(scene.pulls.filter(({ stopped }) => !stopped).length, 1);
  assert.deepEqual(sink.ends, []);
  stream.detach(player);
  scene.pulls.at(-1)?.end(undefined);
  assert.equal(scene.hub.streams.size, 0);
});
