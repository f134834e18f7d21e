/**
 * Fuzz targets that need no edge: every reader of bytes, fed with input that is right in most of its parts. Whatever
 * comes, a reader may throw the errors of its own layer and nothing else.
 */

import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { parseProxyHeader, proxyHeaderMaxBytes } from '../../edge/access/proxy-header.ts';
import { classify, codecName, sequenceHeaderKey } from '../../edge/flv/media.ts';
import { metadataPayload } from '../../edge/flv/metadata.ts';
import { tagSize, writeTag } from '../../edge/flv/tag.ts';
import { splitAggregate } from '../../edge/rtmp/aggregate.ts';
import { AmfError, decodeAmf0, encodeAmf0 } from '../../edge/rtmp/amf0.ts';
import { ChunkReader } from '../../edge/rtmp/chunk-reader.ts';
import { parseClientCommand, parseServerCommand, redirectOf } from '../../edge/rtmp/command.ts';
import { parseControl } from '../../edge/rtmp/control.ts';
import { RtmpError } from '../../edge/rtmp/errors.ts';
import { ClientHandshake, ServerHandshake } from '../../edge/rtmp/handshake.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';
import { resolveStreamUrl } from '../../edge/rtmp/url.ts';
import { isMedia, toUntimedFrame } from '../../edge/stream/frame.ts';
import fc from '../support/property.ts';
import { proxyHeaderV2 } from '../support/proxy-header.ts';
import { configurations, survives as readsConfiguration, variables } from './configuration.ts';
import { amfValue, bytes, chunkStream, message } from './rtmp-grammar.ts';

/** What `make fuzz` does with one kind of input. */
export interface Target {
  readonly name: string;
  readonly property: fc.IRawProperty<unknown>;
}

/** Runs `read`; only the layer's own errors may come out of it. */
function survives(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof RtmpError || error instanceof AmfError)) throw error;
  }
}

function readMessage(message: RtmpMessage): void {
  survives(() => void parseControl(message));
  survives(() => {
    const command = parseClientCommand(message);
    if ('streamName' in command) resolveStreamUrl({ tcUrl: '', app: '', stream: command.streamName });
    if (command.kind === 'connect') resolveStreamUrl({ tcUrl: command.tcUrl, app: command.app, stream: undefined });
  });
  survives(() => {
    const command = parseServerCommand(message);
    if (command.kind === 'onStatus') redirectOf(command.info);
  });
  survives(() => void splitAggregate(message));
  const frame = toUntimedFrame(message);
  if (frame !== undefined && isMedia(frame)) assert.ok(frame.payload.length > 0);
}

/** The messages of these bytes, or how far they got before the reader refused them. */
function messagesOf(pieces: readonly Buffer[]): RtmpMessage[] {
  const messages: RtmpMessage[] = [];
  const reader = new ChunkReader();
  survives(() => {
    for (const piece of pieces)
      reader.push(piece, (each) => messages.push({ ...each, payload: Buffer.from(each.payload) }));
  });
  return messages;
}

function cut(whole: Buffer, at: number): Buffer[] {
  const middle = at % (whole.length + 1);
  return [whole.subarray(0, middle), whole.subarray(middle)];
}

/** PROXY headers, most of them right but for a few bytes. */
const proxyHeader = fc
  .tuple(
    fc.oneof(
      fc
        .record({
          source: fc.oneof(fc.ipV4(), fc.constantFrom('2001:db8::1', '::1')),
          command: fc.nat(3),
          tlvs: bytes,
        })
        .map(proxyHeaderV2),
      fc
        .tuple(
          fc.constantFrom('TCP4', 'TCP6', 'UNKNOWN'),
          fc.oneof(fc.ipV4(), fc.ipV6()),
          fc.nat(70_000),
          fc.nat(70_000),
        )
        .map(([family, ip, from, to]) => Buffer.from(`PROXY ${family} ${ip} ${ip} ${from} ${to}\r\n`)),
      bytes,
    ),
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 2 }),
    bytes,
  )
  .map(([header, changes, rest]) => {
    const changed = Buffer.from(header);
    for (const [at, value] of changes) if (changed.length > 0) changed[at % changed.length] = value;
    return Buffer.concat([changed, rest]);
  });

export const readers: readonly Target[] = [
  {
    name: 'handshake',
    property: fc.property(bytes, fc.array(bytes, { maxLength: 40 }), fc.boolean(), (first, more, sound) => {
      for (const handshake of [new ServerHandshake(), new ClientHandshake()]) {
        survives(() => {
          if (sound) handshake.push(new ClientHandshake().start());
          for (const piece of [first, ...more]) if (handshake.push(piece).done) return;
        });
      }
    }),
  },
  {
    name: 'PROXY header',
    property: fc.property(proxyHeader, (whole) => {
      const verdict = parseProxyHeader(whole);
      if (verdict.kind === 'partial') assert.ok(whole.length < proxyHeaderMaxBytes);
      if (verdict.kind !== 'whole') return;
      assert.ok(verdict.size <= whole.length);
      assert.ok(verdict.address === undefined || isIP(verdict.address) !== 0, verdict.address);
      // What has not come whole says nothing yet; what comes behind it changes nothing.
      assert.equal(parseProxyHeader(whole.subarray(0, verdict.size - 1)).kind, 'partial');
      assert.deepEqual(parseProxyHeader(Buffer.concat([whole, Buffer.alloc(9)])), verdict);
    }),
  },
  {
    name: 'chunks',
    property: fc.property(chunkStream, fc.nat(), (whole, at) => {
      const messages = messagesOf([whole]);
      // Where the network cuts the bytes makes no difference.
      assert.deepEqual(messagesOf(cut(whole, at)), messages);
      for (const each of messages) readMessage(each);
    }),
  },
  { name: 'commands', property: fc.property(message, readMessage) },
  {
    name: 'amf',
    property: fc.property(fc.array(amfValue, { maxLength: 4 }), fc.nat(), fc.nat(255), (values, at, byte) => {
      const encoded = encodeAmf0(...values);
      assert.deepEqual(decodeAmf0(encoded), values);
      if (encoded.length > 0) encoded[at % encoded.length] = byte;
      survives(() => {
        const decoded = decodeAmf0(encoded);
        assert.deepEqual(decodeAmf0(encodeAmf0(...decoded)), decoded);
      });
    }),
  },
  {
    name: 'flv',
    property: fc.property(message, fc.nat(2 ** 32 - 1), ({ type, payload }, timeMs) => {
      classify(type, payload);
      codecName(type, payload);
      sequenceHeaderKey(type, payload);
      metadataPayload(payload);
      const tag = Buffer.alloc(tagSize(payload.length));
      assert.equal(writeTag(tag, 0, type, timeMs, payload), tag.length);
      assert.equal(tag.readUInt32BE(tag.length - 4), tag.length - 4);
    }),
  },
  { name: 'configuration', property: fc.property(configurations, (text) => readsConfiguration(text)) },
  {
    name: 'environment',
    property: fc.property(variables, (env) => readsConfiguration('listen 1935; vhost v { }', env)),
  },
];
