/**
 * The RTMP handshake, both sides (RTMP 1.0 §5.2), plain and with digest.
 *
 * The digest form is not in the specification; Flash, FMS and everyone after them use it. C1 and S1 hold two blocks of
 * 764 bytes behind time and version, one with a (here unused) public key and one with an HMAC-SHA256 of the other 1504
 * bytes at an offset given by the block's first four bytes. Schema 0 has the key block first, schema 1 the digest block.
 * S2 and C2 end in an HMAC of their first 1504 bytes, keyed by the digest received.
 *
 * C2 and S2 are read and not verified: clients in the field get them wrong and nothing depends on them.
 */

import { createHmac, createSecretKey, type KeyObject, randomFillSync } from 'node:crypto';
import { RtmpError } from './errors.ts';

const plainVersion = 3;
const packetBytes = 1536;
const digestBytes = 32;

/** What both well-known keys end in. */
const keyTail = Buffer.from('f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae', 'hex');
const serverName = Buffer.from('Genuine Adobe Flash Media Server 001', 'latin1');
const clientName = Buffer.from('Genuine Adobe Flash Player 001', 'latin1');
// Key objects: from bytes as its key, `createHmac` takes four times as long as the digest itself.
const serverNameKey = createSecretKey(serverName);
const clientNameKey = createSecretKey(clientName);
const serverKey = createSecretKey(Buffer.concat([serverName, keyTail]));
const clientKey = createSecretKey(Buffer.concat([clientName, keyTail]));

/** Versions in S1 and C1: a digest is looked for only where this is not zero. */
const serverVersion = 0x04050001;
const clientVersion = 0x80000702;

/** What a side made of the bytes pushed so far. */
export interface HandshakeStep {
  /** To be written to the peer now. */
  readonly reply: Buffer | undefined;
  /** When done: what came behind the handshake, the first bytes of the chunk stream. */
  readonly rest: Buffer | undefined;
  readonly done: boolean;
}

/** Gathers a part of known length from any cut of bytes. */
class Gather {
  readonly bytes: Buffer;
  #filled = 0;

  constructor(length: number) {
    this.bytes = Buffer.allocUnsafe(length);
  }

  get complete(): boolean {
    return this.#filled === this.bytes.length;
  }

  /** Takes what it needs from `bytes` at `offset`; returns the offset behind it. */
  take(bytes: Buffer, offset: number): number {
    const taken = bytes.copy(this.bytes, this.#filled, offset);
    this.#filled += taken;
    return offset + taken;
  }
}

/** Our half of a handshake that the peer began. */
export class ServerHandshake {
  readonly #c0c1 = new Gather(1 + packetBytes);
  #c2Left = packetBytes;
  #answered = false;

