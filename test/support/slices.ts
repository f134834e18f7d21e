/** Slices made of messages, without a stream around them. */

import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { BufferPool } from '../../edge/stream/buffer-pool.ts';
import { type Frame, placed, toUntimedFrame } from '../../edge/stream/frame.ts';
import { FramePacker } from '../../edge/stream/frame-packer.ts';
import { HeaderSet } from '../../edge/stream/headers.ts';
import { Slice } from '../../edge/stream/slice.ts';

/** The frame of a message, at its own time. */
export function frameOf(message: RtmpMessage): Frame {
  const untimed = toUntimedFrame(message);
  if (untimed === undefined) throw new Error(`a message of type ${message.type} is no media`);
  return placed(untimed, message.timestamp);
}

/** A slice of these messages, at their own times. */
export function sliceOf(...messages: RtmpMessage[]): Slice {
  const packer = new FramePacker(new BufferPool());
  for (const message of messages) packer.add(frameOf(message));
  return new Slice({ frames: packer.take(), headersBefore: HeaderSet.empty, lastTimes: [] });
}
