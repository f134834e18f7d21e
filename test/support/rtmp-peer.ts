/**
 * An RTMP client that tests drive step by step: player, publisher, or something in between. Everything it receives
 * is kept with the time it came; whoever waits for something waits for the message, not for a while.
 */

import assert from 'node:assert/strict';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type AmfObject, type AmfValue, encodeAmf0 } from '../../edge/rtmp/amf0.ts';
import { ChunkReader } from '../../edge/rtmp/chunk-reader.ts';
import { ChunkStreamId, encodeMessage } from '../../edge/rtmp/chunk-writer.ts';
import { buildCommand, parseServerCommand, type ServerCommand } from '../../edge/rtmp/command.ts';
import { parseControl, pingResponse, setChunkSize } from '../../edge/rtmp/control.ts';
import { ClientHandshake } from '../../edge/rtmp/handshake.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';
import { toUntimedFrame } from '../../edge/stream/frame.ts';

/** A wait that lasts longer than this has failed; nothing is ever expected to take nearly as long. */
const patienceMs = 20_000;
const chunkSize = 4096;

export interface Received {
  readonly message: RtmpMessage;
  /** Local monotonic time. */
  readonly atMs: number;
}

export interface PeerOptions {
  readonly port: number;
  readonly host?: string;
  readonly tls?: boolean;
  /** Connects from this address of the machine; default: the system picks one. */
  readonly localAddress?: string;
  /** Default `live`. */
  readonly app?: string;
  /** Default `rtmp://HOST:PORT/APP`. */
  readonly tcUrl?: string;
  /** More properties for the connect command's object, and arguments behind it. */
  readonly properties?: AmfObject;
  readonly args?: readonly AmfValue[];
  /** Default true. */
  readonly answersPings?: boolean;
}

export class RtmpPeer {
  readonly received: Received[] = [];
  readonly socket: Socket;
  readonly options: PeerOptions;
  readonly #reader = new ChunkReader();
  readonly #handshake = new ClientHandshake();
  #shaken = false;
  #closed = false;
  #transactionId = 0;
  readonly #waiting = new Set<() => void>();

  private constructor(options: PeerOptions) {
    this.options = options;
    const { port, host = '127.0.0.1', tls = false, localAddress } = options;
    const address = { port, host, ...(localAddress !== undefined && { localAddress }) };
    this.socket = tls ? connectTls({ ...address, rejectUnauthorized: false }) : connectTcp(address);
    this.socket.setNoDelay(true);
    this.socket.on('data', (bytes: Buffer) => this.#data(bytes));
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.#closed = true;
      this.#changed();
    });
    this.socket.write(this.#handshake.start());
  }

