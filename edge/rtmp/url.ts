/**
 * Stream URLs as SRS reads them. A stream is named by vhost, app and stream; the vhost is the host of tcUrl unless the
 * query of app or stream says otherwise:
 *
 *     rtmp://host/app/stream?vhost=name        rtmp://host/app?vhost=name/stream        (also domain=name)
 *     rtmp://host/app...vhost...name/stream    rtmp://host/app#vhost=name/stream
 *
 * An address as host (`127.0.0.1`, `localhost`) is the vhost's name too, as in SRS: it becomes `__defaultVhost__` where
 * vhosts are looked up, because no vhost of that name is configured.
 */

import { RtmpError } from './errors.ts';

export const defaultVhost = '__defaultVhost__';
const defaultApp = '__defaultApp__';

export interface StreamUrl {
  /** `rtmp`, `rtmps`, or another as the client sent it; lower case. */
  readonly scheme: string;
  /** Without the brackets of an IPv6 address; empty when the client sent none. */
  readonly host: string;
  readonly port: number;
  readonly vhost: string;
  /** Without slashes at the ends. */
  readonly app: string;
  readonly stream: string;
  /** Parameters with the leading `?` (or `#`), those of the stream before those of the app; empty when there are none. */
  readonly param: string;
}

/** The port a URL means that names none. */
export function defaultPort(scheme: string): number {
  return scheme === 'rtmp' ? 1935 : scheme === 'rtmps' || scheme === 'https' ? 443 : 80;
}

/**
 * What stream a client means that sent these in connect and in publish or play. As in SRS, tcUrl decides, and `app`
 * serves only where tcUrl is missing or no URL; slashes in the stream's name belong to the app, and an empty name is
 * looked for behind the app. `stream` undefined: not known yet, as in connect.
 */
export function resolveStreamUrl(input: {
  readonly tcUrl: string;
  readonly app: string;
  readonly stream: string | undefined;
}): StreamUrl {
  const base = splitParameters(input.tcUrl.includes('://') ? input.tcUrl : `rtmp:///${input.app}`);
  const own = splitParameters(input.stream ?? '');
  const { scheme, host, port, path } = splitAuthority(base.path);
  const names = namesOf(path);
  const streamNames = namesOf(own.path);

  let stream = '';
  if (streamNames.length > 0) {
    stream = streamNames.pop() ?? '';
    names.push(...streamNames);
  } else if (input.stream !== undefined && names.length > 1) {
    stream = names.splice(1).join('/');
  } else if (input.stream !== undefined && base.query.includes('/')) {
    const slash = base.query.indexOf('/');
    stream = namesOf(base.query.slice(slash)).join('/');
    base.query = base.query.slice(0, slash);
  }

  const query = joined([own.query, base.query], '&');
  const fragment = joined([own.fragment, base.fragment], '#');
  const named = vhostOf(query) || vhostOf(fragment);
  // A parameter that says nothing more than "the default vhost" is no parameter.
  const param = named === defaultVhost && !query.includes('&') ? '' : prefixed('?', query) + prefixed('#', fragment);
  return {
    scheme,
    host,
    port,
    vhost: named !== '' && named !== defaultVhost ? named : host || defaultVhost,
    app: names.join('/') || defaultApp,
    stream,
    param,
  };
}

/**
 * Reads a whole URL, `rtmp://host[:port]/app/stream[?parameters]`: a redirect's, or one given to a player. Parameters
 * behind a single name and before a slash are the app's: `rtmp://host/app?vhost=name/stream`.
 *
 * @throws RtmpError 'bad-url' when it is no rtmp:// or rtmps:// URL with a host.
 */
export function parseRtmpUrl(url: string): StreamUrl {
  const match = /^(rtmps?:\/\/[^/?#]+)\/*([^?#]*)(.*)$/is.exec(url);
  if (match === null) {
    throw new RtmpError('bad-url', `"${url.slice(0, 200)}" is no rtmp:// or rtmps:// URL with a host`);
  }
  const [, origin = '', path = '', parameters = ''] = match;
  const slash = path.lastIndexOf('/');
  if (slash < 0 && parameters.includes('/')) {
    const behind = parameters.lastIndexOf('/');
    const tcUrl = `${origin}/${path}${parameters.slice(0, behind)}`;
    return resolveStreamUrl({ tcUrl, app: '', stream: parameters.slice(behind + 1) });
  }
  const app = slash < 0 ? path : path.slice(0, slash);
  const stream = slash < 0 ? '' : path.slice(slash + 1);
  return resolveStreamUrl({ tcUrl: `${origin}/${app}`, app: '', stream: stream + parameters });
}

/**
 * The tcUrl to connect to `host` with: as SRS does, a vhost that is not the default one stands in the host's place.
 * `param` (with its `?`) is put behind the app.
 */
export function buildTcUrl(url: {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
  readonly app: string;
  readonly vhost?: string | undefined;
  readonly param?: string | undefined;
}): string {
  const { scheme, port, app, vhost = '', param = '' } = url;
  const host = vhost === '' || vhost === defaultVhost ? url.host || defaultVhost : vhost;
  const bracketed = host.includes(':') ? `[${host}]` : host;
  const portPart = port === defaultPort(scheme) ? '' : `:${port}`;
  return `${scheme}://${bracketed}${portPart}/${app}${param}`;
}

/** Cuts at the first `?` and the first `#`, after turning `...vhost...` into a parameter. */
function splitParameters(text: string): { path: string; query: string; fragment: string } {
  const plain = text.replaceAll('...vhost...', '?vhost=');
  const hash = plain.indexOf('#');
  const fragment = hash < 0 ? '' : plain.slice(hash + 1);
  const beforeHash = hash < 0 ? plain : plain.slice(0, hash);
  const mark = beforeHash.indexOf('?');
  if (mark < 0) return { path: beforeHash, query: '', fragment };
  const query = beforeHash.slice(mark + 1);
  return { path: beforeHash.slice(0, mark), query: plain === text ? query : query.replaceAll('?', '&'), fragment };
}

function splitAuthority(url: string): { scheme: string; host: string; port: number; path: string } {
  const match = /^([a-z][a-z0-9+.-]*):\/\/(?:[^/@]*@)?(\[[^\]/]*\]|[^/:]*)(?::(\d*))?(.*)$/is.exec(url);
  if (match === null) return { scheme: 'rtmp', host: '', port: defaultPort('rtmp'), path: url };
  const [, scheme = '', host = '', port = '', path = ''] = match;
  const lower = scheme.toLowerCase();
  return {
    scheme: lower,
    host: host.replace(/[[\]\s]/g, ''),
    port: Number(port) || defaultPort(lower),
    path,
  };
}

/** The names between the slashes of a path, without white space and without FMLE's `_definst_`. */
function namesOf(path: string): string[] {
  return path
    .replace(/\s/g, '')
    .split('/')
    .filter((name) => name !== '' && name !== '_definst_');
}

/** The vhost that parameters name, by `vhost` or else by `domain`; empty when none. */
function vhostOf(parameters: string): string {
  const values = new Map<string, string>();
  for (const pair of parameters.split(/[&;?#]+/)) {
    const at = pair.search(/[=,]/);
    if (at > 0 && !values.has(pair.slice(0, at))) values.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return (values.get('vhost') || values.get('domain') || '').replace(/[\s/]/g, '');
}

function joined(parts: readonly string[], separator: string): string {
  return parts.filter((part) => part !== '').join(separator);
}

function prefixed(prefix: string, text: string): string {
  return text === '' ? '' : prefix + text;
}
