/** The console beside the API, in a real browser: streams, clients, the edge; on a desk and on a phone; checked by axe. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { clip } from '../../support/media.ts';
import { missing } from '../../support/programs.ts';
import { getRequest, RawClient, startEdge, type TestEdge } from '../harness.ts';
import { desk, PageScene, phone } from '../page-scene.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const { EDGE_SCREENSHOTS: screenshots } = process.env;

const skip = missing('chromium', 'ffmpeg');

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

async function startConsole(context: TestContext, overrides: Parameters<typeof startEdge>[1] = {}): Promise<TestEdge> {
  return startEdge(context, { ...overrides, httpApi: { enabled: true, ...overrides.httpApi } });
}

/** 142 streams, of which two are played; names short and long. */
async function publishMany(edge: TestEdge): Promise<void> {
  for (let index = 0; index < 142; index++) {
    const name = index % 7 === 0 ? `a-name-that-is-long-${index}-0123456789abcdef0123456789abcdef` : `channel-${index}`;
    (await edge.publisher(name)).push(...clip({ gops: 1, framesPerGop: 2 }));
  }
  for (const name of ['channel-41', 'channel-97', 'channel-97']) await play(edge, name);
}

async function play(edge: TestEdge, name: string): Promise<void> {
  const attached = once(edge.events, 'play');
  const player = new RawClient(edge.port(), getRequest(`/live/${name}.flv`));
  await attached;
  await player.takeHead();
}

async function goTo(page: Page, part: string): Promise<void> {
  await page.getByRole('link', { name: part, exact: true }).click();
}

const names = (page: Page): Promise<string[]> => page.locator('#streams-table td.wide').allTextContents();

