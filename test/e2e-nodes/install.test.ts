/** install → apply → publish through one edge → play through another: what comes out is what went in. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { capture, makeClip, publishFile } from '../support/ffmpeg.ts';
import { suiteCleaner, temporaryDirectory } from '../support/programs.ts';
import { describePayloads, type FlvTag, isFrame, readFlv } from '../support/programs-flv.ts';
import { nginxManifests, srsManifests } from './origins.ts';
import { Scene } from './scene.ts';

/** More than a round of the clip. */
const frames = 350;
/** Audio and video, as FLV numbers them. */
const tracks = [8, 9];
const groups = process.env.SRS_BIN ? ['main', 'nginx', 'srs'] : ['main', 'nginx'];

describe('a tier on real nodes', () => {
  const cleaner = suiteCleaner();
  let scene: Scene;
  let clip: string;

  before(async () => {
    clip = makeClip(temporaryDirectory(cleaner), 'clip', { seconds: 4 });
    scene = await Scene.open(cleaner);
    await scene.startOrigins(2);
    await scene.apply(nginxManifests(scene.namespace));
    if (process.env.SRS_BIN) await scene.apply(srsManifests(scene.namespace));
  });

  it('is ready, on both nodes, with all origins reached', async () => {
    const services: Readonly<Record<string, string>> = { main: 'origin', nginx: 'nginx', srs: 'srs' };
    await scene.startTier({
      origins: groups.map((name) => ({ name, service: { name: services[name] } })),
      vhosts: groups.map((name) => ({
        name: name === 'main' ? '__defaultVhost__' : `${name}.example.com`,
        origin: name,
      })),
    });
    const nodes = (await scene.edges()).map(({ spec }) => spec?.nodeName);
    assert.deepEqual(nodes.sort(), ['node1', 'node2']);
  });

  for (const group of groups) {
    it(`what is published through one edge is played through the other, byte by byte: origin ${group}`, async (t) => {
      const [one, other] = (await scene.edges()).map(({ status }) => status?.podIP);
      const query = group === 'main' ? '' : `?vhost=${group}.example.com`;
      const path = `live/show-${group}${query}`;
      const players = [`rtmp://${other}/${path}`, `http://${other}:8080/${path.replace(/(\?|$)/, '.flv$1')}`].map(
        (url) => capture(t, url),
      );
      publishFile(t, clip, `rtmp://${one}/${path}`, { loop: true });
      for (const player of players) {
        const played = await player.frames(frames);
        for (const type of tracks) assertRound(payloadsOf(played, type), payloadsOf(readFlv(clip), type));
      }
    });
  }

  it('pods are measured, for autoscalers', async () => {
    const measured = '/apis/metrics.k8s.io/v1beta1/namespaces';
    for (;;) {
      const found = await scene.client.find<{ items: readonly unknown[] }>(`${measured}/${scene.namespace}/pods`);
      if ((found?.items.length ?? 0) >= 4) break;
      await delay(1000);
    }
  });
});

function payloadsOf(tags: readonly FlvTag[], type: number): readonly string[] {
  return describePayloads(tags.filter((tag) => tag.type === type && isFrame(tag)));
}

/** What was played is what was sent over and over, from some frame on, with none missing and none twice. */
function assertRound(played: readonly string[], sent: readonly string[]): void {
  const from = (start: number): string[] => played.map((_, index) => sent[(start + index) % sent.length] ?? '');
  const start = sent.findIndex((_, index) => from(index).every((each, at) => each === played[at]));
  if (start < 0) assert.deepEqual(played, from(sent.indexOf(played[0] ?? '')));
}
