import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AmfObject, type AmfValue, decodeAmf0, encodeAmf0, wireType } from '../../edge/rtmp/amf0.ts';
import {
  buildCommand,
  type ClientCommand,
  connectResult,
  createStreamResult,
  errorResult,
  nullResult,
  onBWDone,
  onFCPublish,
  onFCUnpublish,
  onStatus,
  parseClientCommand,
  parseCommand,
  parseServerCommand,
  reconnectRequest,
  redirectOf,
} from '../../edge/rtmp/command.ts';
import {
  CapsEx,
  capabilityProperties,
  intersectCapabilities,
  ourCapabilities,
  parseCapabilities,
} from '../../edge/rtmp/enhanced.ts';
import type { RtmpMessage } from '../../edge/rtmp/message.ts';

function client(name: string, transactionId: number, args: AmfValue[], streamId = 0): ClientCommand {
  return parseClientCommand(buildCommand(name, transactionId, args, streamId));
}

test('a command is AMF0 of type 20 with timestamp 0', () => {
  assert.deepEqual(buildCommand('play', 0, [null, 's'], 1), {
    type: 20,
    timestamp: 0,
    streamId: 1,
    payload: hex('020004706c6179 000000000000000000 05 02000173'),
  });
});

test('commands of type 17 have a format byte and AMF3 values; some clients leave the byte out, or put it everywhere', () => {
  // "createStream", 2, AMF3 null, as Flash sends it with objectEncoding 3.
  const amf = Buffer.concat([encodeAmf0('createStream', 2), Buffer.from([0x11, 0x01])]);
  const expected = { kind: 'command', name: 'createStream', transactionId: 2, args: [null] };
  for (const type of [17, 20]) {
    const message = { type, timestamp: 0, streamId: 0 };
    assert.deepEqual(parseCommand({ ...message, payload: Buffer.concat([Buffer.from([0]), amf]) }), expected);
    assert.deepEqual(parseCommand({ ...message, payload: amf }), expected);
  }
});

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

/** The message of a command of these very values. */
function raw(values: AmfValue[], rest = ''): RtmpMessage {
  return {
    type: 20,
    timestamp: 0,
    streamId: 1,
    payload: Buffer.concat([encodeAmf0(...values), hex(rest)]),
  };
}

test('a command without a name is unusable', () => {
  for (const values of [[], [1, 2], [''], [null], [{ name: 'play' }]]) {
    assert.equal(parseClientCommand(raw(values)).kind, 'unusable');
    assert.equal(parseServerCommand(raw(values)).kind, 'unusable');
  }
  for (const rest of ['0200', 'ee', '00', '0c00ffffff61']) {
    assert.equal(parseClientCommand(raw([], rest)).kind, 'unusable');
  }
});

const odd: [string, AmfValue[], string, object][] = [
  ['a transaction id that is null', ['play', null, null, 's'], '', { kind: 'play', transactionId: 0, streamName: 's' }],
  ['one that is a text', ['play', 'x', null, 's'], '', { kind: 'play', transactionId: 0, streamName: 's' }],
  ['one that cannot become a number', ['play', [{ toString: 0 }], null, 's'], '', { kind: 'play', transactionId: 0 }],
  ['one that is a number as text', ['createStream', '4', null], '', { kind: 'createStream', transactionId: 4 }],
  ['one that is true', ['play', true, null, 's'], '', { kind: 'play', streamName: 's' }],
  ['no number', ['createStream', Number.NaN, null], '', { kind: 'createStream', transactionId: 0 }],
  ['one that is a text, an undefined object', ['play', 'x', undefined, 's'], '', { kind: 'play', streamName: 's' }],
  ['a number as text, no object', ['publish', '4', 's'], '', { kind: 'publish', transactionId: 4, streamName: 's' }],
  ['an undefined object', ['play', 5, undefined, 's'], '', { kind: 'play', transactionId: 5, streamName: 's' }],
  ['no transaction id', ['play', null, 's'], '', { kind: 'play', transactionId: 0, streamName: 's' }],
  ['no command object', ['publish', 5, 's', 'live'], '', { kind: 'publish', transactionId: 5, streamName: 's' }],
  ['neither', ['publish', 's', 'live'], '', { kind: 'publish', transactionId: 0, streamName: 's' }],
  ['a stream name alone', ['publish', 's'], '', { kind: 'publish', transactionId: 0, streamName: 's' }],
  ['an empty one', ['publish', '', 'live'], '', { kind: 'publish', transactionId: 0, streamName: '' }],
  ['a blank one', ['publish', ' ', 'live'], '', { kind: 'publish', transactionId: 0, streamName: ' ' }],
  ['nothing at all', ['createStream'], '', { kind: 'createStream', transactionId: 0 }],
  ['bytes behind the last value', ['play', 0, null, 's'], 'ee0102', { kind: 'play', streamName: 's' }],
  ['zeros behind it', ['play', 3, null, 's'], '0000', { kind: 'play', transactionId: 3, streamName: 's' }],
  ['a value that is cut', ['deleteStream', 0, null], '0040', { kind: 'deleteStream', deletedStreamId: 1 }],
  ['a stream name that is a number', ['play', 0, null, 5], '', { kind: 'play', streamName: '5' }],
  ['no stream name', ['publish', 1, null], '', { kind: 'publish', streamName: '' }],
  ['an object as stream name', ['play', 1, null, { a: 1 }], '', { kind: 'play', streamName: '' }],
  ['connect without an object', ['connect', 1, null], '', { kind: 'connect', transactionId: 1, app: '', tcUrl: '' }],
  ['connect without an id', ['connect', { app: 'live' }], '', { kind: 'connect', transactionId: 1, app: 'live' }],
  ['connect with two objects', ['connect', { app: 'live' }, { a: 1 }], '', { kind: 'connect', app: 'live' }],
  ['an object without an end', ['connect', 1], '03 0003617070 0200046c697665', { kind: 'connect', app: 'live' }],
];
for (const [title, values, rest, expected] of odd) {
  test(`read all the same: ${title}`, () => {
    assert.partialDeepStrictEqual(parseClientCommand(raw(values, rest)), expected);
  });
}