  /** Connects and shakes hands, no more. */
  static async open(options: PeerOptions): Promise<RtmpPeer> {
    const peer = new RtmpPeer(options);
    await peer.until('the handshake', () => peer.#shaken || undefined);
    return peer;
  }

  /** Handshake, `connect` and `createStream`; throws when refused. */
  static async connect(options: PeerOptions): Promise<RtmpPeer> {
    const peer = await RtmpPeer.open(options);
    peer.sendConnect();
    const answer = await peer.command('connect', ({ kind }) => kind === 'result' || kind === 'error');
    if (answer.kind === 'error') throw new Error(`refused: ${JSON.stringify(answer.info)}`);
    peer.send(setChunkSize(chunkSize));
    peer.call('createStream', null);
    await peer.command('createStream', (command) => command.kind === 'result' && command.info === 1);
    return peer;
  }

  /** A player that has been told that it plays. */
  static async player(options: PeerOptions, stream: string): Promise<RtmpPeer> {
    const peer = await RtmpPeer.connect(options);
    peer.play(stream);
    await peer.status('NetStream.Play.Start');
    return peer;
  }

  /** A publisher that has been accepted. */
  static async publisher(options: PeerOptions, stream: string): Promise<RtmpPeer> {
    const peer = await RtmpPeer.connect(options);
    peer.publish(stream);
    await peer.status('NetStream.Publish.Start');
    return peer;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Commands so far. */
  get commands(): ServerCommand[] {
    return this.received
      .filter(({ message }) => message.type === MessageType.commandAmf0)
      .map(({ message }) => parseServerCommand(message));
  }

  /** Audio, video and data so far, without what a server says of its own to players. */
  get media(): Received[] {
    return this.received.filter(({ message }) => isMedia(message) && !isNotice(message));
  }

  get mediaMessages(): RtmpMessage[] {
    return this.media.map(({ message }) => message);
  }

  sendConnect(): void {
    const { port, host = '127.0.0.1', app = 'live', tcUrl, properties = {}, args = [] } = this.options;
    this.call('connect', { app, tcUrl: tcUrl ?? `rtmp://${host}:${port}/${app}`, ...properties }, ...args);
  }

  play(stream: string): void {
    this.#write(buildCommand('play', 0, [null, stream], 1));
  }

  publish(stream: string): void {
    this.#write(buildCommand('publish', 0, [null, stream, 'live'], 1));
  }

  /** Sends a command of the connection; returns its transaction id. */
  call(name: string, ...args: AmfValue[]): number {
    const id = ++this.#transactionId;
    this.#write(buildCommand(name, id, args, 0));
    return id;
  }

  /** Sends messages as one write, with the times they have. */
  send(...messages: readonly RtmpMessage[]): void {
    if (messages.length > 0) this.socket.write(Buffer.concat(messages.map((message) => this.#encode(message))));
  }

  /** Ends the connection politely. */
  end(): void {
    this.socket.end();
  }

  /** Vanishes: the other side sees a reset. */
  reset(): void {
    // Node never gets rid of a socket that is reset while it is being shut down: the process would spin at its end.
    if (this.socket.readableEnded || this.socket.writableEnded) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  /** Resolves when the other side, or this one, has closed. */
  async untilClosed(): Promise<void> {
    await this.#wait('the end of the connection', () => this.#closed || undefined, true);
  }

  /** The first command, from the start or from the `from`-th received message on, that satisfies `test`. */
  async command(what: string, test: (command: ServerCommand) => boolean, from = 0): Promise<ServerCommand> {
    return this.until(what, () => {
      for (const { message } of this.received.slice(from)) {
        if (message.type !== MessageType.commandAmf0) continue;
        const command = parseServerCommand(message);
        if (test(command)) return command;
      }
      return undefined;
    });
  }

  /** An onStatus with this code, also if the connection ends behind it. */
  async status(code: string, from = 0): Promise<ServerCommand & { kind: 'onStatus' }> {
    const found = await this.command(code, (command) => command.kind === 'onStatus' && command.code === code, from);
    return found as ServerCommand & { kind: 'onStatus' };
  }

  /** The first `count` media messages, when they are there. */
  async frames(count: number): Promise<RtmpMessage[]> {
    return this.until(`${count} media messages`, () => {
      const { mediaMessages } = this;
      return mediaMessages.length >= count ? mediaMessages.slice(0, count) : undefined;
    });
  }

  /** The first media message behind the `from`-th that satisfies `test`. */
  async next(test: (message: RtmpMessage) => boolean, from = 0): Promise<Received> {
    return this.until('a certain media message', () => this.media.slice(from).find(({ message }) => test(message)));
  }

  /** Resolves with what `find` finds, tried again whenever something was received; rejects when the connection ends. */
  async until<T>(what: string, find: () => T | undefined): Promise<T> {
    return this.#wait(what, find, false);
  }

  #wait<T>(what: string, find: () => T | undefined, mayClose: boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = find();
        if (found !== undefined) settle(() => resolve(found));
        else if (this.#closed && !mayClose) settle(() => reject(new Error(`closed before ${what}: ${this.#story()}`)));
      };
      const settle = (report: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        report();
      };
      const timer = setTimeout(() => {
        settle(() => reject(new Error(`no ${what} within ${patienceMs} ms: ${this.#story()}`)));
      }, patienceMs);
      this.#waiting.add(check);
      check();
    });
  }

  /** What has been received, in short: for who reads a failed test. */
  #story(): string {
    const commands = this.commands.map((command) => ('code' in command ? command.code : command.kind));
    return `${this.media.length} media messages; ${commands.join(', ')}`;
  }

  #data(bytes: Buffer): void {
    let chunks: Buffer | undefined = bytes;
    if (!this.#shaken) {
      const { reply, rest, done } = this.#handshake.push(bytes);
      if (reply !== undefined) this.socket.write(reply);
      this.#shaken = done;
      chunks = rest;
    }
    if (chunks !== undefined && chunks.length > 0) this.#reader.push(chunks, (message) => this.#message(message));
    this.#changed();
  }

  #message(message: RtmpMessage): void {
    this.received.push({ message, atMs: performance.now() });
    if (message.type !== MessageType.userControl || this.options.answersPings === false) return;
    const control = parseControl(message);
    if (control.kind === 'pingRequest') this.#write(pingResponse(control.timestamp));
  }

