/** The page at the edge's HTTP port, in a real browser: it plays a real stream and shows the figures. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { makeClip } from '../support/ffmpeg.ts';
import { FlvReader } from '../support/flv-reader.ts';
import { findProgram, missing } from '../support/programs.ts';
import { startEdge, type TestEdge } from './harness.ts';

const browserArguments = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The messages of an FLV file. */
function readMessages(file: string): RtmpMessage[] {
  const messages: RtmpMessage[] = [];
  new FlvReader().push(readFileSync(file), (tag) => messages.push({ ...tag, streamId: 1 }));
  return messages;
}

/** Publishes messages at the rhythm of their timestamps, until the returned function is called or they end. */
async function publishLive(edge: TestEdge, messages: readonly RtmpMessage[]): Promise<() => void> {
  const publisher = await edge.publisher('demo');
  const startMs = performance.now();
  let next = 0;
  const timer = setInterval(() => {
    const nowMs = performance.now() - startMs;
    const due = messages.findIndex(({ timestamp }, index) => index >= next && timestamp > nowMs);
    const end = due < 0 ? messages.length : due;
    publisher.push(...messages.slice(next, end));
    next = end;
  }, 20);
  return () => clearInterval(timer);
}

const skip = missing('chromium', 'ffmpeg');

describe('the page', { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'edge-page-'));
  let messages: RtmpMessage[];
  let browser: Browser;

  before(async () => {
    messages = readMessages(makeClip(directory, 'demo', { seconds: 20, width: 640, height: 360 }));
    browser = await chromium.launch({ executablePath: findProgram('chromium')!, args: browserArguments });
  });

  after(async () => {
    await browser?.close();
    rmSync(directory, { recursive: true });
  });

  async function open(edge: TestEdge): Promise<{ page: Page; errors: string[] }> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 760 } });
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(edge.url('/'))) errors.push(`asks ${request.url()}`);
    });
    await page.goto(edge.url('/'));
    return { page, errors };
  }

  for (const websocket of [false, true]) {
    it(`plays a stream by ${websocket ? 'WebSocket' : 'HTTP'} and shows the figures`, async (context) => {
      const edge = await startEdge(context, { edge: { pageFigures: true } });
      const stop = await publishLive(edge, messages);
      context.after(stop);
      const { page, errors } = await open(edge);
      if (websocket) await page.getByLabel('WebSocket').check();
      await page.getByRole('button', { name: '/live/demo' }).click();
      await page.waitForFunction('video.videoWidth === 640 && video.currentTime > 0.5');
      await page.waitForFunction("players.textContent === '1'");
      const cells = await page.locator('#streams td').allTextContents();
      assert.deepEqual(cells, ['/live/demo', 'live', 'published here', '1', '0', '–']);
      const origins = await page.locator('#origins tr').last().locator('td').allTextContents();
      assert.deepEqual(origins, ['two:1935', 'down', '0', 'refused']);
      assert.equal([...edge.clients.values()][0]?.protocol, websocket ? 'ws-flv' : 'http-flv');
      const { EDGE_SCREENSHOTS: screenshots } = process.env;
      if (screenshots !== undefined) await page.screenshot({ path: join(screenshots, `page-${websocket}.png`) });
      assert.deepEqual(errors, []);
      await page.close();
    });
  }

  it('says that figures are off', async (context) => {
    const { page } = await open(await startEdge(context));
    await page.getByText('figures are off').waitFor();
    await page.close();
  });

  it('says why a stream cannot be played', async (context) => {
    const edge = await startEdge(context);
    edge.absent = true;
    const { page } = await open(edge);
    await page.getByLabel('Path of the stream').fill('/live/none.flv');
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    await page.getByText('The stream cannot be played: 404').waitFor();
    await page.close();
  });
});
