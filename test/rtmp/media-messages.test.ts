/** Data in every way that encoders send it, aggregates, and what is none of it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AmfValue, ecmaArray, encodeAmf0 } from '../../edge/rtmp/amf0.ts';
import { parseClientCommand } from '../../edge/rtmp/command.ts';
import { eachMediaMessage, isMediaType } from '../../edge/rtmp/media-messages.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';

const properties = ecmaArray({ width: 1280, encoder: 'x' });
const metadata = encodeAmf0('@setDataFrame', 'onMetaData', properties);
const zero = Buffer.from([0]);

function message(type: number, payload: Buffer): RtmpMessage {
  return { type, timestamp: 40, streamId: 1, payload };
}

/** What comes out, and why something did not. */
function taken(sent: RtmpMessage): { readonly media: RtmpMessage[]; readonly fault: string | undefined } {
  const media: RtmpMessage[] = [];
  return { media, fault: eachMediaMessage(sent, (each) => media.push(each)) };
}

test('data leaves as type 18, name first, whichever type and format byte it had', () => {
  const expected = { media: [message(18, metadata)], fault: undefined };
  const plain = message(18, metadata);
  assert.equal(taken(plain).media[0], plain);
  for (const payload of [metadata, Buffer.concat([zero, metadata])]) {
    for (const type of [MessageType.dataAmf0, MessageType.dataAmf3]) {
      assert.deepEqual(taken(message(type, payload)), expected);
    }
    for (const type of [MessageType.commandAmf0, MessageType.commandAmf3]) {
      assert.deepEqual(parseClientCommand(message(type, payload)), { kind: 'data', message: message(18, metadata) });
    }
  }
});

const commands: [string, AmfValue[], AmfValue[]][] = [
  ['as data is laid out', ['onTextData', { text: 'a' }], ['onTextData', { text: 'a' }]],
  ['with a transaction id', ['onMetaData', 0, properties], ['onMetaData', properties]],
  ['with id and command object', ['onCuePoint', 3, null, { name: 'a' }], ['onCuePoint', { name: 'a' }]],
  ['with a command object alone', ['onCaption', null, 'text'], ['onCaption', 'text']],
  [
    '@setDataFrame with an id',
    ['@setDataFrame', 0, null, 'onMetaData', properties],
    ['@setDataFrame', 'onMetaData', properties],
  ],
  ['a number that is the data', ['onCounter', 5], ['onCounter', 5]],
  ['without values', ['onCuePoint'], ['onCuePoint']],
  ['@clearDataFrame', ['@clearDataFrame', 'onMetaData'], ['@clearDataFrame', 'onMetaData']],
];
for (const [title, sent, expected] of commands) {
  test(`data as a command: ${title}`, () => {
    for (const [type, payload] of [
      [20, encodeAmf0(...sent)],
      [17, Buffer.concat([zero, encodeAmf0(...sent)])],
    ] as const) {
      assert.deepEqual(parseClientCommand(message(type, payload)), {
        kind: 'data',
        message: message(18, encodeAmf0(...expected)),
      });
    }
  });
}

test('commands of servers are no data', () => {
  for (const name of ['onStatus', 'onBWDone', 'onFCPublish', 'onFCUnpublish', 'only', 'set']) {
    assert.equal(parseClientCommand(message(20, encodeAmf0(name, 0, null))).kind, 'other');
  }
});

test('bytes behind the last value are cut off; without a whole value, the message is passed over', () => {
  for (const rest of ['ee', '0000', '0200', '0300016102']) {
    const payload = Buffer.concat([metadata, Buffer.from(rest, 'hex')]);
    assert.deepEqual(taken(message(18, payload)).media, [message(18, metadata)], rest);
  }
  const half = metadata.subarray(0, metadata.length - 8);
  for (const payload of [
    half,
    metadata.subarray(0, 20),
    metadata.subarray(0, 2),
    Buffer.alloc(0),
    zero,
    Buffer.from([0xee]),
  ]) {
    const { media, fault } = taken(message(18, payload));
    assert.deepEqual(media, []);
    assert.match(fault ?? '', /data message/);
  }
});

test('what we cannot read, but others may, goes on as it is', () => {
  // An AMF3 vector, and more values than we follow.
  const vector = Buffer.concat([encodeAmf0('onMetaData'), Buffer.from('110d0300000000', 'hex')]);
  const many = Buffer.concat([encodeAmf0('onMetaData'), Buffer.alloc(70_000, 5)]);
  for (const payload of [vector, many]) assert.deepEqual(taken(message(18, payload)).media, [message(18, payload)]);
});

test('a type is of media when something is made of it', () => {
  const media = Array.from({ length: 256 }, (_, type) => type).filter(isMediaType);
  assert.deepEqual(media, [8, 9, 15, 18, 22]);
  for (let type = 0; type < 256; type++) {
    const { fault } = taken(message(type, Buffer.from([0xaf])));
    assert.equal(fault === `a message of type ${type}`, !media.includes(type), `${type}`);
  }
});

/** An aggregate of these parts. */
function aggregate(...parts: readonly [type: number, payload: Buffer][]): Buffer {
  return Buffer.concat(
    parts.map(([type, payload]) => {
      const part = Buffer.alloc(15 + payload.length);
      part[0] = type;
      part.writeUIntBE(payload.length, 1, 3);
      payload.copy(part, 11);
      return part;
    }),
  );
}

test('an aggregate: its good parts are taken, whatever is between and behind them', () => {
  const audio = Buffer.from([0xaf, 1, 2]);
  const payload = Buffer.concat([
    aggregate([8, audio], [15, Buffer.concat([zero, metadata])], [99, audio], [9, audio]),
    Buffer.from([9, 0, 0, 77]),
  ]);
  const { media, fault } = taken(message(22, payload));
  assert.deepEqual(media, [message(8, audio), message(18, metadata), message(9, audio)]);
  assert.match(fault ?? '', /behind the last part/);
  assert.equal(taken(message(22, aggregate([99, audio]))).fault, 'a message of type 99');
});

test('aggregates within aggregates are not followed, however many', () => {
  let payload = aggregate([8, Buffer.from([0xaf, 1])]);
  for (let depth = 0; depth < 100; depth++) payload = aggregate([22, payload]);
  const { media, fault } = taken(message(22, payload));
  assert.deepEqual(media, []);
  assert.equal(fault, 'an aggregate in an aggregate');
});