describe('the console', { skip }, () => {
  const scene = new PageScene();

  async function open(context: TestContext, edge: TestEdge, options = {}): Promise<Page> {
    const page = await scene.page(context, options);
    page.on('pageerror', (error) => assert.fail(error.message));
    await page.goto(edge.url('/edge/', 'http-api'));
    return page;
  }

  for (const [width, viewport] of Object.entries({ desk, phone })) {
    for (const colorScheme of ['light', 'dark'] as const) {
      it(`is for everybody, on a ${width} and in ${colorScheme}, and nothing is cut off`, async (context) => {
        const edge = await startConsole(context);
        await publishMany(edge);
        edge.journal.tell({ kind: 'reload failed', reason: 'edge.conf:3:1: unknown directive "gop_cach"' });
        edge.journal.tell({ kind: 'origin', origin: 'one:1935', state: 'down', reason: 'refused' });
        const page = await open(context, edge, { viewport, colorScheme, reducedMotion: 'reduce' });
        await page.evaluate(axe);
        const ready = {
          Watch: '#live td',
          Streams: '#streams-table td',
          Clients: '#clients-table td',
          Edge: '#events li',
        };
        for (const [part, first] of Object.entries(ready)) {
          await goTo(page, part);
          await page.locator(first).first().waitFor();
          if (part === 'Streams') await page.getByRole('button', { name: 'Details of /live/channel-97' }).click();
          const { violations } = (await page.evaluate('axe.run()')) as { violations: Violation[] };
          const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
          assert.deepEqual(found, [], part);
          const wide = await page.evaluate('document.documentElement.scrollWidth');
          assert.ok(Number(wide) <= viewport.width, `${part} is ${wide} px wide`);
          const cut = await page.evaluate(`
            [...document.querySelectorAll('main td, main dd, #events li')]
              .filter((each) => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0)
              .map(({ textContent }) => textContent)`);
          assert.deepEqual(cut, [], `${part}: what is cut off`);
          const file = `console-${part}-${width}-${colorScheme}.png`;
          if (screenshots !== undefined) await page.screenshot({ path: join(screenshots, file), fullPage: true });
        }
      });
    }
  }

  it('lists 142 streams in pages, live and played ones first; sorts and finds; and the focus stays', async (context) => {
    const edge = await startConsole(context);
    await publishMany(edge);
    const page = await open(context, edge);
    await goTo(page, 'Streams');
    await page.getByText('1–20 of 142').waitFor();
    assert.deepEqual((await names(page)).slice(0, 2), ['/live/channel-97', '/live/channel-41']);
    assert.ok(Number(await page.evaluate('document.documentElement.scrollHeight')) < 2_000);

    const details = page.getByRole('button', { name: 'Details of /live/channel-41' });
    await details.press('Enter');
    await page.locator('tr.more').getByText('First frame after').waitFor();
    // Others overtake it: its row moves, and is still the one that has the focus.
    for (let index = 0; index < 3; index++) await play(edge, 'channel-100');
    await page.waitForFunction("document.querySelector('#streams-table td.wide').textContent.endsWith('-100')");
    assert.match(String(await page.evaluate('document.activeElement.textContent')), /Details of \/live\/channel-41/);
    assert.equal(await details.getAttribute('aria-expanded'), 'true');

    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('21–40 of 142').waitFor();
    await page.getByRole('columnheader', { name: 'Stream', exact: true }).getByRole('button').click();
    await page.getByText('1–20 of 142').waitFor();
    await page.waitForFunction("document.querySelector('#streams-table td.wide').textContent.includes('a-name')");
    assert.equal(await page.locator('#streams-table th').first().getAttribute('aria-sort'), 'ascending');
    await page.getByLabel('Find streams by name or origin').fill('channel-97');
    await page.getByText('1 of 142 streams').waitFor();
    await page.waitForFunction("document.querySelectorAll('#streams-table td.wide').length === 1");
    await page.getByLabel('Find streams by name or origin').fill('none is called so');
    await page.getByText('No stream is like that.').waitFor();
  });

  it('plays a stream from the port of the streams', async (context) => {
    const edge = await startConsole(context);
    await scene.publish(context, edge);
    const page = await open(context, edge, { bypassCSP: false });
    await goTo(page, 'Streams');
    await page.locator('#streams-table').getByRole('link', { name: '/live/demo' }).click();
    await page.locator('#playback').getByText('640 × 360').waitFor();
    assert.equal(page.url(), `${edge.url('/edge/', 'http-api')}#/live/demo.flv`);
  });

  it('disconnects a client after a question', async (context) => {
    const edge = await startConsole(context);
    (await edge.publisher('one')).push(...clip());
    await play(edge, 'one');
    const page = await open(context, edge);
    await goTo(page, 'Clients');
    const button = page.getByRole('button', { name: 'Disconnect 127.0.0.1 at /live/one' });
    await button.click();
    await page.getByText('127.0.0.1 plays /live/one.').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    assert.equal(edge.clients.size, 1);
    await button.click();
    const gone = edge.clients.empty();
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
    await gone;
    await page.getByText('127.0.0.1 was disconnected.').waitFor();
    await page.getByText('Nobody is connected.').waitFor();
    await goTo(page, 'Edge');
    await page.getByText('was disconnected through the API.').waitFor();
  });

  it('asks for credentials where they are needed, keeps them while the tab is open, and forgets them', async (context) => {
    const edge = await startConsole(context, { httpApi: { auth: { username: 'ops', password: 'wört' } } });
    const page = await open(context, edge);
    const signIn = async (password: string): Promise<void> => {
      await page.getByLabel('Name', { exact: true }).fill('ops');
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
    };
    await signIn('wrong');
    await page.getByText('Name or password is wrong.').waitFor();
    assert.equal(await page.locator('.totals').isVisible(), false);
    await signIn('wört');
    await page.locator('.totals').waitFor();
    await page.reload();
    await goTo(page, 'Edge');
    await page.locator('#gauges').getByText('Connections').waitFor();
    await page.getByText('What is in force').click();
    await page.locator('#config-file').getByText('password ***;').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Password').waitFor();
    assert.equal(await page.locator('#gauges').isVisible(), false);
  });
});
