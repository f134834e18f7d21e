/** Reloads that change a publisher's origins before its next keyframe. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { errorResult } from '../../edge/rtmp/command.ts';
import { clip, interFrame, keyframe } from '../support/media.ts';
import { edgeConfig } from '../support/rtmp-config.ts';
import type { OriginConnection, RtmpOrigin } from '../support/rtmp-origin.ts';
import { publisher, reload, startEdge, startOrigin, testOptions } from '../support/rtmp-scene.ts';

function config(...origins: readonly RtmpOrigin[]): string {
  return edgeConfig({ origins: origins.map(({ port }) => port) });
}

/** Resolves when the edge has ended this connection. */
async function left(origin: RtmpOrigin, connection: OriginConnection): Promise<void> {
  await origin.until('the end of a push', () => connection.closed || undefined);
}

/** Resolves when a frame of this payload has come. */
async function has(origin: RtmpOrigin, connection: OriginConnection, payload: Buffer): Promise<void> {
  await origin.until('a frame', () => connection.media.some((each) => each.payload.equals(payload)) || undefined);
}

test('each reload lets go of the origin that stood by for the one before', testOptions, async (t) => {
  const [first, second, third] = [await startOrigin(t), await startOrigin(t), await startOrigin(t)];
  const edge = await startEdge(t, config(first));
  const source = await publisher(t, edge);
  source.send(...clip({ gops: 1 }));
  const live = await first.request('publish');
  await reload(edge, config(second));
  const standby = await second.request('publish');
  await reload(edge, config(third));
  const [next] = await Promise.all([third.request('publish'), left(second, standby)]);
  // Back to the first one, which is still in use: no other is needed.
  await reload(edge, config(first));
  await left(third, next);
  source.send(keyframe(9_000, 900), interFrame(9_040, 901));
  await has(first, live, interFrame(9_040, 901).payload);
  assert.deepEqual(
    [first, second, third].map(({ connections }) => connections.length),
    [1, 1, 1],
  );
  source.end();
  await left(first, live);
  assert.equal(live.commands.at(-1)?.kind, 'deleteStream');
});

test('the origin that stands by is the last reload’s when the keyframe comes', testOptions, async (t) => {
  const [first, second, third] = [await startOrigin(t), await startOrigin(t), await startOrigin(t)];
  const edge = await startEdge(t, config(first));
  const source = await publisher(t, edge);
  source.send(...clip({ gops: 1 }));
  const live = await first.request('publish');
  await reload(edge, config(second));
  await second.request('publish');
  await reload(edge, config(third));
  const next = await third.request('publish');
  source.send(keyframe(9_000, 900));
  await Promise.all([has(third, next, keyframe(9_000, 900).payload), left(first, live)]);
  source.end();
  await left(third, next);
  assert.ok([first, second, third].every(({ connections }) => connections.every(({ closed }) => closed)));
});

test(
  'a search that a reload began ends with a reload that makes it needless, and with its publisher',
  testOptions,
  async (t) => {
    const first = await startOrigin(t);
    const refusing = await startOrigin(t, {
      connect: ({ transactionId }, connection) =>
        connection.send(errorResult(transactionId, 'NetConnection.Connect.Rejected', 'no')),
    });
    const edge = await startEdge(t, config(first));
    for (const end of ['reload', 'leave'] as const) {
      const source = await publisher(t, edge, end);
      source.send(...clip({ gops: 1 }));
      const live = await first.until('the push', () => first.asked('publish').at(-1));
      const before = refusing.connections.length;
      await reload(edge, config(refusing));
      await refusing.until('three trials', () => refusing.connections.length >= before + 3 || undefined);
      if (end === 'reload') await reload(edge, config(first));
      else {
        source.end();
        await left(first, live);
      }
      const { length } = refusing.connections;
      // Trials come at most 125 ms apart; one may be on its way.
      await delay(600);
      assert.ok(refusing.connections.length <= length + 1, `${refusing.connections.length - length} more after ${end}`);
      if (end === 'reload') {
        source.end();
        await left(first, live);
      }
    }
  },
);
