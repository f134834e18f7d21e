import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AmfError, type AmfObject, type AmfValue, decodeAmf0, encodeAmf0, wireType } from '../../edge/rtmp/amf0.ts';
import {
  buildCommand,
  type ClientCommand,
  connectError,
  connectResult,
  createStreamResult,
  nullResult,
  onBWDone,
  onFCPublish,
  onFCUnpublish,
  onStatus,
  parseClientCommand,
  parseCommand,
  parseServerCommand,
  reconnectRequest,
  redirectInfo,
  redirectOf,
} from '../../edge/rtmp/command.ts';
import { CapsEx, intersectCapabilities, ourCapabilities, parseCapabilities } from '../../edge/rtmp/enhanced.ts';
import { RtmpError } from '../../edge/rtmp/errors.ts';

function client(name: string, transactionId: number, args: AmfValue[], streamId = 0): ClientCommand {
  return parseClientCommand(buildCommand(name, transactionId, args, streamId));
}

test('a command is AMF0 of type 20 with timestamp 0', () => {
  assert.deepEqual(buildCommand('play', 0, [null, 's'], 1), {
    type: 20,
    timestamp: 0,
    streamId: 1,
    payload: Buffer.from('020004706c6179 000000000000000000 05 02000173'.replaceAll(' ', ''), 'hex'),
  });
});

test('commands of type 17 have a format byte and AMF3 values; some clients leave the byte out', () => {
  // "createStream", 2, AMF3 null, as Flash sends it with objectEncoding 3.
  const amf = Buffer.concat([encodeAmf0('createStream', 2), Buffer.from([0x11, 0x01])]);
  const expected = { name: 'createStream', transactionId: 2, args: [null] };
  const message = { type: 17, timestamp: 0, streamId: 0 };
  assert.deepEqual(parseCommand({ ...message, payload: Buffer.concat([Buffer.from([0]), amf]) }), expected);
  assert.deepEqual(parseCommand({ ...message, payload: amf }), expected);
});

test('a command without name or with a text as transaction id is an error', () => {
  const bad = (error: unknown): boolean => error instanceof RtmpError && error.code === 'bad-command';
  for (const payload of [Buffer.alloc(0), encodeAmf0(1, 2), encodeAmf0('play', 'x')]) {
    assert.throws(() => parseCommand({ type: 20, timestamp: 0, streamId: 0, payload }), bad);
  }
  assert.throws(() => parseCommand({ type: 18, timestamp: 0, streamId: 0, payload: encodeAmf0('a', 1) }), bad);
  assert.throws(() => client('connect', 1, [null]), bad);
  assert.throws(() => client('publish', 1, [null]), bad);
  assert.throws(() => client('play', 1, [null, 5]), bad);
  assert.throws(() => parseCommand({ type: 20, timestamp: 0, streamId: 0, payload: Buffer.from([2, 0]) }), AmfError);
});

test('connect: what FFmpeg and OBS send', () => {
  const commandObject: AmfObject = {
    app: 'live',
    type: 'nonprivate',
    flashVer: 'FMLE/3.0 (compatible; FMSc/1.0)',
    swfUrl: 'http://host/player.swf',
    tcUrl: 'rtmp://host/live',
    pageUrl: 'http://host/',
    fourCcList: ['av01', 'hvc1'],
    videoFourCcInfoMap: { '*': 4 },
    capsEx: 3,
  };
  assert.deepEqual(client('connect', 1, [commandObject, 'token', 7]), {
    kind: 'connect',
    transactionId: 1,
    streamId: 0,
    app: 'live',
    tcUrl: 'rtmp://host/live',
    pageUrl: 'http://host/',
    swfUrl: 'http://host/player.swf',
    flashVer: 'FMLE/3.0 (compatible; FMSc/1.0)',
    objectEncoding: 0,
    enhanced: {
      fourCcList: ['av01', 'hvc1'],
      videoFourCcInfoMap: Object.assign(Object.create(null), { '*': 4 }),
      audioFourCcInfoMap: Object.create(null),
      capsEx: 3,
    },
    fourCcList: ['av01', 'hvc1'],
    videoFourCcInfoMap: Object.assign(Object.create(null), { '*': 4 }),
    audioFourCcInfoMap: Object.create(null),
    capsEx: 3,
    commandObject,
    args: ['token', 7],
  });
});

