/**
 * Files over HTTP: those of `http_server { dir }`, and our page.
 */

import { createReadStream, type Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream';
import { pageFile, pageHeaders, pagePath } from './page-files.ts';

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.ico': 'image/x-icon',
  '.mp4': 'video/mp4',
  '.flv': 'video/x-flv',
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.ts': 'video/mp2t',
  '.xml': 'application/xml',
};

/** What `http_server` serves beside streams. */
export interface ServedFiles {
  /** This directory. */
  readonly dir: string;
  /** Our page. */
  readonly page: boolean;
}

/** Serves a file if there is one. Returns false, with nothing sent, if not. */
export async function serveFile(
  { dir, page }: ServedFiles,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  if (page && (await servePage(path, request, response))) return true;
  const file = await findIn(dir, path);
  if (file !== undefined) return await sendIfThere(file, request, response);
  return page && path === '/' && (await servePage(pagePath, request, response));
}

/** The same for a file of our page. */
export async function servePage(path: string, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  const file = request.method === 'GET' || request.method === 'HEAD' ? pageFile(path) : undefined;
  return file !== undefined && (await sendIfThere(file, request, response, pageHeaders));
}

async function sendIfThere(
  file: string,
  request: IncomingMessage,
  response: ServerResponse,
  headers: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const stats = await stat(file).catch(() => undefined);
  if (stats?.isFile() !== true) return false;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  sendFile(file, stats, request, response);
  return true;
}

/** The file below `dir` that a path means; undefined when it is none, or leads out of `dir`. */
async function findIn(dir: string, path: string): Promise<string | undefined> {
  try {
    const name = decodeURIComponent(path);
    if (name.includes('\0')) return undefined;
    const root = await realpath(resolve(dir));
    const asked = await realpath(join(root, name));
    const file = (await stat(asked)).isDirectory() ? await realpath(join(asked, 'index.html')) : asked;
    // Links are followed before the check: what is served is in `dir`, not only named so.
    return file.startsWith(root.endsWith(sep) ? root : root + sep) ? file : undefined;
  } catch {
    return undefined;
  }
}

function sendFile(file: string, stats: Stats, request: IncomingMessage, response: ServerResponse): void {
  const lastModified = stats.mtime.toUTCString();
  const headers = { 'Last-Modified': lastModified, 'Cache-Control': 'no-cache' };
  if (request.headers['if-modified-since'] === lastModified) {
    response.writeHead(304, headers).end();
    return;
  }
  const contentType = contentTypes[extname(file)] ?? 'application/octet-stream';
  response.writeHead(200, { ...headers, 'Content-Type': contentType, 'Content-Length': stats.size });
  if (request.method === 'HEAD') response.end();
  // A client that leaves early ends the reading, too. Then there is no client to report an error to. It may have left already.
  else if (!response.destroyed) pipeline(createReadStream(file), response, () => {});
}
