/**
 * From 10 players to 1,500 and back: the operator follows them with edges, by `playersPerPod` and nothing else, and
 * nobody is cut. It is drawn as .cache/e2e/ramp.svg; crds/docs/ramp.svg is one that was kept.
 */

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Load, type PublishReport, prepareTools, publish } from '../bench/load.ts';
import { stateDirectory } from '../support/nodes/layout.ts';
import { suiteCleaner } from '../support/programs.ts';
import { Groups } from './groups.ts';
import { RampRecord, rampPlot } from './ramp-record.ts';
import { Scene } from './scene.ts';
import { addRow } from './table.ts';

const drawings = join(import.meta.dirname, '../../.cache/e2e');

const first = 10;
/** How many more come, and a group of how many in how long. */
const more = { groups: 10, players: 149, seconds: 12 };
const most = first + more.groups * more.players;
const streams = 2;
const playersPerPod = 400;
/** What `most` need, with room for a fifth more. */
const edgesAtMost = Math.ceil((most * 1.2) / playersPerPod);
const calmMs = 30_000;

describe('a ramp of players', () => {
  const cleaner = suiteCleaner();
  let scene: Scene;
  let groups: Groups;
  let publishers: Load<PublishReport>;

  before(async () => {
    scene = await Scene.open(cleaner);
    await scene.startOrigins(2);
    await scene.applyTier({
      replicas: 1,
      autoscaling: {
        minReplicas: 1,
        maxReplicas: 8,
        targets: { playersPerPod },
        scaleDownStabilizationSeconds: 30,
      },
      // Longer than anybody stays after that: who leaves by himself is not cut.
      pods: { drainSeconds: 600 },
    });
    await scene.untilSettled();
    const address = await scene.address();
    const tools = await prepareTools();
    const log = join(stateDirectory, 'log/audience.log');
    publishers = publish(tools, log, { url: `rtmp://${address}:1935/live/s{}`, count: streams, rejoin: 1 });
    cleaner.after(() => publishers.stop());
    await publishers.until(({ sending }) => sending === streams, 60_000);
    groups = await Groups.open(cleaner, address, streams);
    await groups.come('rtmp', first, 2);
  });

  it(`10 → ${most} → 10: edges follow, and nobody is cut`, { timeout: 1_200_000 }, async () => {
    const record = new RampRecord(scene, groups);
    const playersAtPeak = async (): Promise<void> => {
      for (let i = 0; i < more.groups; i++) {
        const began = Date.now();
        // One group of five by HTTP-FLV.
        await groups.come(i % 5 === 4 ? 'http' : 'rtmp', more.players, more.seconds);
        await delay(Math.max(0, began + more.seconds * 1_000 - Date.now()));
      }
      await scene.untilTier(({ spec, status }) => (status?.readyReplicas ?? 0) >= Math.min(edgesAtMost, spec.replicas));
      await delay(calmMs);
    };
    const playersBack = async (): Promise<void> => {
      while (groups.count > 1) {
        await groups.leave();
        await delay(more.seconds * 1_000);
      }
      // Edges that drain may still have some of the ten.
      await scene.untilTier(({ spec }) => spec.replicas === 1, { patienceMs: 480_000 });
      await delay(calmMs / 4);
    };
    try {
      await playersAtPeak();
      await playersBack();
    } finally {
      await record.stop();
      mkdirSync(drawings, { recursive: true });
      writeFileSync(join(drawings, 'ramp.svg'), rampPlot(record.moments, playersPerPod));
      writeFileSync(join(drawings, 'ramp.json'), JSON.stringify(record.moments));
    }
    const { moments, sight } = record;
    assert.ok(sight);
    const mostReady = Math.max(...moments.map(({ ready }) => ready));
    const { cut: publishersCut } = await publishers.report();
    const { cut: playersCut, gapMs, stepMs } = sight;
    const note = `1 → ${mostReady} → 1 edges of ${playersPerPod} players each`;
    addRow({
      ...{ atMs: Date.now(), event: `10 → ${most.toLocaleString('en')} → 10 players` },
      ...{ gapMs, stepMs, playersCut, publishersCut, awayMs: 0, note },
    });
    const { gone, backwards } = sight;
    assert.deepEqual(
      { playersCut, publishersCut, gone, backwards },
      { playersCut: 0, publishersCut: 0, gone: 0, backwards: 0 },
    );
    assert.equal(Math.max(...moments.map(({ players }) => players)), most);
    assert.ok(mostReady >= Math.ceil(most / playersPerPod), `${mostReady} edges`);
  });
});
