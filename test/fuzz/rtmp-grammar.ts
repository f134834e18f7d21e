/**
 * Arbitrary RTMP, right in most of its parts: a wrong part is reached only by input that is right before it. AMF values,
 * commands, messages, chunk streams, and whole conversations of a client.
 */

import { type AmfObject, type AmfValue, ecmaArray, encodeAmf0 } from '../../edge/rtmp/amf0.ts';
import { encodeMessage } from '../../edge/rtmp/chunk-writer.ts';
import { ClientHandshake } from '../../edge/rtmp/handshake.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import fc from '../support/property.ts';

/** Bytes with those that mean something in RTMP and AMF more often than by chance. */
export const bytes: fc.Arbitrary<Buffer> = fc
  .array(fc.oneof(fc.constantFrom(0, 1, 2, 3, 5, 8, 9, 0x0a, 0x11, 0x17, 0x2f, 0xaf, 0xff), fc.nat(255)), {
    maxLength: 120,
  })
  .map((values) => Buffer.from(values));

const text = fc.oneof(
  fc.constantFrom('live', 'a/b', '', 'x?vhost=v', '..', '%2F', 'a\0', 'é', '__proto__', 'onMetaData', '@setDataFrame'),
  fc.string({ unit: 'binary', maxLength: 40 }),
);

export const amfValue: fc.Arbitrary<AmfValue> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.double(),
    fc.boolean(),
    text,
    fc.constantFrom<AmfValue>(null, undefined),
    fc.date({ noInvalidDate: true }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4, noNullPrototype: true }),
    fc.dictionary(text, tie('value'), { maxKeys: 4, noNullPrototype: true }).map((o) => ecmaArray(o as AmfObject)),
  ),
})).value as fc.Arbitrary<AmfValue>;

const commandName = fc.oneof(
  fc.constantFrom(
    'connect',
    'createStream',
    'releaseStream',
    'FCPublish',
    'FCUnpublish',
    'publish',
    'play',
    'pause',
    'seek',
    'receiveAudio',
    'closeStream',
    'deleteStream',
    'getStreamLength',
    '_checkbw',
    '_result',
    '_error',
    'onStatus',
    'onMetaData',
    '@setDataFrame',
  ),
  text,
);

/** A connect that an edge accepts. */
const connectObject = fc.record(
  {
    app: text,
    tcUrl: fc.constantFrom('rtmp://127.0.0.1/live', 'rtmp://h', '', 'x'),
    capsEx: amfValue,
    fourCcList: amfValue,
  },
  { noNullPrototype: true, requiredKeys: [] },
);

/** Payload of a command: name, transaction id, object and arguments, each of them sometimes odd or missing. */
const commandPayload = fc
  .tuple(
    fc.oneof({ weight: 8, arbitrary: commandName as fc.Arbitrary<AmfValue> }, amfValue),
    fc.oneof({ weight: 8, arbitrary: fc.nat(20) as fc.Arbitrary<AmfValue> }, amfValue),
    fc.oneof(fc.constant<AmfValue>(null), connectObject as unknown as fc.Arbitrary<AmfValue>, amfValue),
    fc.array(fc.oneof(text as fc.Arbitrary<AmfValue>, amfValue), { maxLength: 3 }),
    fc.nat(4),
    fc.oneof({ weight: 6, arbitrary: fc.constant(Buffer.alloc(0)) }, bytes),
  )
  .map(([name, id, object, args, keep, garbage]) =>
    Buffer.concat([encodeAmf0(...[name, id, object, ...args].slice(0, 4 + keep)), garbage]),
  );

/** Payloads of audio, video and data that are right at their beginning. */
const mediaHead = fc.constantFrom(
  '1700000000',
  '1701000000',
  '2701000000',
  'af00',
  'af01',
  '9061766331',
  '9168766331',
  '9611687663310000000261610100000162',
  '95014f707573',
  '97000007',
  '',
);
const mediaPayload = fc.tuple(mediaHead, bytes).map(([head, body]) => Buffer.concat([Buffer.from(head, 'hex'), body]));

const type = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(20, 17, 8, 9, 18, 15, 22) },
  { weight: 2, arbitrary: fc.constantFrom(1, 2, 3, 4, 5, 6) },
  fc.nat(255),
);

export const message: fc.Arbitrary<RtmpMessage> = type.chain((type) => {
  const isCommand = type === 20 || type === 17 || type === 18 || type === 15;
  const payload = isCommand ? fc.oneof({ weight: 6, arbitrary: commandPayload }, bytes) : fc.oneof(mediaPayload, bytes);
  return fc.record({
    type: fc.constant(type),
    timestamp: fc.oneof(fc.nat(10_000), fc.constantFrom(0xfffffe, 0xffffff, 2 ** 31, 2 ** 32 - 1)),
    streamId: fc.oneof(fc.constantFrom(0, 1), fc.nat(2 ** 32 - 1)),
    payload,
  });
});

/** Messages as chunks, some of them with bytes changed, dropped or put in. */
export const chunkStream: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.array(fc.tuple(message, fc.constantFrom(2, 3, 3, 4, 6, 64, 400)), { minLength: 1, maxLength: 12 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(3), bytes), { maxLength: 2 }),
    fc.boolean(),
  )
  .map(([messages, changes, damaged]) => {
    const whole = Buffer.concat(messages.map(([each, csid]) => encodeMessage(each, csid, 128)));
    return damaged ? changes.reduce(changed, whole) : whole;
  });

function changed(whole: Buffer, [at, drop, put]: readonly [number, number, Buffer]): Buffer {
  const from = at % (whole.length + 1);
  return Buffer.concat([whole.subarray(0, from), put, whole.subarray(from + drop)]);
}

function command(name: string, id: number, ...args: AmfValue[]): RtmpMessage {
  return { type: 20, timestamp: 0, streamId: id < 3 ? 0 : 1, payload: encodeAmf0(name, id, ...args) };
}

/** What comes before anything interesting: handshake, connect, createStream, and play or publish. */
function opening(steps: number, role: 'play' | 'publish', stream: string): Buffer {
  const commands = [
    command('connect', 1, { app: 'live', tcUrl: 'rtmp://127.0.0.1/live' }),
    command('createStream', 2, null),
    command(role, 3, null, stream, 'live'),
  ].slice(0, steps);
  const handshake = new ClientHandshake().start();
  // C2 is not checked by anybody: it echoes what the server has sent.
  const c2 = Buffer.alloc(handshake.length - 1);
  return Buffer.concat([handshake, c2, ...commands.map((each) => encodeMessage(each, 3, 128))]);
}

/** All that a client sends: a right beginning of some length, then anything. */
export const conversation: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.nat(3),
    fc.constantFrom('play', 'publish'),
    fc.constantFrom('fuzz', 'honest', 'other'),
    fc.array(fc.oneof({ weight: 4, arbitrary: chunkStream }, bytes), { maxLength: 4 }),
    fc.boolean(),
  )
  .map(([steps, role, stream, tail, shakesHands]) => {
    const head = shakesHands ? opening(steps, role, stream) : Buffer.alloc(0);
    return Buffer.concat([head, ...tail]);
  });
