/** A vhost becomes local, and remote again, while somebody plays: the player stays. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clip } from '../support/media.ts';
import { edgeConfig, originConfig } from '../support/rtmp-config.ts';
import { player, publisher, reload, startEdge, startOrigin, testOptions } from '../support/rtmp-scene.ts';

test('a player stays when cluster { mode } changes, and sees what there is then', testOptions, async (t) => {
  const origin = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
  const remote = edgeConfig({ origins: [origin.port] });
  const edge = await startEdge(t, remote);
  const peer = await player(t, edge);
  await peer.frames(13);

  await reload(edge, originConfig());
  await origin.until('the end of the pull', () => origin.connections[0]?.closed || undefined);
  assert.equal(peer.closed, false);

  const source = await publisher(t, edge);
  const published = clip({ seed: 7 });
  source.send(...published);
  const last = published.at(-1)?.payload;
  assert.ok(last !== undefined);
  await peer.until('what is published here', () =>
    peer.mediaMessages.some(({ payload }) => payload.equals(last)) ? true : undefined,
  );

  const before = peer.media.length;
  await reload(edge, remote);
  assert.equal(origin.asked('play').length, 1, 'the publisher is still here');
  source.end();
  await origin.until('another pull', () => (origin.asked('play').length > 1 ? true : undefined));
  await peer.until('what the origin sends', () => (peer.media.length > before ? true : undefined));
  assert.equal(peer.closed, false);
});
