/** The page at the edge's HTTP port, in a real browser: it plays a real stream and shows the figures. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { FlvReader } from '../../edge/flv/reader.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { makeClip } from '../support/ffmpeg.ts';
import { findProgram, missing } from '../support/programs.ts';
import { startEdge, type TestEdge } from './harness.ts';
import { LoadBalancer } from './load-balancer.ts';

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

/** Looks at each frame of the page whether a video is on top that has a picture. */
const watchScreen = `
  window.watched = { frames: 0, blank: 0 };
  const look = () => {
    const top = [...document.querySelectorAll('video')].at(-1);
    watched.frames++;
    if (top === undefined || top.readyState < 2 || top.videoWidth === 0) watched.blank++;
    requestAnimationFrame(look);
  };
  look();
`;

const playsAlone = "document.querySelectorAll('video').length === 1 && !video.paused && video.currentTime > 0.5";

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
    const page = await browser.newPage({ viewport: { width: 1280, height: 760 }, bypassCSP: true });
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(edge.url('/'))) errors.push(`asks ${request.url()}`);
    });
    await page.goto(edge.url('/'));
    return { page, errors };
  }

  /** A page that plays the stream. */
  async function openPlaying(url: string, websocket: boolean): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 760 }, bypassCSP: true });
    await page.goto(url);
    if (websocket) await page.getByLabel('WebSocket').check();
    await page.getByLabel('Path of the stream').fill('/live/demo.flv');
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    await page.waitForFunction('video.videoWidth === 640 && video.currentTime > 0.5');
    return page;
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

  for (const websocket of [false, true]) {
    it(`goes over to another edge by ${websocket ? 'WebSocket' : 'HTTP'} when it is asked, and shows a picture all the time`, async (context) => {
      const [first, second] = [await startEdge(context), await startEdge(context)];
      for (const edge of [first, second]) context.after(await publishLive(edge, messages));
      const balancer = await LoadBalancer.start(context, first.port());
      const page = await openPlaying(`http://127.0.0.1:${balancer.port}/`, websocket);
      await page.evaluate(watchScreen);
      balancer.to = second.port();
      first.draining = true;
      first.accepting = false;
      const [client] = first.clients.values();
      assert.ok(client !== undefined && first.moves.canAsk(client));
      first.moves.ask(client, 'the edge stops');
      await first.clients.empty();
      const since = await page.evaluate('watched.frames');
      await page.waitForFunction(`watched.frames > ${since} + 20 && ${playsAlone}`);
      assert.equal(await page.evaluate('watched.blank'), 0, 'frames of the page without a picture');
      assert.equal(await page.evaluate('message.textContent'), '');
      assert.deepEqual([second.clients.size, first.moves.counts.moved], [1, 1]);
      await page.close();
    });
  }

  it('comes back when it is cut, with the last picture on the screen until then', async (context) => {
    const [first, second] = [await startEdge(context), await startEdge(context)];
    for (const edge of [first, second]) context.after(await publishLive(edge, messages));
    const balancer = await LoadBalancer.start(context, first.port());
    const page = await openPlaying(`http://127.0.0.1:${balancer.port}/`, false);
    await page.evaluate(watchScreen);
    balancer.to = second.port();
    const played = once(second.events, 'play');
    balancer.cut();
    await played;
    await page.waitForFunction(playsAlone);
    assert.equal(await page.evaluate('watched.blank'), 0, 'frames of the page without a picture');
    await page.close();
  });

  it('says that the stream has ended when it does not come back', async (context) => {
    const edge = await startEdge(context);
    context.after(await publishLive(edge, messages));
    const page = await openPlaying(edge.url('/'), false);
    await page.clock.install();
    edge.absent = true;
    for (const client of [...edge.clients.values()]) client.disconnect('over');
    const ended = page.getByText('The stream has ended.').waitFor();
    const clock = setInterval(() => void page.clock.runFor(4_000).catch(() => {}), 200);
    await ended;
    clearInterval(clock);
    await page.close();
  });

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
