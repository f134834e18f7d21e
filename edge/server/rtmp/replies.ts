/**
 * What a server says to RTMP clients, in the order and words that FMS, SRS and their clients are used to
 * (RTMP 1.0 §7.2). Pure: messages in, messages out.
 */

import type { VhostConfig } from '../../conf/model.ts';
import {
  buildCommand,
  type ClientCommand,
  type ConnectCommand,
  connectResult,
  createStreamResult,
  nullResult,
  onBWDone,
  onFCPublish,
  onFCUnpublish,
  onStatus,
} from '../../rtmp/command.ts';
import {
  LimitType,
  setChunkSize,
  setPeerBandwidth,
  streamBegin,
  streamEof,
  windowAckSize,
} from '../../rtmp/control.ts';
import { intersectCapabilities, ourCapabilities } from '../../rtmp/enhanced.ts';
import type { RtmpMessage } from '../../rtmp/message.ts';
import { playStreamId } from '../../stream/rtmp-stream-ids.ts';
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
    ...(vhost.outAckSize > 0
      ? [windowAckSize(vhost.outAckSize), setPeerBandwidth(vhost.outAckSize, LimitType.dynamic)]
      : []),
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

export function playStarted(): RtmpMessage[] {
  return [
    streamBegin(playStreamId),
    onStatus(playStreamId, 'status', 'NetStream.Play.Reset', 'Playing and resetting stream.'),
    onStatus(playStreamId, 'status', 'NetStream.Play.Start', 'Started playing stream.'),
  ];
}

export function playEnded(reason: string): RtmpMessage[] {
  return [onStatus(playStreamId, 'status', 'NetStream.Play.UnpublishNotify', reason), streamEof(playStreamId)];
}

export function playFailed(code: string, reason: string): RtmpMessage[] {
  return [onStatus(playStreamId, 'error', code, reason)];
}

export function publishAccepted(): RtmpMessage[] {
  return [
    onFCPublish(playStreamId),
    onStatus(playStreamId, 'status', 'NetStream.Publish.Start', 'Started publishing stream.'),
  ];
}

export function publishRefused(code: string, reason: string): RtmpMessage[] {
  return [onStatus(playStreamId, 'error', code, reason)];
}

export function unpublishAccepted(transactionId: number): RtmpMessage[] {
  return [
    onFCUnpublish(playStreamId),
    nullResult(transactionId),
    onStatus(playStreamId, 'status', 'NetStream.Unpublish.Success', 'Stream is now unpublished.'),
  ];
}

/** Answers commands that need no more than an answer. */
export function replyToAside(command: ClientCommand): RtmpMessage[] {
  switch (command.kind) {
    case 'createStream':
      return [createStreamResult(command.transactionId, playStreamId)];
    case 'releaseStream':
    case 'FCPublish':
    case 'checkBandwidth':
      return command.transactionId > 0 ? [nullResult(command.transactionId)] : [];
    case 'getStreamLength':
      // Live streams have no length.
      return command.transactionId > 0 ? [buildCommand('_result', command.transactionId, [null, 0], 0)] : [];
    case 'pause': {
      // A live stream cannot wait: the client is answered, and the stream goes on.
      const code = command.paused ? 'NetStream.Pause.Notify' : 'NetStream.Unpause.Notify';
      return [onStatus(playStreamId, 'status', code, 'Live streams go on.')];
    }
    case 'seek':
      return [onStatus(playStreamId, 'error', 'NetStream.Seek.Failed', 'Live streams cannot seek.')];
    case 'other':
      return command.transactionId > 0 ? [nullResult(command.transactionId)] : [];
    default:
      return [];
  }
}