test('odd answers of servers are read, too', () => {
  assert.partialDeepStrictEqual(parseServerCommand(raw(['_result', null, null, 1])), {
    kind: 'result',
    transactionId: 0,
    info: 1,
  });
  assert.partialDeepStrictEqual(parseServerCommand(raw(['_result', '2', null, 1], 'ff')), {
    kind: 'result',
    transactionId: 2,
    info: 1,
  });
  assert.partialDeepStrictEqual(parseServerCommand(raw(['_result', 2, 1])), { kind: 'result', object: null, info: 1 });
  const code = 'NetStream.Play.Start';
  for (const values of [
    ['onStatus', { code }],
    ['onStatus', null, { code }],
    ['onStatus', 0, null, { code, level: 5 }],
  ]) {
    assert.partialDeepStrictEqual(parseServerCommand(raw(values)), { kind: 'onStatus', code, level: '' });
  }
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
  const { app: _app, tcUrl: _tcUrl, ...shown } = commandObject;
  assert.deepEqual(client('connect', 1, [commandObject, 'token', 7]), {
    kind: 'connect',
    transactionId: 1,
    streamId: 0,
    app: 'live',
    tcUrl: 'rtmp://host/live',
    pageUrl: 'http://host/',
    swfUrl: 'http://host/player.swf',
    objectEncoding: 0,
    enhanced: {
      fourCcList: ['av01', 'hvc1'],
      videoFourCcInfoMap: Object.assign(Object.create(null), { '*': 4 }),
      audioFourCcInfoMap: Object.create(null),
      capsEx: 3,
    },
    capsEx: 3,
    commandObject: shown,
    args: ['token', 7],
  });
});

test('connect: what is too much is left out, or cut off', () => {
  const long = 'x'.repeat(1_000_000);
  const deep = Array.from({ length: 31 }).reduce<AmfValue>((inner) => [inner], null);
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`property-${i}`, i]));
  const object = { app: 'live', tcUrl: long, pageUrl: long, swfUrl: long, token: 't', ...many, last: 'x' };
  const command = client('connect', 1, [object, long, 'small', { long }, deep]);
  assert.ok(command.kind === 'connect');
  assert.equal(command.tcUrl, long);
  assert.deepEqual([command.pageUrl.length, command.swfUrl.length], [1024, 1024]);
  assert.equal(command.commandObject.token, 't');
  assert.ok(encodeAmf0(command.commandObject).length <= 16 * 1024 + 4);
  assert.ok(command.args.includes('small') && !command.args.includes(long));
});

test('connect: what can be read and not be written again is left out', () => {
  // An AMF3 object with a name longer than AMF0 has.
  const name = 'x'.repeat(70_000);
  const { payload } = buildCommand('connect', 1, [{ app: 'live' }], 0);
  const object = Buffer.concat([hex('11 0a 0b 01 88c561'), Buffer.from(name), hex('03 01')]);
  const command = parseClientCommand({ ...raw([]), payload: Buffer.concat([payload, object, encodeAmf0('small')]) });
  assert.ok(command.kind === 'connect');
  assert.deepEqual(command.args, ['small']);
});

