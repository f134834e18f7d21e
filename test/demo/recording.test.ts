/** The recording of the demo: what its terminal understands, and what its picture shows when. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { chromium, type Page } from 'playwright-core';
import { findProgram, missing } from '../support/programs.ts';
import { type Film, svg } from './animation.ts';
import { Terminal } from './terminal.ts';

describe('the terminal of the recording', () => {
  test('draws in place, and scrolls', () => {
    const terminal = new Terminal(3);
    terminal.write('$ make demo\r\none\r\ntwo\r\n');
    assert.deepEqual(terminal.screen, ['one', 'two', '']);
    terminal.write('\u001b[2F\u001b[JTWO\r\n');
    assert.deepEqual(terminal.screen, ['$ make demo', 'TWO', '']);
    terminal.write('in ');
    terminal.write('pieces');
    assert.deepEqual(terminal.screen, ['$ make demo', 'TWO', 'in pieces']);
  });

  test('says so where it is asked for what it cannot do', () => {
    assert.throws(() => new Terminal(3).write('\u001b[31mred'), /what this terminal does not know/);
  });
});

const film: Film = {
  frames: [
    { atMs: 0, screen: ['first <&>', 'stays', ''] },
    { atMs: 1_000, screen: ['second', 'stays', ''] },
    { atMs: 3_000, screen: ['third', 'stays', 'more'] },
  ],
  holdMs: 1_000,
  columns: 20,
  title: 'a film',
  description: 'of three frames',
};

/** In the browser: the texts that are seen, each line's in its window. */
const seen = `[...document.querySelectorAll('svg > svg')].map((window) =>
  [...window.querySelectorAll('text')]
    .filter((text) => {
      const up = new DOMMatrix(getComputedStyle(text.parentElement).transform).m42;
      const at = Number(text.getAttribute('y')) + up;
      return at > 0 && at < window.height.baseVal.value;
    })
    .map((text) => text.textContent)
    .join('|'))`;

const stopAt = (ms: number): string => `for (const animation of document.getAnimations()) {
  animation.pause();
  animation.currentTime = ${ms};
}`;

async function openPage(t: TestContext): Promise<Page> {
  const browser = await chromium.launch({
    executablePath: findProgram('chromium') ?? '',
    args: ['--headless', '--no-sandbox', '--disable-gpu'],
  });
  t.after(() => browser.close());
  return browser.newPage();
}

describe('the picture of the recording', { skip: missing('chromium') }, () => {
  test('shows each frame in its time, and the last one to who wants no motion', { timeout: 90_000 }, async (t) => {
    const page = await openPage(t);
    const open = (): Promise<unknown> => page.goto(`data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg(film))}`);
    await open();
    const at = async (ms: number): Promise<unknown> => {
      await page.evaluate(stopAt(ms));
      return page.evaluate(seen);
    };
    assert.deepEqual(await at(0), ['first <&>', 'stays', '']);
    assert.deepEqual(await at(999), ['first <&>', 'stays', '']);
    assert.deepEqual(await at(1_001), ['second', 'stays', '']);
    assert.deepEqual(await at(3_999), ['third', 'stays', 'more']);
    assert.deepEqual(await at(4_001), ['first <&>', 'stays', ''], 'and again');
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await open();
    assert.deepEqual(await page.evaluate('document.getAnimations().length'), 0);
    assert.deepEqual(await page.evaluate(seen), ['third', 'stays', 'more']);
  });
});

const root = join(import.meta.dirname, '../..');

describe('README', () => {
  test('shows a recording of a demo that passed', () => {
    for (const name of ['demo.svg', 'demo-still.svg']) {
      const recorded = readFileSync(join(root, 'edge/docs', name), 'utf8');
      assert.match(recorded, /The demo has passed\./);
      assert.doesNotMatch(recorded, /<script|https?:\/\/(?!www\.w3\.org|127\.0\.0\.1)/);
    }
  });

  test('shows its last screen to who wants no motion', { skip: missing('chromium'), timeout: 90_000 }, async (t) => {
    const [picture = ''] = /<picture>.*?<\/picture>/s.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
    const page = await openPage(t);
    const shown = async (reducedMotion: 'reduce' | 'no-preference'): Promise<unknown> => {
      await page.emulateMedia({ reducedMotion });
      await page.setContent(picture.replaceAll('edge/docs/demo', 'data:image/svg+xml,demo'));
      return page.evaluate(`document.querySelector('img').currentSrc`);
    };
    assert.equal(await shown('no-preference'), 'data:image/svg+xml,demo.svg');
    assert.equal(await shown('reduce'), 'data:image/svg+xml,demo-still.svg');
  });
});
