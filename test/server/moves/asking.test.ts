/** Asking players of HTTP-FLV and WebSocket-FLV to reconnect: only those who say that they can. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { FlvReader, type FlvTag } from '../../../edge/flv/reader.ts';
import { decodeAmf0 } from '../../../edge/rtmp/amf0.ts';
import { reconnectRequestCode } from '../../../edge/rtmp/command.ts';
import { clip, interFrame, keyframe } from '../../support/media.ts';
import { getRequest, RawClient, startEdge, type TestEdge } from '../harness.ts';

interface TestPlayer {
  readonly tags: FlvTag[];
  readonly ended: Promise<unknown>;
  until(test: (tags: readonly FlvTag[]) => boolean): Promise<void>;
}

/** Plays with what the platform has: `fetch`, or `WebSocket`. */
async function play(edge: TestEdge, by: 'http' | 'websocket', query: string): Promise<TestPlayer> {
  const tags: FlvTag[] = [];
  const reader = new FlvReader();
  let changed = (): void => {};
  const take = (bytes: Uint8Array): void => {
    reader.push(Buffer.from(bytes), (tag) => tags.push(tag));
    changed();
  };
  const attached = once(edge.events, 'play');
  const path = `/live/one.flv${query}`;
  let ended: Promise<unknown>;
  if (by === 'http') {
    const response = fetch(edge.url(path));
    ended = response.then(async ({ body }) => {
      for await (const bytes of body ?? []) take(bytes);
    });
  } else {
    const socket = new WebSocket(edge.url(path).replace('http', 'ws'));
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => take(new Uint8Array(data as ArrayBuffer)));
    ended = new Promise((resolve) => socket.addEventListener('close', resolve));
  }
  await attached;
  const until = async (test: (tags: readonly FlvTag[]) => boolean): Promise<void> => {
    while (!test(tags)) {
      await new Promise<void>((resolve) => {
        changed = resolve;
      });
    }
  };
  return { tags, ended, until };
}

function isRequest({ type, payload }: FlvTag): boolean {
  return type === 18 && payload.includes(reconnectRequestCode);
}

const options = { timeout: 90_000 };

for (const by of ['http', 'websocket'] as const) {
  describe(`a player by ${by}`, options, () => {
    it('that says capsEx=1 is asked once, between two tags; the stream goes on', async (context) => {
      const edge = await startEdge(context);
      const publisher = await edge.publisher();
      publisher.push(...clip({ gops: 1 }));
      const player = await play(edge, by, '?token=a%26b&capsEx=1&x');
      await player.until((tags) => tags.length >= 13);
      const [client] = edge.clients.values();
      assert.ok(client !== undefined && edge.moves.canAsk(client));
      assert.equal(client.request?.param, '?token=a%26b&x', 'callbacks and origins do not see it');
      edge.moves.ask(client, 'the edge stops');
      edge.moves.ask(client, 'the edge stops');
      publisher.push(interFrame(200));
      await player.until((tags) => tags.length >= 15);
      const requests = player.tags.filter(isRequest);
      assert.equal(requests.length, 1);
      const { values } = { values: decodeAmf0(requests[0]!.payload) };
      assert.deepEqual(values, [
        'onStatus',
        { level: 'status', code: reconnectRequestCode, description: 'the edge stops' },
      ]);
      assert.deepEqual(edge.moves.counts, { asked: 1, moved: 0, ended: 0 });
    });

    it('that says nothing, or something else, cannot be asked', async (context) => {
      const edge = await startEdge(context);
      const publisher = await edge.publisher();
      publisher.push(...clip({ gops: 1 }));
      for (const query of ['', '?capsEx=2', '?capsEx=', '?capsEx=-1', '?capsex=1']) {
        const player = await play(edge, by, query);
        await player.until((tags) => tags.length >= 13);
      }
      for (const client of edge.clients.values()) {
        assert.equal(edge.moves.canAsk(client), false);
        edge.moves.ask(client, 'the edge stops');
      }
      assert.equal(edge.moves.counts.asked, 0);
    });

    it('that is ended has all before the key frame, and a proper end', async (context) => {
      const edge = await startEdge(context);
      const publisher = await edge.publisher();
      publisher.push(...clip({ gops: 1 }));
      const player = await play(edge, by, '');
      await player.until((tags) => tags.length >= 13);
      const [client] = edge.clients.values();
      edge.moves.end(client!, 'the edge stops');
      publisher.push(interFrame(200));
      publisher.push(interFrame(240), keyframe(280));
      await player.ended;
      assert.deepEqual(
        player.tags.slice(13).map(({ timestamp }) => timestamp),
        [200, 240],
      );
      assert.deepEqual(edge.moves.counts, { asked: 0, moved: 0, ended: 1 });
    });
  });
}

describe('connections that browsers keep', options, () => {
  it('end with the next answer while the edge drains: what is asked next reaches another edge', async (context) => {
    const edge = await startEdge(context);
    const answer = async (): Promise<string> => {
      const client = new RawClient(edge.port(), getRequest('/healthz'));
      context.after(() => client.socket.destroy());
      return client.takeHead();
    };
    assert.match(await answer(), /\r\nConnection: keep-alive/i);
    edge.draining = true;
    assert.match(await answer(), /\r\nConnection: close/i);
  });
});
