/**
 * The message streams of one connection (RTMP 1.0 §7.2.1.3). A client may create some; one of them may play or publish
 * at a time.
 */

import type { ClientCommand } from '../../rtmp/command.ts';
import type { StreamRequest } from '../../stream/request.ts';
import { firstStreamId, streamIdOf } from '../../stream/rtmp-stream-ids.ts';
import type { Admitted } from './admission.ts';
import type { State } from './state.ts';

/** Streams that a connection may have created. Each id that plays has bytes of its own: there must not be many. */
export const messageStreamsMax = 4;

export class MessageStreams {
  readonly #created = new Set<number>();

  /** The id of a new stream, the lowest that is free; undefined when there are enough. */
  create(): number | undefined {
    for (let id = firstStreamId; id <= messageStreamsMax; id++) {
      if (this.#created.has(id)) continue;
      this.#created.add(id);
      return id;
    }
    return undefined;
  }

  /** The client needs this stream no longer. */
  free(id: number): void {
    this.#created.delete(id);
  }
}

/** What a client wants that asks to play or publish. */
export type WantedStream =
  | { readonly kind: 'new'; readonly streamId: number }
  /** What it does already: it is told so once more. */
  | { readonly kind: 'again'; readonly streamId: number; readonly asked: StreamRequest }
  | { readonly kind: 'refused'; readonly streamId: number; readonly reason: string }
  /** It has not connected. */
  | { readonly kind: 'early' };

export type BeginCommand = Extract<ClientCommand, { readonly kind: 'publish' | 'play' }>;

/** @param isSame whether the command names the stream that the client has */
export function readRequest(
  { kind, streamId: sent }: BeginCommand,
  state: State,
  isSame: (admitted: Admitted) => boolean,
): WantedStream {
  const streamId = streamIdOf(sent);
  if (state.kind === 'connecting') return { kind: 'early' };
  if (state.kind === 'playing' || state.kind === 'publishing') {
    const does = state.kind === 'playing' ? 'play' : 'publish';
    if (does === kind && state.streamId === streamId && isSame(state.admitted)) {
      return { kind: 'again', streamId, asked: state.admitted.request };
    }
    const reason = 'this connection has a stream already; a second one needs a connection of its own';
    return { kind: 'refused', streamId, reason };
  }
  if (kind === 'publish' || streamId <= messageStreamsMax) return { kind: 'new', streamId };
  const reason = `there is no message stream ${streamId}: use the one that createStream gave`;
  return { kind: 'refused', streamId, reason };
}
