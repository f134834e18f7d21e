/** The page at the edge's HTTP port, in a real browser: it plays a real stream, comes back, and says what is wrong. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { missing } from '../support/programs.ts';
import { startEdge, type TestEdge } from './harness.ts';
import { LoadBalancer } from './load-balancer.ts';
import { PageScene } from './page-scene.ts';

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

/** The page knows it, too. */
const plays = "video.videoWidth === 640 && video.currentTime > 0.5 && message.textContent === ''";
const playsAlone = "document.querySelectorAll('video').length === 1 && !video.paused && video.currentTime > 0.5";

/** Milliseconds of the page's clock. */
const longWaitMs = 40_000;

const skip = missing('chromium', 'ffmpeg');

describe('the page', { skip }, () => {
  const scene = new PageScene();

  async function open(context: TestContext, edge: TestEdge): Promise<{ page: Page; errors: string[] }> {
    const page = await scene.page(context);
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    // Taken once: a page goes on asking when its edge is gone.
    const home = edge.url('/');
    page.on('request', (request) => {
      if (!request.url().startsWith(home)) errors.push(`asks ${request.url()}`);
    });
    await page.goto(edge.url('/'));
    return { page, errors };
  }

  async function play(page: Page, path: string): Promise<void> {
    await page.getByLabel('Path of the stream').fill(path);
    await page.getByRole('button', { name: 'Play', exact: true }).click();
  }

  /** A page that plays the stream. */
  async function openPlaying(context: TestContext, url: string, websocket = false): Promise<Page> {
    const page = await scene.page(context);
    await page.goto(url);
    if (websocket) await page.getByLabel('WebSocket').check();
    await play(page, '/live/demo.flv');
    await page.waitForFunction(plays);
    return page;
  }

  for (const websocket of [false, true]) {
    it(`plays a stream by ${websocket ? 'WebSocket' : 'HTTP'} and shows the figures`, async (context) => {
      const edge = await startEdge(context, { edge: { pageFigures: true } });
      await scene.publish(context, edge);
      const { page, errors } = await open(context, edge);
      await page.clock.setSystemTime(3_600_000);
      if (websocket) await page.getByLabel('WebSocket').check();
      await page.locator('#live').getByRole('link', { name: '/live/demo' }).click();
      await page.waitForFunction(plays);
      await page.waitForFunction("players.textContent === '1'");
      await page.locator('#stream').getByText('640 × 360').waitFor();
      await page.locator('#playback').getByText('Behind live').waitFor();
      assert.equal([...edge.clients.values()][0]?.protocol, websocket ? 'ws-flv' : 'http-flv');
      await page.getByRole('link', { name: 'Streams', exact: true }).click();
      const cells = page.locator('#streams-table tbody td');
      await cells.first().waitFor();
      const [name, state, players] = await cells.allTextContents();
      assert.deepEqual([name, state, players], ['/live/demo', 'live', '1']);
      const origins = await page.locator('#origins-table tbody tr').last().locator('td').allTextContents();
      assert.deepEqual([origins[0], origins[1], origins[4]], ['two:1935', 'down', 'refused']);
      assert.match(origins[2] ?? '', /^\d{5} d/, 'since 1970, whatever the clock of the browser says');
      assert.deepEqual(errors, []);
    });
  }

  for (const websocket of [false, true]) {
    it(`goes over to another edge by ${websocket ? 'WebSocket' : 'HTTP'} when it is asked, and shows a picture all the time`, async (context) => {
      const [first, second] = [await startEdge(context), await startEdge(context)];
      for (const edge of [first, second]) await scene.publish(context, edge);
      const balancer = await LoadBalancer.start(context, first.port());
      const page = await openPlaying(context, `http://127.0.0.1:${balancer.port}/`, websocket);
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
    });
  }

  it('comes back when it is cut, with the last picture on the screen until then', async (context) => {
    const [first, second] = [await startEdge(context), await startEdge(context)];
    for (const edge of [first, second]) await scene.publish(context, edge);
    const balancer = await LoadBalancer.start(context, first.port());
    const page = await openPlaying(context, `http://127.0.0.1:${balancer.port}/`);
    await page.evaluate(watchScreen);
    balancer.to = second.port();
    const played = once(second.events, 'play');
    balancer.cut();
    await played;
    await page.waitForFunction(playsAlone);
    assert.equal(await page.evaluate('watched.blank'), 0, 'frames of the page without a picture');
  });

  it('says that the edge does not answer, marks its figures as old, and is well again when it is back', async (context) => {
    const edge = await startEdge(context, { edge: { pageFigures: true } });
    await scene.publish(context, edge);
    const balancer = await LoadBalancer.start(context, edge.port());
    const page = await openPlaying(context, `http://127.0.0.1:${balancer.port}/`);
    await page.waitForFunction("players.textContent === '1'");
    // A port that nobody listens on.
    balancer.to = 1;
    balancer.cut();
    await page.getByText(/The edge does not answer\. It is asked again by itself\. What you see is of /).waitFor();
    assert.equal(await page.evaluate('document.body.dataset.figures'), 'old');
    assert.equal(await page.evaluate('players.textContent'), '1');
    await page.locator('#message').getByText('The edge does not answer').waitFor();
    balancer.to = edge.port();
    await page.waitForFunction(`document.body.dataset.figures === 'fresh' && ${playsAlone} && ${plays}`);
    assert.equal(await page.evaluate('notice.textContent'), '');
  });

  it('says in words that there is no such stream, without a sign of waiting, and plays it when it is there', async (context) => {
    const edge = await startEdge(context);
    edge.absent = true;
    const { page } = await open(context, edge);
    await play(page, '/live/demo.flv');
    await page.getByText('There is no such stream now. The edge says: no origin has this stream.').waitFor();
    const { networkState, controls } = (await page.evaluate(
      '({ networkState: video.networkState, controls: video.controls })',
    )) as { networkState: number; controls: boolean };
    assert.deepEqual([networkState, controls], [0, false], 'the video element waits for nothing');
    edge.absent = false;
    await scene.publish(context, edge);
    await page.waitForFunction(plays);
  });

  it('takes the last picture away when a stream does not come back, and goes on trying', async (context) => {
    const edge = await startEdge(context);
    await scene.publish(context, edge);
    const page = await openPlaying(context, edge.url('/'));
    await page.clock.install();
    edge.absent = true;
    for (const client of [...edge.clients.values()]) client.disconnect('over');
    const clock = setInterval(() => void page.clock.runFor(longWaitMs).catch(() => {}), 200);
    context.after(() => clearInterval(clock));
    await page.getByText('There is no such stream now').waitFor();
    await page.waitForFunction('video.videoWidth === 0 && !video.controls');
    edge.absent = false;
    await page.waitForFunction('video.videoWidth === 640');
  });

  it('says why the edge refuses a stream', async (context) => {
    const edge = await startEdge(context, { vhosts: [] });
    const { page } = await open(context, edge);
    await play(page, '/live/none.flv');
    await page.getByText('The edge says: no vhost serves "127.0.0.1"').waitFor();
    await play(page, '//elsewhere.example/live/none.flv');
    await page.getByText('This is no path of a stream.').waitFor();
  });

  it('says that figures are off, and where they are', async (context) => {
    const { page } = await open(context, await startEdge(context));
    await page.getByText('Figures are off at this address').waitFor();
    await page.getByRole('link', { name: 'Clients', exact: true }).click();
    await page.getByText('Clients are not listed at this address').waitFor();
    assert.equal(await page.locator('.totals').isVisible(), false);
  });

  it('is as loud as it was the last time', async (context) => {
    const edge = await startEdge(context);
    const { page } = await open(context, edge);
    assert.deepEqual(await page.evaluate('[video.volume, video.muted]'), [1, true]);
    const remembered = page.waitForFunction("localStorage.getItem('edge-volume')?.includes('0.25')");
    await page.evaluate('video.volume = 0.25; video.muted = false;');
    await remembered;
    await page.reload();
    await page.waitForFunction('video.volume === 0.25 && !video.muted');
  });
});
