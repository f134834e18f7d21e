/**
 * The files of our page, with the player library from its package. They hold no figures: what the page may show is asked
 * for by the page.
 */

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const index = import.meta.resolve('#edge/server/page/index.html');
const folder = new URL('./', index);

/** By the path that each is served at. */
const files: ReadonlyMap<string, string> = new Map([
  ...readdirSync(folder).map((name): [string, string] => [`/edge/${name}`, fileURLToPath(new URL(name, folder))]),
  ['/edge/', fileURLToPath(index)],
  ['/edge/mpegts.js', fileURLToPath(import.meta.resolve('mpegts.js'))],
]);

/** The page itself, which is at `/` too where nothing else is. */
export const pagePath = '/edge/';

export function pageFile(path: string): string | undefined {
  return files.get(path);
}

/**
 * The page runs no script but its own, and no page of another origin shows it in a frame: whoever clicks in it means it.
 * It plays from other ports, and so from other origins.
 */
export const pageHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    'media-src blob:',
    "connect-src 'self' http: https: ws: wss:",
    "frame-ancestors 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};
