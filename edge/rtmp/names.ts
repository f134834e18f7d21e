/**
 * Names of vhosts, applications and streams. A client may spell a name in many ways; each name has one form here, and
 * the rest of the edge, the callbacks and the origins see that form alone:
 *
 *     %20, %2F, %C3%A9      decoded, as often as there is something to decode
 *     é as one or two characters    one (Unicode's NFC)
 *     white space, empty names between slashes, FMLE's `_definst_`    left out, as in SRS
 *     NUL at the end        left out: some clients send C strings whole
 *
 * What another server could read in another way is refused: `.` and `..`, `?` and `#` inside a name, control
 * characters, bytes that are no UTF-8. So is what is too long. Normalising a name again changes nothing.
 */

import { RtmpError } from './errors.ts';

export const defaultVhost = '__defaultVhost__';
const defaultApp = '__defaultApp__';

/** Characters of an application with all its levels, and of a stream: far above what people and programs use. */
const nameMaxLength = 512;
/** Characters of the parameters of a stream: some signed tokens have thousands. */
export const paramMaxLength = 4096;
/** Characters of a whole URL as it was sent. */
export const urlMaxLength = 8192;
/** Characters of the page and the player that a client says it is in; what is beyond is cut off. */
export const pageUrlMaxLength = 1024;
/** Characters of a host: what DNS allows, and some more. */
const hostMaxLength = 255;

/** What stands for `?vhost=` in clients that cannot send parameters; SRS reads it anywhere. */
export const vhostMark = '...vhost...';

/**
 * The names between the slashes of a path, in their one form.
 *
 * @throws RtmpError 'bad-name'
 */
export function namesIn(path: string): string[] {
  if (path.length > urlMaxLength) throw tooLong('a path', path.length, urlMaxLength);
  const names = plain(path)
    .split('/')
    .map(withoutTrailingNul)
    .filter((name) => name !== '' && name !== '_definst_');
  for (const name of names) checkName(name);
  return names;
}

/**
 * Application and stream of the names on a path: the last is the stream's, whatever is before belongs to the application.
 *
 * @throws RtmpError 'bad-name' when there is no name, or one is too long
 */
export function streamOfNames(names: readonly string[]): { readonly app: string; readonly stream: string } {
  const stream = names.at(-1) ?? '';
  if (stream.length > nameMaxLength) throw tooLong('the name of a stream', stream.length, nameMaxLength);
  return { app: appOfNames(names.slice(0, -1)), stream };
}

/** The application that these names are. @throws RtmpError 'bad-name' when it is too long */
export function appOfNames(names: readonly string[]): string {
  const app = names.join('/') || defaultApp;
  if (app.length > nameMaxLength) throw tooLong('the name of an application', app.length, nameMaxLength);
  return app;
}

/**
 * A host or a vhost: lower case, without the brackets of an IPv6 address and without the dot at the end. Empty when
 * there is none.
 *
 * @throws RtmpError 'bad-name'
 */
export function hostName(text: string): string {
  if (text.length > hostMaxLength) throw tooLong('the name of a host', text.length, hostMaxLength);
  const [host = ''] = plain(text).replace(/[[\]]/g, '').split('/');
  const name = withoutTrailingNul(host).toLowerCase().replace(/\.+$/, '');
  if (unusable.test(name)) throw new RtmpError('bad-name', `the host ${quoted(text)} has characters that no host has`);
  return name === defaultVhost.toLowerCase() ? defaultVhost : name;
}

/**
 * The vhost that parameters name, by `vhost` or else by `domain`; empty when they name none.
 *
 * @param parameters with or without the leading `?` or `#`
 * @throws RtmpError 'bad-name'
 */
export function vhostInParameters(parameters: string): string {
  if (parameters === '') return '';
  const values = new Map<string, string>();
  for (const [, key, value] of pairsOf(parameters)) {
    if (isVhostKey(key) && !values.has(key)) values.set(key, value);
  }
  return hostName(values.get('vhost') || values.get('domain') || '');
}

/** The parameters without those that name a vhost, for a server that is told the vhost in another way. */
export function withoutVhost(parameters: string): string {
  const kept = pairsOf(parameters).filter(([, key]) => !isVhostKey(key));
  return kept
    .map(([separator, , , pair], index) => (index === 0 && !separator.startsWith('#') ? '?' : separator) + pair)
    .join('');
}

/** The text without NULs at its end. */
export function withoutTrailingNul(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0) end--;
  return end === text.length ? text : text.slice(0, end);
}

/** What a peer sent, short enough for a message or a log line. */
export function quoted(text: string): string {
  const short = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return JSON.stringify(short);
}

export function tooLong(what: string, length: number, max: number): RtmpError {
  return new RtmpError('bad-name', `${what} has ${length} characters; at most ${max} are served`);
}

type Pair = readonly [separator: string, key: string, value: string, whole: string];

/** Parameters as SRS cuts them: `&`, `;`, `?` and `#` stand between pairs, `=` or `,` between key and value. */
function pairsOf(parameters: string): Pair[] {
  const pairs: Pair[] = [];
  const text = parameters.replaceAll(vhostMark, '&vhost=');
  for (const [, separator = '', pair = ''] of text.matchAll(/([&;?#]*)([^&;?#]+)/g)) {
    const at = pair.search(/[=,]/);
    pairs.push([separator, at < 0 ? pair : pair.slice(0, at), at < 0 ? '' : pair.slice(at + 1), pair]);
  }
  return pairs;
}

function isVhostKey(key: string): boolean {
  return key === 'vhost' || key === 'domain';
}

/** Decoded, composed and without white space, until there is nothing left to do: one step may open the way for another. */
function plain(text: string): string {
  let now = text;
  for (;;) {
    const next = decoded(now).normalize('NFC').replace(/\s/g, '');
    if (next === now) return now;
    now = next;
  }
}

function decoded(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      throw new RtmpError('bad-name', `${quoted(escapes)} in a name is no UTF-8`);
    }
  });
}

/** Control characters, halves of surrogate pairs, and what ends the path of a URL. */
const unusable = /[\p{Cc}\p{Cs}?#]/u;

function checkName(name: string): void {
  const why =
    name === '.' || name === '..'
      ? 'would lead to another place'
      : unusable.test(name)
        ? 'has characters that no name may have'
        : name.includes(vhostMark)
          ? `has ${vhostMark} inside`
          : undefined;
  if (why !== undefined) throw new RtmpError('bad-name', `the name ${quoted(name)} ${why}`);
}