test('connect: what is missing or of a wrong type is empty', () => {
  const command = client('connect', 1, [{ app: 5, objectEncoding: 3 }]);
  assert.ok(command.kind === 'connect');
  assert.equal(command.app, '');
  assert.equal(command.tcUrl, '');
  assert.equal(command.objectEncoding, 3);
  assert.equal(command.enhanced, undefined);
  assert.deepEqual(command.args, []);
});

const commands: [string, AmfValue[], object][] = [
  ['createStream', [null], { kind: 'createStream' }],
  ['releaseStream', [null, 's'], { kind: 'releaseStream', streamName: 's' }],
  ['FCPublish', [null, 's'], { kind: 'FCPublish', streamName: 's' }],
  ['FCUnpublish', [null, 's'], { kind: 'FCUnpublish', streamName: 's' }],
  ['getStreamLength', [null, 's'], { kind: 'getStreamLength', streamName: 's' }],
  ['_checkbw', [null], { kind: 'checkBandwidth' }],
  ['publish', [null, 's?k=v', 'record'], { kind: 'publish', streamName: 's?k=v', publishType: 'record' }],
  ['publish', [null, 's'], { kind: 'publish', streamName: 's', publishType: 'live' }],
  ['publish', [null, false], { kind: 'closeStream' }],
  ['play', [null, 's'], { kind: 'play', streamName: 's', start: -2, duration: -1, reset: true }],
  ['play', [null, 's', 0, 10, false], { kind: 'play', streamName: 's', start: 0, duration: 10, reset: false }],
  ['play', [null, 's', -1000, -1, 1], { kind: 'play', streamName: 's', start: -1000, duration: -1, reset: true }],
  ['play', [null, false], { kind: 'closeStream' }],
  ['pause', [null, true, 1500], { kind: 'pause', paused: true, timeMs: 1500 }],
  ['pause', [null, false, 0], { kind: 'pause', paused: false, timeMs: 0 }],
  ['seek', [null, 1500], { kind: 'seek', timeMs: 1500 }],
  ['deleteStream', [null, 1], { kind: 'deleteStream', deletedStreamId: 1 }],
  ['closeStream', [null], { kind: 'closeStream' }],
  ['set', [null, 1], { kind: 'other', name: 'set', args: [null, 1] }],
];
for (const [name, args, expected] of commands) {
  test(`${name}(${JSON.stringify(args.slice(1)).slice(1, -1)})`, () => {
    assert.deepEqual(client(name, 4, args, 1), { transactionId: 4, streamId: 1, ...expected });
  });
}

test('connectResult has the fields clients look for, and SRS identification as an ECMA array in data', () => {
  const message = connectResult(1, { objectEncoding: 3, enhanced: ourCapabilities, extra: { srs_id: 'abc' } });
  const [name, transactionId, properties, info] = decodeAmf0(message.payload);
  assert.deepEqual([name, transactionId], ['_result', 1]);
  const { fmsVer, capsEx, fourCcList } = properties as AmfObject;
  assert.match(String(fmsVer), /^FMS\/3/);
  assert.equal(capsEx, 15);
  assert.ok((fourCcList as string[]).includes('hvc1'));
  const { data, ...status } = info as AmfObject;
  assert.deepEqual(status, {
    level: 'status',
    code: 'NetConnection.Connect.Success',
    description: 'Connection succeeded',
    objectEncoding: 3,
  });
  assert.equal((data as AmfObject).srs_id, 'abc');
  assert.deepEqual(wireType(data as AmfObject), { kind: 'ecma-array' });
});

test('connectResult says nothing of Enhanced RTMP to a client that did not', () => {
  const [, , properties] = decodeAmf0(connectResult(1, { objectEncoding: 0 }).payload);
  assert.deepEqual(Object.keys(properties as AmfObject), ['fmsVer', 'capabilities', 'mode']);
});

