import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { RtmpError } from '../../edge/rtmp/errors.ts';
import { ClientHandshake, type HandshakeStep, ServerHandshake } from '../../edge/rtmp/handshake.ts';
import fc from '../support/property.ts';

const tail = Buffer.from('f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae', 'hex');
const serverName = Buffer.from('Genuine Adobe Flash Media Server 001');
const clientName = Buffer.from('Genuine Adobe Flash Player 001');

interface Side {
  push(bytes: Buffer): HandshakeStep;
}

/** Pushes `bytes` in pieces of `size`; what the side replied, and what it gave back behind the handshake. */
function pushAll(side: Side, bytes: Buffer, size: number): { reply: Buffer; rest: Buffer; done: boolean } {
  const replies: Buffer[] = [];
  const rests: Buffer[] = [];
  let done = false;
  for (let at = 0; at < bytes.length; at += size) {
    const step = side.push(bytes.subarray(at, at + size));
    if (step.reply !== undefined) replies.push(step.reply);
    if (step.rest !== undefined) rests.push(step.rest);
    done = step.done;
  }
  return { reply: Buffer.concat(replies), rest: Buffer.concat(rests), done };
}

/** Where a block's digest is, by the description of the complex handshake. */
function digestAt(packet: Buffer, block: number): number {
  return block + 4 + ([0, 1, 2, 3].reduce((sum, i) => sum + packet[block + i]!, 0) % 728);
}

function digest(packet: Buffer, at: number, key: Buffer): Buffer {
  return createHmac('sha256', key)
    .update(Buffer.concat([packet.subarray(0, at), packet.subarray(at + 32)]))
    .digest();
}

/** C1 signed by schema 0 (digest in the second block) or 1 (in the first). */
function signedC1(schema: 0 | 1, offsetByte?: number): Buffer {
  const c1 = Buffer.alloc(1536);
  for (let i = 8; i < c1.length; i++) c1[i] = i * 13;
  c1.writeUInt32BE(0x09007c02, 4);
  const block = schema === 0 ? 772 : 8;
  if (offsetByte !== undefined) c1.fill(offsetByte, block, block + 4);
  const at = digestAt(c1, block);
  digest(c1, at, clientName).copy(c1, at);
  return c1;
}

function assertSignedEcho(packet: Buffer, key: Buffer, peerDigest: Buffer): void {
  const echoKey = createHmac('sha256', key).update(peerDigest).digest();
  const expected = createHmac('sha256', echoKey).update(packet.subarray(0, 1504)).digest();
  assert.deepEqual(packet.subarray(1504), expected);
}

test('a plain handshake echoes C1, in any cut, and gives the rest back', () => {
  const c1 = Buffer.alloc(1536, 7);
  c1.writeUInt32BE(0, 4);
  const bytes = Buffer.concat([Buffer.from([3]), c1, Buffer.alloc(1536), Buffer.from('behind')]);
  fc.assert(
    fc.property(fc.constantFrom(1, 2, 1000, 1536, 1537, 1538, 3073, 3074, 9999), (size) => {
      const { reply, rest, done } = pushAll(new ServerHandshake(), bytes, size);
      assert.ok(done);
      assert.equal(rest.toString(), 'behind');
      assert.equal(reply.length, 3073);
      assert.equal(reply[0], 3);
      assert.equal(reply.readUInt32BE(5), 0);
      assert.deepEqual(reply.subarray(1537), c1);
    }),
  );
});

for (const schema of [0, 1] as const) {
  test(`a digest of schema ${schema} is answered by digests of the same schema`, () => {
    const c1 = signedC1(schema);
    const block = schema === 0 ? 772 : 8;
    const { reply } = new ServerHandshake().push(Buffer.concat([Buffer.from([3]), c1]));
    assert.ok(reply);
    const s1 = reply.subarray(1, 1537);
    const at = digestAt(s1, block);
    assert.notEqual(s1.readUInt32BE(4), 0);
    assert.deepEqual(s1.subarray(at, at + 32), digest(s1, at, serverName));
    const clientDigest = c1.subarray(digestAt(c1, block), digestAt(c1, block) + 32);
    assertSignedEcho(reply.subarray(1537), Buffer.concat([serverName, tail]), clientDigest);
  });
}

