/**
 * The name of a stream on this edge: vhost, app and stream, as SRS identifies a live source.
 */

export interface StreamName {
  /** The vhost as asked for by the client (not the vhost block that serves it). */
  readonly vhost: string;
  readonly app: string;
  readonly stream: string;
}

/** `vhost/app/stream`: the key of a stream in maps, and how SRS prints it (`stream_url`). */
export function streamKey(name: StreamName): string {
  return `${name.vhost}/${name.app}/${name.stream}`;
}