test('answers, as the client reads them', () => {
  assert.deepEqual(parseServerCommand(createStreamResult(4, 1)), {
    kind: 'result',
    transactionId: 4,
    object: null,
    info: 1,
  });
  assert.deepEqual(parseServerCommand(nullResult(5)), {
    kind: 'result',
    transactionId: 5,
    object: null,
    info: undefined,
  });
  const error = parseServerCommand(connectError(1, 'NetConnection.Connect.Rejected', 'no such vhost'));
  assert.deepEqual(error, {
    kind: 'error',
    transactionId: 1,
    object: null,
    info: { level: 'error', code: 'NetConnection.Connect.Rejected', description: 'no such vhost' },
  });
});

test('onStatus, as the client reads it', () => {
  const info = { level: 'error', code: 'NetStream.Publish.BadName', description: 'taken', clientid: 'x' };
  assert.deepEqual(parseServerCommand(onStatus(1, 'error', 'NetStream.Publish.BadName', 'taken', { clientid: 'x' })), {
    kind: 'onStatus',
    streamId: 1,
    level: info.level,
    code: info.code,
    description: info.description,
    info,
  });
  const bare = parseServerCommand(buildCommand('onStatus', 0, [null], 1));
  assert.deepEqual(bare, { kind: 'onStatus', streamId: 1, level: '', code: '', description: '', info: {} });
});

test('a redirect (RTMP 302) is found in onStatus and in _error', () => {
  const to = redirectInfo('rtmp://b/live', 'rtmp://b/live/s');
  const status = parseServerCommand(onStatus(1, 'error', 'NetConnection.Connect.Rejected', 'RTMP 302', to));
  assert.ok(status.kind === 'onStatus');
  assert.equal(redirectOf(status.info), 'rtmp://b/live/s');
  const error = parseServerCommand(connectError(1, 'NetConnection.Connect.Rejected', 'RTMP 302', to));
  assert.ok(error.kind === 'error');
  assert.equal(redirectOf(error.info), 'rtmp://b/live/s');
  assert.equal(redirectOf({ ex: { code: 302, redirect: 'rtmp://b/live' } }), 'rtmp://b/live');
  assert.equal(redirectOf({ ex: { code: 403, redirect: 'rtmp://b/live' } }), undefined);
  assert.equal(redirectOf(null), undefined);
});

test('ReconnectRequest is an onStatus of the connection', () => {
  const message = reconnectRequest({ tcUrl: 'rtmp://b/live', description: 'update' });
  assert.deepEqual(message.streamId, 0);
  assert.deepEqual(decodeAmf0(message.payload), [
    'onStatus',
    0,
    null,
    {
      level: 'status',
      code: 'NetConnection.Connect.ReconnectRequest',
      description: 'update',
      tcUrl: 'rtmp://b/live',
    },
  ]);
  const [, , , info] = decodeAmf0(reconnectRequest({}).payload);
  assert.equal('tcUrl' in (info as AmfObject), false);
});

test('the commands of FMLE publishing', () => {
  for (const message of [onFCPublish(1), onFCUnpublish(1), onBWDone()]) {
    const command = parseServerCommand(message);
    assert.ok(command.kind === 'other');
    assert.equal(command.transactionId, 0);
  }
});

test('Enhanced RTMP: what both sides can', () => {
  const theirs = parseCapabilities({ fourCcList: ['hvc1', 'xxxx'], capsEx: CapsEx.reconnect | 0x100 });
  assert.ok(theirs);
  const common = intersectCapabilities(ourCapabilities, theirs);
  assert.deepEqual(common.fourCcList, ['hvc1']);
  assert.equal(common.capsEx, CapsEx.reconnect);
  assert.deepEqual(Object.keys(common.videoFourCcInfoMap), []);

  const any = parseCapabilities({ fourCcList: ['*'], videoFourCcInfoMap: { vp09: 3, av01: 0 } });
  assert.ok(any);
  assert.deepEqual(intersectCapabilities(ourCapabilities, any).fourCcList, ourCapabilities.fourCcList);
  assert.deepEqual({ ...intersectCapabilities(ourCapabilities, any).videoFourCcInfoMap }, { vp09: 4 });
  assert.equal(parseCapabilities({ app: 'live', fourCcList: null }), undefined);

  const hostile = parseCapabilities({ audioFourCcInfoMap: { constructor: 3, toString: 'x' } });
  assert.ok(hostile);
  assert.deepEqual({ ...intersectCapabilities(ourCapabilities, hostile).audioFourCcInfoMap }, { constructor: 4 });
});
