/** Origins that say nothing of a stream which nobody publishes, not even to a ping. SRS is such a one. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { EdgeProcess } from '../support/edge-process.ts';
import { clip } from '../support/media.ts';
import { edgeConfig } from '../support/rtmp-config.ts';
import { player, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';
import { SrsOrigin, srsMissing } from '../support/srs.ts';

/** Somebody asks for a name that nobody has, until the edge has found its origin silent; how the origin stood then. */
async function standingAfterSilence(t: TestContext, edge: EdgeProcess, connected: () => void): Promise<unknown[]> {
  await player(t, edge, 'nobody');
  await edge.logged(({ msg, stream: key }) => msg === 'pull connected' && String(key).endsWith('/nobody'));
  connected();
  const first = edge.log.length;
  await edge.logged(({ msg, reason }) => msg === 'origin state' && /^silent for/.test(String(reason)), first);
  await edge.logged(({ msg, state }) => msg === 'origin state' && state === 'up', first);
  return edge.log.slice(first).flatMap(({ msg, state }) => (msg === 'origin state' ? [state] : []));
}

test('a name that nobody has sets no origin aside', testOptions, async (t) => {
  let answersPings = true;
  const origin = await startOrigin(t, {
    play: (name, connection) => {
      if (name === stream) connection.send(...clip());
    },
    get answersPings() {
      return answersPings;
    },
  });
  const edge = await startEdge(t, edgeConfig({ origins: [origin.port], edge: 'first_frame_timeout 60000;' }));
  const standing = await standingAfterSilence(t, edge, () => {
    answersPings = false;
  });
  assert.deepEqual(standing.slice(0, 2), ['suspect', 'up']);
  await (await player(t, edge)).frames(5);
});

test('SRS: a name that nobody has does not set it aside', { ...testOptions, skip: srsMissing() }, async (t) => {
  const srs = await SrsOrigin.start(t);
  const edge = await startEdge(t, edgeConfig({ origins: [srs.port], edge: 'first_frame_timeout 60000;' }));
  const standing = await standingAfterSilence(t, edge, () => {});
  assert.deepEqual(standing.slice(0, 2), ['suspect', 'up']);
});
