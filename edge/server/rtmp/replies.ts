/**
 * What a server says to RTMP clients, in the order and words that FMS, SRS and their clients are used to
 * (RTMP 1.0 §7.2). Pure: messages in, messages out.
 */

import type { VhostConfig } from '../../conf/model.ts';
import { encodeAmf0 } from '../../rtmp/amf0.ts';
import {
  buildCommand,
  type ClientCommand,
  type ConnectCommand,
  connectResult,
  createStreamResult,
  errorResult,
  nullResult,
  onBWDone,
  onFCPublish,
  onFCUnpublish,
  onStatus,
  type PlayingCommand,
} from '../../rtmp/command.ts';
import { setChunkSize, setPeerBandwidth, streamBegin, streamEof, windowAckSize } from '../../rtmp/control.ts';
import { intersectCapabilities, ourCapabilities } from '../../rtmp/enhanced.ts';
import { MessageType, type RtmpMessage } from '../../rtmp/message.ts';
import type { StreamRequest } from '../../stream/request.ts';
import { streamIdOf } from '../../stream/rtmp-stream-ids.ts';
import { version } from '../../version.ts';

export function connectAccepted(
  command: ConnectCommand,
  vhost: VhostConfig,
  serverId: string,
  clientId: string,
): RtmpMessage[] {
  const enhanced =
    command.enhanced === undefined ? undefined : intersectCapabilities(ourCapabilities, command.enhanced);
  const identity = {
    srs_sig: 'edgecluster',
    srs_server: `edgecluster/${serverId}`,
    srs_version: version,
    srs_pid: process.pid,
    srs_id: clientId,
  };
  return [
    ...(vhost.outAckSize > 0 ? [windowAckSize(vhost.outAckSize), setPeerBandwidth(vhost.outAckSize)] : []),
    connectResult(command.transactionId, {
      objectEncoding: command.objectEncoding,
      enhanced,
      extra: vhost.cluster.mode === 'local' || vhost.cluster.debugSrsUpnode ? identity : {},
    }),
    onBWDone(),
    // Last: it changes how everything after it is written.
    setChunkSize(vhost.chunkSize),
  ];
}

export function playStarted(
  streamId: number,
  { stream, clientId }: Pick<StreamRequest, 'stream' | 'clientId'>,
): RtmpMessage[] {
  const about = { details: stream, clientid: clientId };
  return [
    streamBegin(streamId),
    onStatus(streamId, 'status', 'NetStream.Play.Reset', 'Playing and resetting stream.', about),
    onStatus(streamId, 'status', 'NetStream.Play.Start', 'Started playing stream.', about),
    sampleAccess(streamId),
  ];
}

/** Flash's players read samples only of streams that allow it. */
function sampleAccess(streamId: number): RtmpMessage {
  const payload = encodeAmf0('|RtmpSampleAccess', true, true);
  return { type: MessageType.dataAmf0, timestamp: 0, streamId, payload };
}

/**
 * Answers what a player wants to have from now on. A live stream that pauses is not kept: it goes on later, where it is
 * then. Who wants sound or pictures no more is not told so (RTMP 1.0 §7.2.2.4).
 */
export function adjusted(command: PlayingCommand): RtmpMessage[] {
  const streamId = streamIdOf(command.streamId);
  const status = (code: string, description: string): RtmpMessage => onStatus(streamId, 'status', code, description);
  if (command.kind === 'pause') {
    return command.paused
      ? [status('NetStream.Pause.Notify', 'Paused stream.'), streamEof(streamId)]
      : [status('NetStream.Unpause.Notify', 'Unpaused stream.'), streamBegin(streamId)];
  }
  const done = acknowledged(command.transactionId);
  if (!command.wanted) return done;
  return [
    ...done,
    status('NetStream.Seek.Notify', 'The stream goes on where it is now.'),
    status('NetStream.Play.Start', 'Started playing stream.'),
  ];
}

export function playEnded(streamId: number, reason: string): RtmpMessage[] {
  return [onStatus(streamId, 'status', 'NetStream.Play.UnpublishNotify', reason), streamEof(streamId)];
}

export function playFailed(streamId: number, code: string, reason: string): RtmpMessage[] {
  return [onStatus(streamId, 'error', code, reason)];
}

export function publishAccepted(streamId: number): RtmpMessage[] {
  return [onFCPublish(streamId), onStatus(streamId, 'status', 'NetStream.Publish.Start', 'Started publishing stream.')];
}

export function publishRefused(streamId: number, code: string, reason: string): RtmpMessage[] {
  return [onStatus(streamId, 'error', code, reason)];
}

export function unpublishAccepted(streamId: number, transactionId: number): RtmpMessage[] {
  return [
    onFCUnpublish(streamId),
    nullResult(transactionId),
    onStatus(streamId, 'status', 'NetStream.Unpublish.Success', 'Stream is now unpublished.'),
  ];
}

/** @param streamId undefined: there are enough streams */
export function streamCreated(transactionId: number, streamId: number | undefined): RtmpMessage[] {
  if (streamId !== undefined) return [createStreamResult(transactionId, streamId)];
  return [errorResult(transactionId, 'NetConnection.Call.Failed', 'this connection has enough streams')];
}

/** The result of a command that has none to speak of, for who waits for it. */
export function acknowledged(transactionId: number): RtmpMessage[] {
  return transactionId > 0 ? [nullResult(transactionId)] : [];
}

/** Answers commands that need no more than an answer. */
export function replyToAside(command: ClientCommand): RtmpMessage[] {
  switch (command.kind) {
    case 'releaseStream':
    case 'FCPublish':
    case 'checkBandwidth':
      return acknowledged(command.transactionId);
    case 'getStreamLength':
      // Live streams have no length.
      return command.transactionId > 0 ? [buildCommand('_result', command.transactionId, [null, 0], 0)] : [];
    case 'seek':
      return [onStatus(streamIdOf(command.streamId), 'error', 'NetStream.Seek.Failed', 'Live streams cannot seek.')];
    case 'other':
      return acknowledged(command.transactionId);
    default:
      return [];
  }
}
