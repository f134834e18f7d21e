/**
 * Stream URLs as SRS reads them. A stream is named by vhost, app and stream; the vhost is the host of tcUrl unless the
 * query of app or stream says otherwise:
 *
 *     rtmp://host/app/stream?vhost=name        rtmp://host/app?vhost=name/stream        (also domain=name)
 *     rtmp://host/app...vhost...name/stream    rtmp://host/app#vhost=name/stream
 *
 * Each name has one form, whatever its spelling (names.ts). An address as host (`127.0.0.1`, `localhost`) is the vhost's name too, as in SRS: it becomes `__defaultVhost__` where
 * vhosts are looked up, because no vhost of that name is configured.
 */

import { RtmpError } from './errors.ts';
import {
  appOfNames,
  defaultVhost,
  hostName,
  namesIn,
  paramMaxLength,
  quoted,
  streamOfNames,
  tooLong,
  urlMaxLength,
  vhostInParameters,
  vhostMark,
  withoutTrailingNul,
} from './names.ts';

export interface StreamUrl {
  /** `rtmp`, `rtmps`, or another as the client sent it; lower case. */
  readonly scheme: string;
  /** Without the brackets of an IPv6 address; empty when the client sent none. */
  readonly host: string;
  readonly port: number;
  readonly vhost: string;
  /** Without slashes at the ends; it may have several levels. */
  readonly app: string;
  /** Without any slash; empty when the client named none. */
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
 * serves only where tcUrl names none or is no URL. The last name is the stream, the names before it are the app;
 * without any app it is `__defaultApp__`. `stream` undefined: not known yet, as in connect.
 *
 * @throws RtmpError 'bad-name'
 */
export function resolveStreamUrl(input: {
  readonly tcUrl: string;
  readonly app: string;
  readonly stream: string | undefined;
}): StreamUrl {
  const base = splitParameters(input.tcUrl.includes('://') ? input.tcUrl : 'rtmp://');
  const { scheme, host, port, path } = splitAuthority(base.path);
  const urlNames = namesIn(path);
  const app = splitParameters(urlNames.length === 0 ? input.app : '');
  const appNames = urlNames.length === 0 ? namesIn(app.path) : urlNames;
  let own = splitParameters(input.stream ?? '');
  let ownNames = namesIn(own.path);
  const slash = base.query.indexOf('/');
  if (input.stream !== undefined && ownNames.length === 0 && urlNames.length === 1 && slash >= 0) {
    // `rtmp://host/app?vhost=name/stream`, sent whole as tcUrl.
    const behind = splitParameters(base.query.slice(slash + 1));
    own = { ...behind, query: joined([own.query, behind.query], '&') };
    ownNames = namesIn(own.path);
    base.query = base.query.slice(0, slash);
  }
  const named =
    input.stream === undefined ? { app: appOfNames(appNames), stream: '' } : streamOfNames([...appNames, ...ownNames]);

  const query = joined([own.query, base.query, app.query], '&');
  const fragment = joined([own.fragment, base.fragment, app.fragment], '#');
  const vhost = vhostInParameters(query) || vhostInParameters(fragment);
  // A parameter that says nothing more than "the default vhost" is no parameter.
  const param = vhost === defaultVhost && !query.includes('&') ? '' : prefixed('?', query) + prefixed('#', fragment);
  if (param.length > paramMaxLength) throw tooLong('the parameters', param.length, paramMaxLength);
  return {
    scheme,
    host,
    port,
    vhost: vhost !== '' && vhost !== defaultVhost ? vhost : host || defaultVhost,
    ...named,
    param,
  };
}

/**
 * Reads a whole URL, `rtmp://host[:port]/app/stream[?parameters]`, as in a redirect.
 *
 * @throws RtmpError 'bad-url' when it is no rtmp:// or rtmps:// URL with a host, 'bad-name'
 */
export function parseRtmpUrl(url: string): StreamUrl {
  if (!/^rtmps?:\/\/[^/?#]/i.test(url)) {
    throw new RtmpError('bad-url', `${quoted(url)} is no rtmp:// or rtmps:// URL with a host`);
  }
  return resolveStreamUrl({ tcUrl: url, app: '', stream: '' });
}

/**
 * The tcUrl of an application in its one form. It is the client's own where that has the application's very name: then
 * it is not written again, and callbacks see the client's host and port as SRS shows them.
 */
export function tcUrlOf(sent: string, url: StreamUrl): string {
  const plain = withoutTrailingNul(sent);
  const { path } = splitAuthority(splitParameters(plain).path);
  return plain.includes('://') && path === `/${url.app}` ? plain : buildTcUrl({ ...url, vhost: '' });
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
  if (text.length > urlMaxLength) throw tooLong('a URL', text.length, urlMaxLength);
  const sent = withoutTrailingNul(text);
  const plain = sent.replaceAll(vhostMark, '?vhost=');
  const hash = plain.indexOf('#');
  const fragment = hash < 0 ? '' : plain.slice(hash + 1);
  const beforeHash = hash < 0 ? plain : plain.slice(0, hash);
  const mark = beforeHash.indexOf('?');
  if (mark < 0) return { path: beforeHash, query: '', fragment };
  const query = beforeHash.slice(mark + 1);
  return { path: beforeHash.slice(0, mark), query: plain === sent ? query : query.replaceAll('?', '&'), fragment };
}

function splitAuthority(url: string): { scheme: string; host: string; port: number; path: string } {
  const match = /^([a-z][a-z0-9+.-]*):\/\/(?:[^/@]*@)?(\[[^\]/]*\]|[^/:]*)(?::(\d*))?(.*)$/is.exec(url);
  if (match === null) return { scheme: 'rtmp', host: '', port: defaultPort('rtmp'), path: url };
  const [, scheme = '', host = '', port = '', path = ''] = match;
  const lower = scheme.toLowerCase();
  return { scheme: lower, host: hostName(host), port: Number(port) || defaultPort(lower), path };
}

function joined(parts: readonly string[], separator: string): string {
  return parts.filter((part) => part !== '').join(separator);
}

function prefixed(prefix: string, text: string): string {
  return text === '' ? '' : prefix + text;
}
