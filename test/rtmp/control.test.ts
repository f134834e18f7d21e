import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AckWindow } from '../../edge/rtmp/acknowledgement.ts';
import {
  acknowledgement,
  type ControlMessage,
  parseControl,
  pingRequest,
  pingResponse,
  setBufferLength,
  setChunkSize,
  setPeerBandwidth,
  streamBegin,
  streamEof,
  windowAckSize,
} from '../../edge/rtmp/control.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';

const messages: [RtmpMessage, number, string, ControlMessage][] = [
  [setChunkSize(60000), 1, '0000ea60', { kind: 'setChunkSize', chunkSize: 60000 }],
  [acknowledgement(0xffffffff), 3, 'ffffffff', { kind: 'acknowledgement', sequenceNumber: 0xffffffff }],
  [windowAckSize(2500000), 5, '002625a0', { kind: 'windowAckSize', windowBytes: 2500000 }],
  [setPeerBandwidth(2500000), 6, '002625a002', { kind: 'setPeerBandwidth', windowBytes: 2500000, limitType: 2 }],
  [streamBegin(1), 4, '000000000001', { kind: 'streamBegin', streamId: 1 }],
  [streamEof(1), 4, '000100000001', { kind: 'streamEof', streamId: 1 }],
  [setBufferLength(1, 3000), 4, '00030000000100000bb8', { kind: 'setBufferLength', streamId: 1, bufferMs: 3000 }],
  [pingRequest(0x12345678), 4, '000612345678', { kind: 'pingRequest', timestamp: 0x12345678 }],
  [pingResponse(0x12345678), 4, '000712345678', { kind: 'pingResponse', timestamp: 0x12345678 }],
];
for (const [message, type, payload, control] of messages) {
  test(`${control.kind} is written and read`, () => {
    assert.deepEqual(message, { type, timestamp: 0, streamId: 0, payload: Buffer.from(payload, 'hex') });
    assert.deepEqual(parseControl(message), control);
  });

  test(`${control.kind} cut short is unusable`, () => {
    const missing = control.kind === 'setPeerBandwidth' ? 2 : 1;
    const cut = { ...message, payload: message.payload.subarray(0, message.payload.length - missing) };
    assert.equal(parseControl(cut).kind, 'unusable');
  });
}

test('an Abort names a chunk stream', () => {
  const message = { type: 2, timestamp: 0, streamId: 0, payload: Buffer.from('00000102', 'hex') };
  assert.deepEqual(parseControl(message), { kind: 'abort', csid: 0x102 });
});

test('events of products, and what is no control message, are told apart', () => {
  const event = { type: 4, timestamp: 0, streamId: 0, payload: Buffer.from('001a01', 'hex') };
  assert.deepEqual(parseControl(event), { kind: 'otherEvent', event: 26 });
  assert.deepEqual(parseControl({ ...event, payload: Buffer.from('0002', 'hex') }), { kind: 'otherEvent', event: 2 });
  for (const type of [0, 7, 8]) {
    assert.deepEqual(parseControl({ ...event, type, payload: Buffer.alloc(8) }), { kind: 'other', type });
  }
});

test('an acknowledgement is due at half the window, once', () => {
  const ack = new AckWindow();
  assert.equal(ack.received(1_000_000), undefined);
  ack.windowBytes = 1000;
  assert.equal(ack.received(1), 1_000_001);
  assert.equal(ack.received(499), undefined);
  assert.equal(ack.received(1), 1_000_501);
});

test('the sequence number wraps at 32 bits', () => {
  const ack = new AckWindow();
  ack.windowBytes = 1000;
  assert.equal(ack.received(2 ** 32 - 1), 2 ** 32 - 1);
  assert.equal(ack.received(600), 599);
  assert.equal(ack.received(600), 1199);
});
