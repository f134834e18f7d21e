/**
 * Audio, video and data, whichever way they were sent: what comes in by one door leaves by another in one form.
 */

import { splitAggregate } from './aggregate.ts';
import { readData } from './data.ts';
import { MessageType, type RtmpMessage, type Unusable } from './message.ts';

/**
 * Calls `take` for each audio, video or data message (of type 18) that `message` is or holds. Returns why some of it, or
 * all, could not be used; undefined when all went well.
 */
export function eachMediaMessage(message: RtmpMessage, take: (media: RtmpMessage) => void): string | undefined {
  switch (message.type) {
    case MessageType.audio:
    case MessageType.video:
      take(message);
      return undefined;
    case MessageType.dataAmf0:
    case MessageType.dataAmf3:
      return takeData(readData(message), take);
    case MessageType.aggregate: {
      let { parts, fault } = splitAggregate(message);
      for (const part of parts) {
        // An aggregate within an aggregate could go on for ever; nobody means one.
        const wrong =
          part.type === MessageType.aggregate ? 'an aggregate in an aggregate' : eachMediaMessage(part, take);
        fault ??= wrong;
      }
      return fault;
    }
    default:
      return `a message of type ${message.type}`;
  }
}

/** Whether `eachMediaMessage` makes something of this type. */
export function isMediaType(type: number): boolean {
  return (
    type === MessageType.audio ||
    type === MessageType.video ||
    type === MessageType.dataAmf0 ||
    type === MessageType.dataAmf3 ||
    type === MessageType.aggregate
  );
}

function takeData(data: RtmpMessage | Unusable, take: (media: RtmpMessage) => void): string | undefined {
  if ('kind' in data) return data.reason;
  take(data);
  return undefined;
}
