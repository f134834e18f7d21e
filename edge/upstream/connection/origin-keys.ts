/**
 * Signs what is asked of origins, with the key in `origin_keys_file`: origins that are edges may want signed URLs. What
 * the client has shown has been judged here, and does not go on.
 */
import type { Logger } from 'pino';
import { linesOf } from '../../conf/key-lines.ts';
import { type SigningKey, secretMinLength, signatureOf, signingKey } from '../../conf/signing.ts';
import { readSmallFile } from '../../conf/small-file.ts';
import { paramMaxLength, withoutVhost } from '../../rtmp/names.ts';
import type { StreamRequest } from '../../stream/request.ts';
import { encoded } from './request.ts';

/** A signature is for one connection; clocks may differ by so much. */
const validSeconds = 300;

/** What was read so recently is believed. */
const freshMs = 1_000;

/** `&vhost=` with the longest name. */
const vhostMaxLength = 263;

/** More than that is no file of keys. */
const maxBytes = 64 * 1024;

interface Read {
  readonly key: SigningKey | undefined;
  readonly atMs: number;
}

export class OriginKeys {
  readonly #log: Logger;
  readonly #nowMs: () => number;
  /** By file. */
  readonly #read = new Map<string, Read>();
  /** What was logged last of a file: the same is not said again. */
  readonly #told = new Map<string, string>();

  /** @param nowMs since 1970 */
  constructor(log: Logger, nowMs: () => number = Date.now) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /**
   * The request as an origin sees it: without what the client has shown, and with our signature. Unsigned where the file
   * has no key, and for an address that is not one of our origins: who redirects there must not get a signature made for it.
   * As it was where no file is configured.
   * @param isOurs whether the address is listed, or was found by DNS or `locate_url`
   */
  signed(file: string, action: 'play' | 'publish', request: StreamRequest, isOurs: boolean): StreamRequest {
    if (file === '') return request;
    const others = withoutShown(request.param);
    const key = isOurs ? this.#keyOf(file) : undefined;
    if (key === undefined) return { ...request, param: others.replace(/^&/, '?') };
    const own = `?${this.#own(key, action, request)}`;
    return { ...request, param: isTooLong(own + others) ? own : own + others };
  }

  /**
   * Where an origin redirects to by HTTP, with the path and the parameters that it names: signed for that path where it is
   * one of our origins, and without the signature that the redirecting one was shown where it is not. Who names another
   * proof knows what the next one wants: that path stays as it is.
   */
  signedPath(file: string, path: string, isOurs: boolean): string {
    const key = file === '' ? undefined : this.#keyOf(file);
    if (key === undefined) return path;
    const { pathname, search, searchParams } = new URL(`http://origin${path}`);
    const shows = isShown(search.slice(1));
    if (shows ? searchParams.get('kid') !== key.id : !isOurs) return path;
    const others = search
      .slice(1)
      .split('&')
      .filter((part) => part !== '' && !isShown(part));
    const named = isOurs ? namesIn(pathname) : undefined;
    const query = [...(named === undefined ? [] : [this.#own(key, 'play', named)]), ...others].join('&');
    return query === '' ? pathname : `${pathname}?${query}`;
  }

  #own(key: SigningKey, action: 'play' | 'publish', { app, stream }: Pick<StreamRequest, 'app' | 'stream'>): string {
    const expires = String(Math.floor(this.#nowMs() / 1_000) + validSeconds);
    const signature = signatureOf(key.secret, { action, app, stream, expires, from: '' }).toString('hex');
    // Of two with one name the first counts: with an empty `ip` of ours, none of the client's does.
    return `kid=${key.id}&exp=${expires}&ip=&sig=${signature}`;
  }

  /** The first one. The file is small, and is read again when somebody asks who comes a second later. */
  #keyOf(file: string): SigningKey | undefined {
    const nowMs = performance.now();
    const known = this.#read.get(file);
    if (known !== undefined && nowMs - known.atMs < freshMs) return known.key;
    const key = this.#readKey(file, known?.key);
    this.#read.set(file, { key, atMs: nowMs });
    return key;
  }

  /** A file that cannot be read takes no key away: one that can be read, and has none, does. */
  #readKey(file: string, last: SigningKey | undefined): SigningKey | undefined {
    const remedy = `write id:secret, with a secret of ${secretMinLength} characters at least`;
    try {
      const { key, badLines } = firstKey(readSmallFile(file, maxBytes));
      this.#tell(file, `${key?.id ?? ''} ${badLines.join()}`, () => {
        if (key === undefined)
          this.#log.error({ file, badLines, remedy }, 'there is no origin key: origins are asked unsigned');
        else if (badLines.length > 0)
          this.#log.warn({ file, kid: key.id, badLines, remedy }, 'origin key read behind lines that are none');
        else this.#log.info({ file, kid: key.id }, 'origin key read');
      });
      return key;
    } catch (error) {
      const reason = (error as Error).message;
      this.#tell(file, reason, () => {
        if (last === undefined)
          this.#log.error({ file, reason }, 'origin key cannot be read: origins are asked unsigned');
        else this.#log.error({ file, reason, kid: last.id }, 'origin key cannot be read: the last one is used');
      });
      return last;
    }
  }

  #tell(file: string, what: string, log: () => void): void {
    if (this.#told.get(file) === what) return;
    this.#told.set(file, what);
    log();
  }
}

/** The first key, and the numbers of the lines before it that should be one. */
function firstKey(text: string): { readonly key: SigningKey | undefined; readonly badLines: readonly number[] } {
  const badLines: number[] = [];
  for (const [number, line] of linesOf(text)) {
    const key = signingKey(line);
    if (key !== undefined) return { key, badLines };
    if (badLines.length < 10) badLines.push(number);
  }
  return { key: undefined, badLines };
}

/** What a client shows an edge. */
const shown = ['kid', 'exp', 'ip', 'sig', 'jwt'];

/**
 * The client's parameters without what it has shown, however that is spelled: to stand behind ours. By RTMP what is
 * behind a `#` is not read, but by HTTP-FLV it goes on behind a `&`.
 */
function withoutShown(param: string): string {
  // Later, leaving a vhost out could join what is behind it to ours.
  const kept = withoutVhost(param)
    .split(/(?=[?&#])/)
    .filter((part) => !isShown(part.replace(/^[?&#]/, '')))
    .join('');
  if (kept === '' || kept.startsWith('#')) return kept;
  return `&${kept.replace(/^[?&;]+/, '')}`;
}

function isShown(part: string): boolean {
  const names = new Set(new URLSearchParams(part).keys());
  return shown.some((name) => names.has(name));
}

/** What a path of HTTP-FLV asks for; undefined where that cannot be read. */
function namesIn(path: string): Pick<StreamRequest, 'app' | 'stream'> | undefined {
  const [, app, stream] = /^\/(.+)\/(.+?)(?:\.flv)?$/.exec(path) ?? [];
  if (app === undefined || stream === undefined) return undefined;
  try {
    return { app: decodeURIComponent(app), stream: decodeURIComponent(stream) };
  } catch {
    return undefined;
  }
}

/** By HTTP-FLV it is longer, and has the vhost behind it. */
function isTooLong(param: string): boolean {
  return encoded(param).length + vhostMaxLength > paramMaxLength;
}