  #changed(): void {
    for (const check of [...this.#waiting]) check();
  }

  #write(message: RtmpMessage): void {
    this.socket.write(this.#encode(message));
  }

  #encode(message: RtmpMessage): Buffer {
    const { type } = message;
    const media = type === MessageType.audio ? ChunkStreamId.audio : ChunkStreamId.video;
    const csid = message.streamId === 0 ? ChunkStreamId.command : isMedia(message) ? media : ChunkStreamId.command;
    // The chunk size is announced once the connection stands.
    return encodeMessage(message, csid, this.#announced(message) ? chunkSize : 128);
  }

  #chunkSizeSent = false;

  #announced(message: RtmpMessage): boolean {
    const before = this.#chunkSizeSent;
    if (message.type === MessageType.setChunkSize) this.#chunkSizeSent = true;
    return before;
  }
}

const notice = encodeAmf0('|RtmpSampleAccess');

function isNotice({ type, payload }: RtmpMessage): boolean {
  return type === MessageType.dataAmf0 && payload.subarray(0, notice.length).equals(notice);
}

function isMedia({ type }: RtmpMessage): boolean {
  return (
    type === MessageType.audio ||
    type === MessageType.video ||
    type === MessageType.dataAmf0 ||
    type === MessageType.dataAmf3
  );
}

/** A media message as text, as a player should see it: type, time, bytes (without `@setDataFrame`). */
export function tag(message: RtmpMessage): string {
  const payload = toUntimedFrame(message)?.payload ?? message.payload;
  return `${message.type} ${message.timestamp} ${payload.toString('hex')}`;
}

/** The same without its time. */
export function content(message: RtmpMessage): string {
  const payload = toUntimedFrame(message)?.payload ?? message.payload;
  return `${message.type} ${payload.toString('hex')}`;
}

/**
 * Asserts that a player got, behind its three headers, tag for tag what was sent: from its first frame to its last
 * none missing, none twice, none changed.
 */
export function assertTagForTag(player: RtmpPeer, { sent }: { readonly sent: readonly RtmpMessage[] }): void {
  const [got, expected] = [player.mediaMessages.slice(3).map(tag), sent.slice(3).map(tag)];
  const first = expected.indexOf(got[0] ?? '');
  assert.ok(first >= 0, `what came first was sent: ${got[0]}`);
  assert.ok(got.length > 10, `only ${got.length} frames came`);
  const differs = got.findIndex((each, index) => each !== expected[first + index]);
  const near = (tags: string[], at: number): string =>
    tags
      .slice(at - 2, at + 5)
      .map(short)
      .join('; ');
  assert.equal(differs, -1, `got ${near(got, differs)}\nsent ${near(expected, first + differs)}`);
}

function short(text: string): string {
  return text.slice(0, 30);
}