test('a digest is found wherever its offset leads, also beyond the end of its block and round', () => {
  for (const schema of [0, 1] as const) {
    for (const offsetByte of [0, 181, 182, 255]) {
      const c1 = signedC1(schema, offsetByte);
      const { reply } = new ServerHandshake().push(Buffer.concat([Buffer.from([3]), c1]));
      const at = digestAt(c1, schema === 0 ? 772 : 8);
      assert.ok(reply);
      assertSignedEcho(reply.subarray(1537), Buffer.concat([serverName, tail]), c1.subarray(at, at + 32));
    }
  }
});

test('the server is done behind C2, and not before', () => {
  const server = new ServerHandshake();
  assert.deepEqual(server.push(Buffer.from([3])), { reply: undefined, rest: undefined, done: false });
  assert.equal(server.push(Buffer.concat([signedC1(1), Buffer.alloc(1535)])).done, false);
  assert.deepEqual(server.push(Buffer.from('..')), { reply: undefined, rest: Buffer.from('.'), done: true });
});

test('a C1 with a version but a wrong digest is answered plainly', () => {
  const c1 = signedC1(1);
  c1[1535]! ^= 1;
  const { reply } = new ServerHandshake().push(Buffer.concat([Buffer.from([3]), c1]));
  assert.deepEqual(reply?.subarray(1537), c1);
  assert.equal(reply?.readUInt32BE(5), 0);
});

test('the client signs C1, and its C2 for a server that signs S1', () => {
  const client = new ClientHandshake();
  const c0c1 = client.start();
  const c1 = c0c1.subarray(1);
  assert.equal(c0c1[0], 3);
  assert.deepEqual([c1.readUInt32BE(0), c1.readUInt32BE(4)], [0, 0x80000702]);
  const at = digestAt(c1, 8);
  assert.deepEqual(c1.subarray(at, at + 32), digest(c1, at, clientName));

  const { reply: answer } = new ServerHandshake().push(c0c1);
  assert.ok(answer);
  const { reply: c2, rest, done } = client.push(answer);
  assert.ok(done);
  assert.equal(rest, undefined);
  assert.ok(c2);
  const s1 = answer.subarray(1, 1537);
  const serverDigest = s1.subarray(digestAt(s1, 8), digestAt(s1, 8) + 32);
  assertSignedEcho(c2, Buffer.concat([clientName, tail]), serverDigest);
});

test('the client takes a plain answer, echoes S1 as soon as it is there, and is done behind S2', () => {
  const client = new ClientHandshake();
  client.start();
  const s1 = Buffer.alloc(1536, 9);
  s1.writeUInt32BE(0, 4);
  assert.deepEqual(client.push(Buffer.from([3])), { reply: undefined, rest: undefined, done: false });
  assert.deepEqual(client.push(s1), { reply: s1, rest: undefined, done: false });
  assert.deepEqual(client.push(Buffer.alloc(1535)), { reply: undefined, rest: undefined, done: false });
  assert.deepEqual(client.push(Buffer.from('..')), { reply: undefined, rest: Buffer.from('.'), done: true });
});

test('both sides together, in any cut', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4000 }), fc.integer({ min: 1, max: 4000 }), (up, down) => {
      const client = new ClientHandshake();
      const server = new ServerHandshake();
      const answer = pushAll(server, client.start(), up);
      const c2 = pushAll(client, answer.reply, down);
      assert.ok(c2.done);
      assert.ok(pushAll(server, c2.reply, up).done);
    }),
    { numRuns: 30 },
  );
});

const refused: [string, Buffer, RegExp][] = [
  ['RTMPE', Buffer.from([6]), /RTMPE/],
  ['RTMPE of version 8', Buffer.from([8]), /RTMPE/],
  ['RTMPE of version 9', Buffer.from([9]), /RTMPE/],
  ['version 5', Buffer.from([5]), /version 5/],
  ['TLS', Buffer.from([0x16, 3, 1]), /TLS/],
  ['HTTP', Buffer.from('GET / HTTP/1.1'), /HTTP/],
];
for (const [what, bytes, message] of refused) {
  test(`${what} is refused by its first byte`, () => {
    for (const side of [new ServerHandshake(), new ClientHandshake()]) {
      assert.throws(
        () => side.push(bytes),
        (error) => error instanceof RtmpError && error.code === 'handshake' && message.test(error.message),
      );
    }
  });
}
