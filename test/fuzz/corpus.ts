/**
 * Malformed input, hand-made: each entry is something that a hostile or broken peer could send and that a careless
 * reader would crash, hang or run out of memory on. `protocol.test.ts` feeds each to every reader, and mutates them.
 */

/** Hex (spaces ignored) by what is wrong with it. */
const entries: Record<string, string> = {
  nothing: '',
  'one byte': '03',
  'HTTP request': Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n').toString('hex'),
  'TLS hello': '16 0301 0200 01 0001fc 0303',
  // Chunk stream
  'type 3 on a new chunk stream': 'c3 00',
  'two-byte chunk stream id, cut': '00',
  'three-byte chunk stream id, cut': '01 00',
  'message of 16 MB announced': '04 000000 ffffff 09 01000000 00',
  'messages of 16 MB on many chunk streams': Array.from(
    { length: 120 },
    (_, i) => `00 ${(i + 1).toString(16).padStart(2, '0')} 000000 ffffff 09 01000000 ${'00'.repeat(128)}`,
  ).join(''),
  'chunk size 0': '02 000000 000004 01 00000000 00000000',
  'chunk size 2^31': '02 000000 000004 01 00000000 80000000',
  'chunk size 1, then a message': `02 000000 000004 01 00000000 00000001 04 000000 000010 08 01000000 ${'00c4'.repeat(16)}`,
  'largest chunk size, then a message cut': '02 000000 000004 01 00000000 7fffffff 04 000000 ffffff 09 01000000 17',
  'abort of a chunk stream that is not there': '02 000000 000004 02 00000000 ffffffff',
  'abort of itself': '02 000000 000004 02 00000000 00000002',
  'length changed in the middle': `04 000000 000100 08 01000000 ${'00'.repeat(128)} 44 000000 000010 08`,
  'extended timestamp everywhere': `04 ffffff 000100 08 01000000 ffffffff ${'00'.repeat(128)} c4 ffffffff ${'00'.repeat(128)}`,
  'extended timestamp below 0xffffff': '04 ffffff 000001 08 01000000 00000001 00',
  'empty messages': '04 000000 000000 08 01000000 c4 c4 c4 c4 c4',
  'type 0 by type 0, empty': '04 000000 000000 00 00000000'.repeat(40),
  // Control
  'SetChunkSize without content': '02 000000 000000 01 00000000',
  'user control of one byte': '02 000000 000001 04 00000000 00',
  'ping without timestamp': '02 000000 000002 04 00000000 0006',
  // AMF0
  'AMF0 string past the end': '02 ffff 61',
  'AMF0 long string of 4 GB': '0c ffffffff 61',
  'AMF0 array of 4 G': '0a ffffffff',
  'AMF0 ECMA array of 4 G': '08 ffffffff 000009',
  'AMF0 object without end': '03 0001 61 05 0001 62 05',
  'AMF0 objects nested': '03 0001 61'.repeat(3000),
  'AMF0 arrays nested': '0a 00000001'.repeat(3000),
  'AMF0 typed objects nested': '10 0001 61 0001 61'.repeat(2000),
  'AMF0 reference to itself': '03 0001 61 07 0000 0000 09',
  'AMF0 reference to nothing': '07 ffff',
  'AMF0 references that unfold': `0a 0000000a ${'05'.repeat(10)}${Array.from({ length: 30 }, (_, i) => `0a 0000000a ${`07 ${i.toString(16).padStart(4, '0')}`.repeat(10)}`).join('')}`,
  'AMF0 reserved markers': '04',
  'AMF0 record set': '0e',
  'AMF0 __proto__': '03 0009 5f5f70726f746f5f5f 03 0001 61 0101 000009 000009',
  'AMF0 broken UTF-8': '02 0004 fffe80c0',
  'AMF0 date that is none': '0b 7ff8000000000000 0000',
  // AMF3
  'AMF3 string of 256 MB': '11 06 ffffffff',
  'AMF3 arrays nested': `11 ${'09 03 01'.repeat(2000)}`,
  'AMF3 array of 256 M': '11 09 ffffffff 01',
  'AMF3 traits of 32 M members': '11 0a ffffffff 01',
  'AMF3 object that is part of itself': '11 0a 0b 01 03 61 0a 00 01',
  'AMF3 string repeated': `11 09 8701 01 06 8101 ${'61'.repeat(64)} ${'06 00'.repeat(66)}`,
  'AMF3 externalizable': '11 0a 07 05 4142',
  'AMF3 U29 cut': '11 04 ffff',
  // Commands
  'command that is a number': '00 0000000000000000',
  'connect without object': '02 0007 636f6e6e656374 00 3ff0000000000000',
  'connect with a list as object': '02 0007 636f6e6e656374 00 3ff0000000000000 0a 00000000',
  'connect with lists that are none':
    '02 0007 636f6e6e656374 00 3ff0000000000000 03 000a 666f7572436343697374 05 0006 636170734578 02 0001 78 000009',
  'play without name': '02 0004 706c6179 00 0000000000000000 05',
  // Aggregates and FLV
  'aggregate part past the end': '08 ffffff 000000 00 000000 00',
  'aggregate of empty parts': '08 000000 000000 00 000000 0000000b'.repeat(50),
  'FLV header that points far': '464c56 01 05 ffffffff 00000000',
  'FLV tag of 16 MB announced': '464c56 01 05 00000009 00000000 09 ffffff 000000 00 000000 17',
  // Media
  'AVC without packet type': '17',
  'FourCC cut': '90 6876',
  'ModEx that goes on for ever': '97 00 00 07'.repeat(50),
  'ModEx past the end': '97 ff ffff',
  'multitrack cut': '96 11',
  'multitrack with sizes past the end': '96 11 68766331 00 ffffff 01',
  'multitrack of many empty tracks': `96 10 68766331 ${'01 000000'.repeat(500)}`,
  'multitrack in multitrack': '96 06 68766331 06 06 06',
};

export const corpus: ReadonlyMap<string, Buffer> = new Map(
  Object.entries(entries).map(([what, text]) => [what, Buffer.from(text.replace(/\s/g, ''), 'hex')]),
);
