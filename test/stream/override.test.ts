/** `publish { override on; }`: who may take over a stream that is being published, and what the others see of it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultConfig, defaultVhost } from '../../edge/conf/defaults.ts';
import { Hub } from '../../edge/stream/hub.ts';
import type { Claim, Publication, PublicationEvents } from '../../edge/stream/publication.ts';
import { rtmpFormat } from '../../edge/stream/rtmp-format.ts';
import { clip, keyframe } from '../support/media.ts';
import { attachPlayer, decodeRtmp } from '../support/playback.ts';
import { streamRequest } from '../support/requests.ts';

const override = defaultVhost({ minLatency: true, publish: { override: true } });
const refusing = defaultVhost({ minLatency: true });
const key = 'video.test/live/livestream';

/** A publisher of the hub, as its session is. */
class Publisher implements PublicationEvents {
  readonly gone = new AbortController().signal;
  readonly ends: string[] = [];
  readonly #hub: Hub;
  silent = 0;
  publication: Publication | undefined;

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  async publish(claim: Claim, vhost = override): Promise<this> {
    this.publication = await this.#hub.publish(streamRequest({ clientId: 'some' }), vhost, this, claim);
    return this;
  }

  silentMs(): number {
    return this.silent;
  }

  ended(code: string): void {
    this.ends.push(code);
    if (this.publication !== undefined) this.#hub.unpublish(this.publication);
  }

  send(messages: ReturnType<typeof clip>): void {
    for (const message of messages) this.publication?.push(message);
    this.publication?.flush();
  }
}

function newHub(): Hub {
  return new Hub({
    pull: () => assert.fail('nothing is pulled in mode local'),
    push: () => assert.fail('nothing is pushed in mode local'),
  });
}

const badName = { code: 'NetStream.Publish.BadName' };

test('who has a token or the word of a callback takes over at once; players see one stream', async () => {
  const hub = newHub();
  const first = await new Publisher(hub).publish('unproven');
  const stream = hub.play(streamRequest(), override);
  const { sink } = attachPlayer(stream, { format: rtmpFormat(60_000, true, 1) });
  // The very same clip from its beginning: an encoder that starts over.
  first.send(clip({ gops: 2 }));
  const second = await new Publisher(hub).publish('proven');
  assert.deepEqual(first.ends, [badName.code]);
  assert.equal(hub.published.get(key)?.publication, second.publication);
  second.send(clip({ gops: 2 }));
  const videos = decodeRtmp(sink.writes, 60_000).filter(({ type }) => type === 9);
  assert.equal(videos.length, 1 + 2 * (clip({ gops: 2 }).filter(({ type }) => type === 9).length - 1));
  const times = videos.map(({ timestamp }) => timestamp);
  assert.deepEqual(
    times,
    times.toSorted((one, other) => one - other),
  );
  assert.deepEqual(sink.ends, []);
  assert.equal(hub.play(streamRequest(), override), stream);
  // What is still on its way of the first one does not come between.
  first.send([keyframe(9_000, 7)]);
  hub.unpublish(first.publication as Publication);
  second.send([keyframe(10_000, 8)]);
  assert.equal(decodeRtmp(sink.writes, 60_000).filter(({ type }) => type === 9).length, videos.length + 1);
});

test('others take over when nothing has come for a second, and are refused otherwise', async () => {
  const hub = newHub();
  const first = await new Publisher(hub).publish('unproven');
  await assert.rejects(new Publisher(hub).publish('unproven'), badName);
  first.silent = 999;
  await assert.rejects(new Publisher(hub).publish('unproven'), badName);
  assert.deepEqual(first.ends, []);
  first.silent = 1_000;
  const second = await new Publisher(hub).publish('unproven');
  assert.deepEqual(first.ends, [badName.code]);
  assert.deepEqual(second.ends, []);
});

test('silence counts beside the interval at which a publisher is read', async () => {
  const rests = defaultVhost({ publish: { override: true, mr: true, mrLatencyMs: 500 } });
  const hub = newHub();
  const first = await new Publisher(hub).publish('unproven', rests);
  first.silent = 1_400;
  await assert.rejects(new Publisher(hub).publish('unproven', rests), badName);
  first.silent = 1_500;
  await new Publisher(hub).publish('unproven', rests);
});

test('without it, neither a token nor silence takes a stream over', async () => {
  const hub = newHub();
  const first = await new Publisher(hub).publish('proven', refusing);
  first.silent = 60_000;
  for (const claim of ['proven', 'unproven'] as const) {
    await assert.rejects(new Publisher(hub).publish(claim, refusing), badName);
  }
  assert.deepEqual(first.ends, []);
});

test('a reload that turns it on counts for who waits for a name', async () => {
  const hub = newHub();
  const first = await new Publisher(hub).publish('unproven', refusing);
  const waiting = new Publisher(hub).publish('proven', refusing);
  hub.reconfigure(defaultConfig({ vhosts: [override] }));
  const second = await waiting;
  assert.deepEqual(first.ends, [badName.code]);
  assert.equal(hub.published.get(key)?.publication, second.publication);
});

test('one who waits for silence gets the name when it is free, and loses it to one with a token', async () => {
  const hub = newHub();
  const first = await new Publisher(hub).publish('unproven');
  const waiting = new Publisher(hub).publish('unproven');
  const proven = new Publisher(hub).publish('proven');
  const [, second] = await Promise.all([waiting.catch(() => {}), proven]);
  assert.deepEqual(first.ends, [badName.code]);
  assert.equal(hub.published.get(key)?.publication, second.publication);
  assert.deepEqual(second.ends, []);
});
