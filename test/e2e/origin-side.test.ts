/** What origins see of an edge: how often they are asked, and what the connection owes them. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { windowAckSize } from '../../edge/rtmp/control.ts';
import { clip, interFrame, keyframe } from '../support/media.ts';
import { edgeConfig } from '../support/rtmp-config.ts';
import type { OriginConnection } from '../support/rtmp-origin.ts';
import { player, startEdge, startOrigin, testOptions } from '../support/rtmp-scene.ts';

describe('what origins see', { concurrency: 3 }, () => {
  test('an origin that asks for acknowledgements gets them while it sends', testOptions, async (t) => {
    const windowBytes = 10_000;
    const sent = clip();
    const origin = await startOrigin(t, {
      play: (_, connection) => connection.send(windowAckSize(windowBytes), ...sent),
    });
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port] }));
    await player(t, edge);
    const connection = await origin.request('play');
    let frame = 0;
    await origin.until('three acknowledgements', () => {
      // More than half a window at a time: each is one reason to acknowledge.
      for (let i = 0; i < 30; i++) connection.send(interFrame(1000 + 40 * frame, frame++, 400));
      return connection.acknowledged.length >= 3 ? true : undefined;
    });
    const numbers = connection.acknowledged;
    assert.deepEqual(
      [...numbers].sort((a, b) => a - b),
      numbers,
      'they count on',
    );
    assert.ok((numbers.at(-1) ?? 0) <= connection.socket.bytesWritten);
  });

  test('TCP probes a silent connection to an origin', testOptions, async (t) => {
    const origin = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port], process: 'keepalive 7000;' }));
    await player(t, edge);
    const { remotePort = 0 } = (await origin.request('play')).socket;
    const local = `:${remotePort.toString(16).toUpperCase().padStart(4, '0')} `;
    for (;;) {
      // Field "tr": 02 is the keep-alive timer; "tm->when" is in hundredths of a second.
      const fields = readFileSync('/proc/net/tcp', 'utf8')
        .split('\n')
        .find((line) => line.slice(0, 24).includes(local))
        ?.trim()
        .split(/\s+/);
      const [timer, when] = fields?.[5]?.split(':') ?? [];
      if (timer === '02') {
        assert.ok(Number.parseInt(when ?? '', 16) <= 710, 'within keepalive');
        return;
      }
      await delay(20);
    }
  });

  test(
    'a stream that is nowhere: however many ask for it, the origin is asked once in absent_ttl',
    testOptions,
    async (t) => {
      const origin = await startOrigin(t, { play: () => {} });
      const edge = await startEdge(
        t,
        edgeConfig({
          origins: [origin.port],
          root: 'http_server { enabled on; listen 127.0.0.1:0; }',
          vhost: 'http_remux { enabled on; }',
          edge: 'absent_ttl 60000; http_first_frame_timeout 1500;',
        }),
      );
      const url = `http://127.0.0.1:${edge.port('http')}/live/nowhere.flv`;
      const first = await fetch(url);
      assert.equal(first.status, 404);
      assert.equal(origin.asked('play').length, 1);
      for (let i = 0; i < 20; i++) {
        (await player(t, edge, 'nowhere')).reset();
        assert.equal((await fetch(url)).status, 404);
      }
      // Another stream is looked for meanwhile: it comes behind whatever else the edge would have asked.
      await player(t, edge, 'other');
      await origin.until('the other stream', () => origin.asked('play').find(({ stream }) => stream === 'other'));
      assert.equal(origin.asked('play').filter(({ stream }) => stream === 'nowhere').length, 1);
    },
  );

  test(
    'a stream that pauses: others are asked; who comes gets no old picture; when it goes on, nobody is asked any more',
    testOptions,
    async (t) => {
      const origin = await startOrigin(t, { play: (_, connection) => connection.send(...clip()) });
      const other = await startOrigin(t, { play: () => {} });
      const edge = await startEdge(
        t,
        edgeConfig({ origins: [origin.port, other.port], edge: 'balance failover; first_frame_timeout 300;' }),
      );
      const early = await player(t, edge);
      await early.frames(13);
      const connection = await origin.request('play');
      await other.request('play');
      const late = await player(t, edge);
      const asked = (): OriginConnection[] => [...origin.asked('play'), ...other.asked('play')];
      // It goes on: a picture every 20 ms from here on.
      let frame = 0;
      const send = (): void => {
        const timeMs = 20_000 + 20 * frame;
        connection.send(frame % 25 === 0 ? keyframe(timeMs, 1000 + frame) : interFrame(timeMs, 1000 + frame));
        frame++;
      };
      const timer = setInterval(send, 20);
      t.after(() => clearInterval(timer));
      const pictures = late.until('a picture', () =>
        late.mediaMessages.find(({ payload }) => payload[0] === 0x17 && payload[1] === 1),
      );
      assert.deepEqual((await pictures).payload, keyframe(0, 1000).payload, 'the first picture is the new one');
      await other.until('the end of the search', () => other.connections.every(({ closed }) => closed) || undefined);
      const before = asked().length;
      const from = early.media.length;
      await early.frames(from + 60);
      assert.equal(asked().length, before, 'nobody was asked any more');
      assert.equal(connection.closed, false);
    },
  );
});
