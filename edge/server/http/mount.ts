/**
 * Mount patterns of HTTP-FLV (SRS's `http_remux { mount }`): which path is which stream, and the way back.
 *
 *     [vhost]/[app]/[stream].flv     the vhost is the host that was asked; the path names app and stream
 *     /[app]/[stream].flv            the same for every host
 *     /[vhost]/[app]/[stream].flv    the path names the vhost too
 *
 * As in RTMP the app may have several levels. Names are read as RTMP's are: a slash written as `%2F` is a slash.
 */

import { hostName, namesIn, streamOfNames } from '../../rtmp/names.ts';
import type { StreamName } from '../../stream/name.ts';

/** What a path says. `vhost` is undefined where the pattern takes it from the host. */
export interface MountMatch {
  readonly vhost: string | undefined;
  readonly app: string;
  readonly stream: string;
}

interface Compiled {
  /** The pattern's own host, `[vhost]`, or empty for any. */
  readonly host: string;
  readonly path: RegExp;
}

const compiled = new Map<string, Compiled>();

/**
 * What stream a path means; undefined when it does not fit the pattern.
 *
 * @param host the name of the vhost that was asked for
 * @param path with its leading slash, still percent-encoded
 * @throws RtmpError 'bad-name'
 */
export function matchMount(pattern: string, host: string, path: string): MountMatch | undefined {
  const mount = compile(pattern);
  if (mount.host !== '' && mount.host !== '[vhost]' && mount.host !== host) return undefined;
  const groups = mount.path.exec(path)?.groups;
  if (groups === undefined) return undefined;
  // What the pattern does not say is read from the path as SRS does: directories are the app.
  const slash = path.lastIndexOf('/');
  const app = groups.app ?? path.slice(1, Math.max(1, slash));
  const names = namesIn(groups.stream ?? path.slice(slash + 1).replace(/\.flv$/, ''));
  if (names.length === 0) return undefined;
  return {
    vhost: groups.vhost === undefined ? undefined : hostName(groups.vhost),
    ...streamOfNames([...namesIn(app), ...names]),
  };
}

/** The path at which a stream is served. */
export function mountPath(pattern: string, name: StreamName): string {
  const path = pattern.slice(pattern.indexOf('/'));
  return path.replace(/\[(vhost|app|stream)\]/g, (_, variable: keyof StreamName) =>
    name[variable].split('/').map(encodeURIComponent).join('/'),
  );
}

function compile(pattern: string): Compiled {
  let mount = compiled.get(pattern);
  if (mount === undefined) {
    const slash = pattern.indexOf('/');
    mount = { host: pattern.slice(0, slash), path: pathExpression(pattern.slice(slash)) };
    compiled.set(pattern, mount);
  }
  return mount;
}

function pathExpression(path: string): RegExp {
  const seen = new Set<string>();
  const source = path.split(/(\[(?:vhost|app|stream)\])/).map((part) => {
    const variable = /^\[(vhost|app|stream)\]$/.exec(part)?.[1];
    if (variable === undefined) return part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    if (seen.has(variable)) return `\\k<${variable}>`;
    seen.add(variable);
    return variable === 'app' ? '(?<app>.+)' : `(?<${variable}>[^/]+)`;
  });
  // The empty group makes `groups` an object even where the pattern has no variable.
  return new RegExp(`^${source.join('')}$(?<end>)`);
}
