/** A browser that shows an edge's page, and a clip that is published at its own rhythm. */

import { readFileSync } from 'node:fs';
import { after, type TestContext } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { FlvReader } from '../../edge/flv/reader.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { makeClip } from '../support/ffmpeg.ts';
import { findProgram, suiteCleaner, temporaryDirectory } from '../support/programs.ts';
import type { TestEdge } from './harness.ts';

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

export const desk = { width: 1280, height: 760 };
export const phone = { width: 390, height: 844 };

/** For all tests of a suite: one browser, and one clip of H.264 and AAC. To be called in the body of `describe`. */
export class PageScene {
  readonly #directory = temporaryDirectory(suiteCleaner());
  #messages: RtmpMessage[] | undefined;
  #browser: Promise<Browser> | undefined;

  constructor() {
    after(async () => (await this.#browser)?.close());
  }

  /** A new page of a browser profile of its own; closed with the test. */
  async page(context: TestContext, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
    this.#browser ??= chromium.launch({ executablePath: findProgram('chromium')!, args: browserArguments });
    // Playwright's own questions to a page are texts that the page's policy would not let run.
    const page = await (await this.#browser).newPage({ viewport: desk, bypassCSP: true, ...options });
    context.after(() => page.close());
    return page;
  }

  /** Publishes `live/NAME` until the test ends. */
  async publish(context: TestContext, edge: TestEdge, name = 'demo'): Promise<void> {
    this.#messages ??= readMessages(makeClip(this.#directory, 'demo', { seconds: 20, width: 640, height: 360 }));
    const messages = this.#messages;
    const publisher = await edge.publisher(name);
    const startMs = performance.now();
    let next = 0;
    const timer = setInterval(() => {
      const nowMs = performance.now() - startMs;
      const due = messages.findIndex(({ timestamp }, index) => index >= next && timestamp > nowMs);
      const end = due < 0 ? messages.length : due;
      publisher.push(...messages.slice(next, end));
      next = end;
    }, 20);
    context.after(() => clearInterval(timer));
  }
}

/** The messages of an FLV file. */
function readMessages(file: string): RtmpMessage[] {
  const messages: RtmpMessage[] = [];
  new FlvReader().push(readFileSync(file), (tag) => messages.push({ ...tag, streamId: 1 }));
  return messages;
}