  /**
   * Takes the next bytes from the client, cut anywhere.
   *
   * @throws RtmpError 'handshake' when the client speaks another protocol or version.
   */
  push(bytes: Buffer): HandshakeStep {
    let offset = this.#c0c1.take(bytes, 0);
    if (bytes.length > 0) checkVersion(this.#c0c1.bytes[0] ?? 0, 'client');
    if (!this.#c0c1.complete) return { reply: undefined, rest: undefined, done: false };

    let reply: Buffer | undefined;
    if (!this.#answered) {
      this.#answered = true;
      reply = answerClient(this.#c0c1.bytes.subarray(1));
    }
    const taken = Math.min(this.#c2Left, bytes.length - offset);
    this.#c2Left -= taken;
    offset += taken;
    return finish(reply, bytes, offset, this.#c2Left === 0);
  }
}

/** Our half of a handshake that we begin: with digest, content with a plain answer. */
export class ClientHandshake {
  readonly #s0s1 = new Gather(1 + packetBytes);
  #s2Left = packetBytes;
  #answered = false;

  /** C0 and C1, to be written first. */
  start(): Buffer {
    const c0c1 = randomFillSync(Buffer.allocUnsafe(1 + packetBytes));
    c0c1[0] = plainVersion;
    const c1 = c0c1.subarray(1);
    c1.writeUInt32BE(0, 0);
    c1.writeUInt32BE(clientVersion, 4);
    writeDigest(c1, 1, clientNameKey);
    return c0c1;
  }

  /**
   * Takes the next bytes from the server, cut anywhere. C2 is the reply as soon as S1 is there.
   *
   * @throws RtmpError 'handshake' when the server speaks another protocol or version.
   */
  push(bytes: Buffer): HandshakeStep {
    let offset = this.#s0s1.take(bytes, 0);
    if (bytes.length > 0) checkVersion(this.#s0s1.bytes[0] ?? 0, 'server');
    if (!this.#s0s1.complete) return { reply: undefined, rest: undefined, done: false };

    let reply: Buffer | undefined;
    if (!this.#answered) {
      this.#answered = true;
      reply = answerServer(this.#s0s1.bytes.subarray(1));
    }
    const taken = Math.min(this.#s2Left, bytes.length - offset);
    this.#s2Left -= taken;
    offset += taken;
    return finish(reply, bytes, offset, this.#s2Left === 0);
  }
}

function finish(reply: Buffer | undefined, bytes: Buffer, offset: number, done: boolean): HandshakeStep {
  return { reply, rest: done && offset < bytes.length ? bytes.subarray(offset) : undefined, done };
}

function checkVersion(version: number, peer: 'client' | 'server'): void {
  if (version !== plainVersion)
    throw new RtmpError('handshake', `RTMP handshake of the ${peer}: ${otherProtocol(version)}`);
}

const proxyHint = '`edge { proxy_protocol on; }` takes the PROXY protocol';

/** What begins with this byte. */
function otherProtocol(first: number): string {
  if (first === 6 || first === 8 || first === 9) {
    return `encrypted RTMPE (version ${first}) is not supported; use rtmp:// or rtmps://`;
  }
  if (first === 0x0d) return `this looks like a PROXY header, not RTMP; ${proxyHint}`;
  if (first === 0x16) return 'this is TLS; use an rtmps listener, or rtmp:// without TLS';
  if (first === 0x50) return `this looks like a PROXY header or HTTP, not RTMP; ${proxyHint}`;
  if (first >= 0x41 && first <= 0x5a) return 'this looks like HTTP, not RTMP';
  return `RTMP version ${first}; only version 3 is known`;
}

/** S0, S1 and S2 in one piece. */
function answerClient(c1: Buffer): Buffer {
  const answer = Buffer.allocUnsafe(1 + 2 * packetBytes);
  answer[0] = plainVersion;
  const s1 = answer.subarray(1, 1 + packetBytes);
  const s2 = answer.subarray(1 + packetBytes);
  randomFillSync(s1);
  s1.writeUInt32BE(0, 0);
  const schema = c1.readUInt32BE(4) === 0 ? undefined : findDigest(c1, clientNameKey);
  if (schema === undefined) {
    s1.writeUInt32BE(0, 4);
    c1.copy(s2);
  } else {
    s1.writeUInt32BE(serverVersion, 4);
    writeDigest(s1, schema, serverNameKey);
    writeSignedEcho(s2, serverKey, digestOf(c1, schema));
  }
  return answer;
}

/** C2. */
function answerServer(s1: Buffer): Buffer {
  const schema = s1.readUInt32BE(4) === 0 ? undefined : findDigest(s1, serverNameKey);
  if (schema === undefined) return Buffer.from(s1);
  const c2 = Buffer.allocUnsafe(packetBytes);
  writeSignedEcho(c2, clientKey, digestOf(s1, schema));
  return c2;
}

type Schema = 0 | 1;

function digestOffset(packet: Buffer, schema: Schema): number {
  const block = schema === 0 ? 772 : 8;
  let sum = 0;
  for (let i = 0; i < 4; i++) sum += packet[block + i] ?? 0;
  return block + 4 + (sum % (764 - 4 - digestBytes));
}

function digestOf(packet: Buffer, schema: Schema): Buffer {
  const offset = digestOffset(packet, schema);
  return packet.subarray(offset, offset + digestBytes);
}

function computeDigest(packet: Buffer, schema: Schema, key: KeyObject): Buffer {
  const offset = digestOffset(packet, schema);
  return createHmac('sha256', key)
    .update(packet.subarray(0, offset))
    .update(packet.subarray(offset + digestBytes))
    .digest();
}

function writeDigest(packet: Buffer, schema: Schema, key: KeyObject): void {
  computeDigest(packet, schema, key).copy(packet, digestOffset(packet, schema));
}

/** The schema by which `packet` is signed with `key`; undefined when it is not. Nearly everybody uses schema 1. */
function findDigest(packet: Buffer, key: KeyObject): Schema | undefined {
  if (computeDigest(packet, 1, key).equals(digestOf(packet, 1))) return 1;
  if (computeDigest(packet, 0, key).equals(digestOf(packet, 0))) return 0;
  return undefined;
}

/** Fills S2 or C2: random bytes and their signature, keyed by the digest of the peer's packet. */
function writeSignedEcho(target: Buffer, key: KeyObject, peerDigest: Buffer): void {
  const body = randomFillSync(target.subarray(0, packetBytes - digestBytes));
  const echoKey = createSecretKey(createHmac('sha256', key).update(peerDigest).digest());
  createHmac('sha256', echoKey)
    .update(body)
    .digest()
    .copy(target, packetBytes - digestBytes);
}
