/**
 * The name of a stream on this edge: vhost, app and stream, as SRS identifies a live source.
 */

import { createHash } from 'node:crypto';

export interface StreamName {
  /** Name of the vhost block that serves it. */
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
}

/** `vhost/app/stream`: the key of a stream in maps, and how SRS prints it (`stream_url`). */
export function streamKey(name: StreamName): string {
  return `${name.vhost}/${name.app}/${name.stream}`;
}

/** As SRS prints a stream in callbacks and API answers: the default vhost is left out. */
export function streamUrl(name: StreamName): string {
  return `${name.vhost === '__defaultVhost__' ? '' : name.vhost}/${name.app}/${name.stream}`;
}

/** A stream's id in callbacks and API answers, of SRS's form; the same for a stream whenever it is published. */
export function streamId(name: StreamName): string {
  return `vid-${createHash('sha256').update(streamUrl(name)).digest('hex').slice(0, 7)}`;
}
