/**
 * The short form of `make hostile`: rows with less in them, several against one edge, one run each. It judges counts
 * and memory; how long anything took says little on a machine that runs other tests. To look closer at a row that
 * fails: HOSTILE=row make hostile.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { EdgeSetup } from './attack.ts';
import { countBreaches } from './bounds.ts';
import { findRow } from './rows.ts';
import { Scene } from './scene.ts';

const players = 2;
const attackOptions = { seconds: 1.5, share: 0.1, calmMs: 200 };
const testOptions = { timeout: 90_000 };

/** Rows that need the same edge. */
function against(what: string, setup: EdgeSetup, names: readonly string[]): void {
  describe(what, testOptions, () => {
    let scene: Scene;
    before(async () => {
      scene = await Scene.start(setup, players);
    });
    after(() => scene.stop());
    for (const name of names) {
      test(name, testOptions, async () => {
        const row = findRow(name);
        const normal = await scene.calm(0);
        const run = await scene.attack(row, attackOptions);
        assert.deepEqual(countBreaches({ row, normal, beforeMb: scene.memoryMb, runs: [run] }), []);
      });
    }
  });
}

against('an edge with the default limits', {}, [
  ...['waiting-publish', 'waiting-play', 'pings-unread', 'create-stream-unread', 'origin-pings', 'websocket-pings'],
  ...['large-before-connect', 'huge-amf', 'large-names', 'sequence-headers', 'still-timestamps'],
  ...['http-pipelining', 'http-long-names', 'connect-storm', 'play-close-loop', 'publish-unpublish-loop'],
]);
against('an edge with 300 file descriptors', findRow('tls-slow').edge ?? {}, ['tls-slow', 'http-body-drip']);
