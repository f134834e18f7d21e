/** The player that a page tells to put into a site, in a real browser: it plays, and comes back when the edge does. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { HowTo, stepsOf } from '../support/how-to.ts';
import { findProgram, missing } from '../support/programs.ts';

const page = 'edge/docs/browser-player.md';
const skip = missing('chromium', 'ffmpeg', 'curl');

describe('a player in a page of one’s own', { skip }, () => {
  test('plays, and plays again when its edge is back', { timeout: 300_000 }, async (t) => {
    const steps = stepsOf(page);
    const howTo = new HowTo(t);
    await howTo.follow(steps);
    const browser = await chromium.launch({
      executablePath: findProgram('chromium')!,
      args: ['--headless', '--no-sandbox', '--disable-gpu'],
    });
    t.after(() => browser.close());
    const tab = await browser.newPage();
    tab.setDefaultTimeout(90_000);
    await tab.goto(await howTo.here('http://127.0.0.1:8080/player.html'));
    await tab.waitForFunction('video.videoWidth > 0 && video.currentTime > 0.5');

    const edge = steps.find((step) => step.kind === 'background' && step.script.includes('edge.conf'));
    assert.ok(edge?.kind === 'background');
    await tab.evaluate('window.first = player');
    await howTo.end(edge.script);
    await tab.waitForFunction('player !== first');
    await howTo.follow([edge]);
    await tab.waitForFunction(
      'player !== first && !video.paused && video.videoWidth > 0 && player.statisticsInfo.speed > 0',
    );
    const time = await tab.evaluate('video.currentTime');
    await tab.waitForFunction(`video.currentTime !== ${time} && video.readyState > 2`);
  });
});