test('a command that is not known has a short name', () => {
  assert.partialDeepStrictEqual(client('x'.repeat(100_000), 1, [null]), { kind: 'other', name: 'x'.repeat(128) });
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
  ['publish', [null, 's?k=v', 'record'], { kind: 'publish', streamName: 's?k=v' }],
  ['publish', [null, 's'], { kind: 'publish', streamName: 's' }],
  ['publish', [null, false], { kind: 'closeStream' }],
  ['play', [null, 's'], { kind: 'play', streamName: 's' }],
  ['play', [null, 's', -1000, -1, 1], { kind: 'play', streamName: 's' }],
  ['play', [null, false], { kind: 'closeStream' }],
  ['pause', [null, true, 1500], { kind: 'pause', paused: true }],
  ['pause', [null, false, 0], { kind: 'pause', paused: false }],
  ['receiveAudio', [null, false], { kind: 'receiveAudio', wanted: false }],
  ['receiveVideo', [null, true], { kind: 'receiveVideo', wanted: true }],
  ['seek', [null, 1500], { kind: 'seek' }],
  ['deleteStream', [null, 1], { kind: 'deleteStream', deletedStreamId: 1 }],
  ['closeStream', [null], { kind: 'closeStream' }],
  ['set', [null, 1], { kind: 'other', name: 'set' }],
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
  const error = parseServerCommand(errorResult(1, 'NetConnection.Connect.Rejected', 'no such vhost'));
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
  const to: AmfObject = { ex: { code: 302, redirect: 'rtmp://b/live', redirect2: 'rtmp://b/live/s' } };
  const status = parseServerCommand(onStatus(1, 'error', 'NetConnection.Connect.Rejected', 'RTMP 302', to));
  assert.ok(status.kind === 'onStatus');
  assert.equal(redirectOf(status.info), 'rtmp://b/live/s');
  const error = parseServerCommand(buildCommand('_error', 1, [null, { level: 'error', ...to }], 0));
  assert.ok(error.kind === 'error');
  assert.equal(redirectOf(error.info), 'rtmp://b/live/s');
  assert.equal(redirectOf({ ex: { code: 302, redirect: 'rtmp://b/live' } }), 'rtmp://b/live');
  assert.equal(redirectOf({ ex: { code: 403, redirect: 'rtmp://b/live' } }), undefined);
  assert.equal(redirectOf({ ex: { code: 302, redirect2: '', redirect: 'rtmp://b/live' } }), 'rtmp://b/live');
  const long = `rtmp://b/${'x'.repeat(8192)}`;
  assert.equal(redirectOf({ ex: { code: 302, redirect2: long, redirect: 'rtmp://b/live' } }), 'rtmp://b/live');
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
  const started = { code: 'NetStream.Publish.Start', description: 'Started publishing stream.' };
  const stopped = { code: 'NetStream.Unpublish.Success', description: 'Stop publishing stream.' };
  const other = { kind: 'other', transactionId: 0 };
  for (const [message, expected] of [
    [onFCPublish(1), { ...other, name: 'onFCPublish', streamId: 1, args: [null, started] }],
    [onFCUnpublish(1), { ...other, name: 'onFCUnpublish', streamId: 1, args: [null, stopped] }],
    [onBWDone(), { ...other, name: 'onBWDone', streamId: 0, args: [null] }],
  ] as const) {
    assert.deepEqual(parseServerCommand(message), expected);
  }
});

test('what a server says of itself is cut off where it is too long', () => {
  const long = 'x'.repeat(100_000);
  const status = parseServerCommand(raw(['onStatus', 0, null, { level: long, code: long, description: long }]));
  assert.ok(status.kind === 'onStatus');
  for (const said of [status.level, status.code, status.description]) assert.equal(said, long.slice(0, 512));
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

  // What `a` can do with them; 0 on either side is nothing.
  assert.deepEqual({ ...intersectCapabilities(any, ourCapabilities).videoFourCcInfoMap }, { vp09: 3 });

  for (const capsEx of ['3', { valueOf: 0, toString: 0 }, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal(parseCapabilities({ capsEx })?.capsEx, 0);
  }

  const hostile = parseCapabilities({ audioFourCcInfoMap: { constructor: 3, toString: 'x' } });
  assert.ok(hostile);
  assert.deepEqual({ ...intersectCapabilities(ourCapabilities, hostile).audioFourCcInfoMap }, { constructor: 4 });
});

test('Enhanced RTMP: what is announced, and what is read of another’s announcement', () => {
  assert.deepEqual(capabilityProperties(ourCapabilities), {
    fourCcList: 'avc1 hvc1 vvc1 av01 vp08 vp09 mp4a Opus fLaC ac-3 ec-3 .mp3'.split(' '),
    videoFourCcInfoMap: { '*': 4 },
    audioFourCcInfoMap: { '*': 4 },
    capsEx: 15,
  });
  const nothing = { fourCcList: [], videoFourCcInfoMap: {}, audioFourCcInfoMap: {}, capsEx: 0 };
  assert.deepEqual(capabilityProperties(nothing), {});
  const read = parseCapabilities({
    fourCcList: { 0: 'hvc1', 1: 5, 2: 'av01' },
    videoFourCcInfoMap: { hvc1: 1, av01: '2' },
    audioFourCcInfoMap: 'Opus',
  });
  assert.deepEqual(
    { ...read, videoFourCcInfoMap: { ...read?.videoFourCcInfoMap } },
    {
      ...{ fourCcList: ['hvc1', 'av01'], videoFourCcInfoMap: { hvc1: 1 }, capsEx: 0 },
      audioFourCcInfoMap: Object.create(null),
    },
  );
  assert.deepEqual(parseCapabilities({ capsEx: 1, fourCcList: 'hvc1' })?.fourCcList, []);
});

test('data of a server that came as a command is data', () => {
  const said = parseServerCommand(raw(['onMetaData', 0, null, { width: 1 }]));
  assert.ok(said.kind === 'data');
  assert.deepEqual(decodeAmf0(said.message.payload), ['onMetaData', { width: 1 }]);
});
