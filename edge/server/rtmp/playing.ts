/**
 * A client that plays a stream over RTMP.
 */

import type { PlayingCommand } from '../../rtmp/command.ts';
import { Track } from '../../stream/frame.ts';
import type { LiveStream } from '../../stream/live-stream.ts';
import { Player } from '../../stream/player.ts';
import type { PlayerSink } from '../../stream/player-sink.ts';
import { queueLimits } from '../../stream/queue-limits.ts';
import { rtmpFormat } from '../../stream/rtmp-format.ts';
import { isFromEdge } from '../clients.ts';
import type { Gateway } from '../gateway.ts';
import type { Admitted } from './admission.ts';
import { playStarted } from './replies.ts';
import type { RtmpTransport } from './transport.ts';

export class Playing {
  readonly kind = 'playing';
  /** The message stream of the client. */
  readonly streamId: number;
  readonly admitted: Admitted;
  readonly #gateway: Gateway;
  readonly #stream: LiveStream;
  readonly #player: Player;

  private constructor(streamId: number, admitted: Admitted, gateway: Gateway, stream: LiveStream, player: Player) {
    this.streamId = streamId;
    this.admitted = admitted;
    this.#gateway = gateway;
    this.#stream = stream;
    this.#player = player;
  }

  /**
   * Asks for the stream and tells the client that it plays; media comes after `attach`. Undefined when the client has
   * gone meanwhile; throws a Refusal.
   */
  static async begin(
    streamId: number,
    admitted: Admitted,
    gateway: Gateway,
    transport: RtmpTransport,
    sink: PlayerSink,
    isGone: () => boolean,
  ): Promise<Playing | undefined> {
    const { request, vhost } = admitted;
    const askedMs = performance.now();
    const stream = await gateway.grants.play(request, vhost);
    if (isGone()) {
      gateway.grants.stopped(request, vhost);
      return undefined;
    }
    transport.send(playStarted(streamId, request));
    const player = new Player({
      format: rtmpFormat(transport.chunkSize, vhost.play.timeJitter !== 'off', streamId),
      sink,
      request,
      isEdge: isFromEdge(request),
      limits: () => queueLimits(stream.vhost),
      memory: stream.memory,
      firstFrame: () => gateway.clients.gotFirstFrame(request, performance.now() - askedMs),
    });
    return new Playing(streamId, admitted, gateway, stream, player);
  }

  attach(): void {
    this.#stream.attach(this.#player);
  }

  /** Calls `leave` when the player has had all before the next key frame. */
  atKeyframe(leave: () => void): void {
    this.#stream.atKeyframe(this.#player, leave);
  }

  /** The client wants nothing for now, or goes on; it wants a track no more, or again. */
  adjust(command: PlayingCommand): void {
    if (command.kind !== 'pause') {
      this.#player.receive(command.kind === 'receiveAudio' ? Track.audio : Track.video, command.wanted);
    } else if (command.paused) this.#player.pause();
    else this.#stream.resume(this.#player);
  }

  get droppedGops(): number {
    return this.#player.droppedGops;
  }

  /** The kernel took what the player was given. */
  drained(): void {
    this.#player.drained();
  }

  /** A player may be silent for as long as it likes. */
  overdue(_nowMs: number): undefined {}

  leave(): void {
    this.#stream.detach(this.#player);
    this.#gateway.grants.stopped(this.admitted.request, this.admitted.vhost);
  }
}
