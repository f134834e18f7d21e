/** Messages as odd encoders and servers send them. */

import { type AmfValue, ecmaArray, encodeAmf0 } from '../../edge/rtmp/amf0.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';

const properties = ecmaArray({ width: 320, height: 240, encoder: 'odd' });
const zero = Buffer.from([0]);

function message(type: number, payload: Buffer | string, streamId = 0): RtmpMessage {
  return { type, timestamp: 0, streamId, payload: typeof payload === 'string' ? Buffer.from(payload, 'hex') : payload };
}

/** Nobody can make anything of these; each must be passed over. */
export const unusableMessages: readonly RtmpMessage[] = [
  // Commands.
  message(20, ''),
  message(17, ''),
  message(17, '00'),
  message(20, 'ee0102'),
  message(20, '0200'),
  message(20, encodeAmf0(1, 2)),
  message(20, encodeAmf0('')),
  message(17, Buffer.concat([zero, encodeAmf0(null, 'play')])),
  // User control, too short for its type, and other control messages.
  message(4, ''),
  message(4, '00'),
  message(4, '0000'),
  message(4, '00030000000100'),
  message(4, '0006'),
  message(4, '000700'),
  message(2, '0000'),
  message(3, '00'),
  message(5, ''),
  message(6, '0000'),
  // Data.
  message(18, '', 1),
  message(15, '00', 1),
  message(18, 'ee0102', 1),
  message(18, encodeAmf0('onMetaData', properties).subarray(0, 30), 1),
  message(20, encodeAmf0('onMetaData', properties).subarray(0, 30), 1),
  // Aggregates: cut, of a part that is no media, within each other.
  message(22, '080000', 1),
  message(22, '63 000001 000000 00 000000 aa 0000000c'.replaceAll(' ', ''), 1),
  message(22, '16 000000 000000 00 000000 0000000b'.replaceAll(' ', ''), 1),
  // Types that are nothing to us.
  message(0, '00', 1),
  message(7, '0102', 1),
  message(16, '', 1),
  message(19, encodeAmf0('so', 1), 1),
  message(99, 'ff', 1),
];

/** Odd, and not worth a word: nothing is passed over. */
export const harmlessMessages: readonly RtmpMessage[] = [
  message(8, '', 1),
  message(9, '', 1),
  message(22, '', 1),
  message(5, '00000000'),
  message(4, '001a0100'),
  message(20, encodeAmf0('no such command', null, null, { a: [1, { b: new Date(0) }] }), 1),
  message(20, Buffer.concat([encodeAmf0('no such command', 'x', {}), Buffer.from('ee', 'hex')]), 1),
];

/** Data in ways that are odd, and what a player must get of each: its values. */
export const oddData: readonly [RtmpMessage, AmfValue[]][] = [
  [message(20, encodeAmf0('@setDataFrame', 'onMetaData', properties), 1), ['onMetaData', properties]],
  [message(17, Buffer.concat([zero, encodeAmf0('onMetaData', 0, null, properties)]), 1), ['onMetaData', properties]],
  [message(17, encodeAmf0('onTextData', { text: 'a' }), 1), ['onTextData', { text: 'a' }]],
  [message(20, encodeAmf0('onCuePoint', 0, null, { name: 'b' }), 1), ['onCuePoint', { name: 'b' }]],
  [message(20, encodeAmf0('onCaptionInfo', 'c'), 1), ['onCaptionInfo', 'c']],
  [message(15, encodeAmf0('onTextData', 'no format byte'), 1), ['onTextData', 'no format byte']],
  [message(15, Buffer.concat([zero, encodeAmf0('onTextData', 'd')]), 1), ['onTextData', 'd']],
  [message(18, Buffer.concat([zero, encodeAmf0('onTextData', 'e')]), 1), ['onTextData', 'e']],
  [message(18, Buffer.concat([encodeAmf0('onTextData', 'f'), Buffer.from('ee01', 'hex')]), 1), ['onTextData', 'f']],
  [message(18, encodeAmf0('@setDataFrame', 'onCuePoint', 'g'), 1), ['onCuePoint', 'g']],
];

/** An aggregate message of these, with garbage behind the last. */
export function aggregateOf(messages: readonly RtmpMessage[]): RtmpMessage {
  const parts = messages.map(({ type, timestamp, payload }) => {
    const part = Buffer.alloc(15 + payload.length);
    part[0] = type;
    part.writeUIntBE(payload.length, 1, 3);
    part.writeUIntBE(timestamp & 0xffffff, 4, 3);
    part[7] = timestamp >>> 24;
    payload.copy(part, 11);
    part.writeUInt32BE(11 + payload.length, 11 + payload.length);
    return part;
  });
  const timestamp = messages[0]?.timestamp ?? 0;
  return {
    type: MessageType.aggregate,
    timestamp,
    streamId: 1,
    payload: Buffer.concat([...parts, Buffer.from([9, 0])]),
  };
}
