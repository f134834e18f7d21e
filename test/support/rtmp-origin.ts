/**
 * An origin that does what a test tells it, right or wrong: refuse, redirect, fall silent, reset, read slowly. For
 * origins that are killed or stopped, run the real thing (edge-process.ts, `mode local`).
 */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { AmfObject } from '../../edge/rtmp/amf0.ts';
import { ChunkReader } from '../../edge/rtmp/chunk-reader.ts';
import { ChunkStreamId, encodeMessage } from '../../edge/rtmp/chunk-writer.ts';
import {
  type ClientCommand,
  type ConnectCommand,
  connectResult,
  createStreamResult,
  errorResult,
  onStatus,
  parseClientCommand,
} from '../../edge/rtmp/command.ts';
import { parseControl, pingResponse, setChunkSize } from '../../edge/rtmp/control.ts';
import { ServerHandshake } from '../../edge/rtmp/handshake.ts';
import { MessageType, type RtmpMessage } from '../../edge/rtmp/message.ts';

const chunkSize = 4096;
const patienceMs = 20_000;

/** What the origin does where it shall not do what is usual. */
export interface OriginScript {
  /** Answers the handshake; default true. */
  readonly shakesHands?: boolean;
  /** Default true. */
  readonly answersPings?: boolean;
  /** Instead of accepting. */
  readonly connect?: (command: ConnectCommand, connection: OriginConnection) => void;
  /** Instead of giving stream 1. */
  readonly createStream?: (transactionId: number, connection: OriginConnection) => void;
  /** After `play`; default says Play.Start. */
  readonly play?: (stream: string, connection: OriginConnection) => void;
  /** After `publish`; default says Publish.Start. */
  readonly publish?: (stream: string, connection: OriginConnection) => void;
  /** Fields that the connect result carries in `data`, as SRS sends them. */
  readonly identity?: AmfObject;
}

/** One client of a scripted origin. */
export class OriginConnection {
  readonly socket: Socket;
  readonly commands: ClientCommand[] = [];
  /** Audio, video and data received. */
  readonly media: RtmpMessage[] = [];
  pings = 0;
  /** Sequence numbers that it acknowledged. */
  readonly acknowledged: number[] = [];
  closed = false;
  readonly #script: OriginScript;
  readonly #changed: () => void;
  readonly #handshake = new ServerHandshake();
  readonly #reader = new ChunkReader();
  #shaken = false;
  #chunkSize = 128;

  constructor(socket: Socket, script: OriginScript, changed: () => void) {
    this.socket = socket;
    this.#script = script;
    this.#changed = changed;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      changed();
    });
    if (script.shakesHands !== false) socket.on('data', (bytes: Buffer) => this.#data(bytes));
    else socket.resume();
  }

  /** The connect command, once it has come. */
  get connectCommand(): ConnectCommand | undefined {
    return this.commands.find((command) => command.kind === 'connect');
  }

  /** The stream it asked for, with parameters. */
  get stream(): string | undefined {
    const command = this.commands.find(({ kind }) => kind === 'play' || kind === 'publish');
    return command !== undefined && 'streamName' in command ? command.streamName : undefined;
  }

  send(...messages: readonly RtmpMessage[]): void {
    if (this.socket.destroyed) return;
    const bytes = messages.map((message) => {
      const media = message.type === MessageType.audio ? ChunkStreamId.audio : ChunkStreamId.video;
      return encodeMessage(message, message.streamId === 0 ? ChunkStreamId.command : media, this.#chunkSize);
    });
    this.socket.write(Buffer.concat(bytes));
  }

  /** Accepts what is published. */
  publishes(): void {
    this.send(onStatus(1, 'status', 'NetStream.Publish.Start', 'publish'));
  }

  /** Redirects as SRS does, once connect has been accepted. */
  redirect(url: string): void {
    const tcUrl = url.slice(0, url.lastIndexOf('/'));
    this.send(
      onStatus(0, 'error', 'NetConnection.Connect.Rejected', 'RTMP 302 Redirect', {
        ex: { code: 302, redirect: tcUrl, redirect2: url },
      }),
    );
  }

  reset(): void {
    // Node never gets rid of a socket that is reset while it is being shut down: the process would spin at its end.
    if (this.socket.readableEnded || this.socket.writableEnded) this.socket.destroy();
    else this.socket.resetAndDestroy();
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
    switch (message.type) {
      case MessageType.commandAmf0:
        return this.#command(parseClientCommand(message));
      case MessageType.audio:
      case MessageType.video:
      case MessageType.dataAmf0:
        this.media.push(message);
        return;
      case MessageType.acknowledgement:
        this.acknowledged.push(message.payload.readUInt32BE(0));
        return;
      case MessageType.userControl: {
        const control = parseControl(message);
        if (control.kind !== 'pingRequest') return;
        this.pings++;
        if (this.#script.answersPings !== false) this.send(pingResponse(control.timestamp));
        return;
      }
      default:
    }
  }

  #command(command: ClientCommand): void {
    this.commands.push(command);
    const script = this.#script;
    switch (command.kind) {
      case 'connect':
        if (script.connect !== undefined) return script.connect(command, this);
        return this.accept(command);
      case 'createStream':
        if (script.createStream !== undefined) return script.createStream(command.transactionId, this);
        return this.send(createStreamResult(command.transactionId, 1));
      case 'play':
        if (script.play !== undefined) return script.play(command.streamName, this);
        return this.send(onStatus(1, 'status', 'NetStream.Play.Start', 'play'));
      case 'publish':
        if (script.publish !== undefined) return script.publish(command.streamName, this);
        return this.publishes();
      default:
    }
  }

  accept(command: ConnectCommand): void {
    const { identity } = this.#script;
    this.send(connectResult(command.transactionId, { objectEncoding: 0, ...(identity && { extra: identity }) }));
    this.send(setChunkSize(chunkSize));
    this.#chunkSize = chunkSize;
  }

  refuse(command: ConnectCommand, code: string, description: string): void {
    this.send(errorResult(command.transactionId, code, description));
  }
}

export class RtmpOrigin {
  readonly connections: OriginConnection[] = [];
  script: OriginScript;
  readonly #waiting = new Set<() => void>();
  #server: Server;
  #port = 0;

  readonly #host: string;

  private constructor(script: OriginScript, host: string) {
    this.script = script;
    this.#host = host;
    this.#server = this.#create();
  }

  static async start(script: OriginScript = {}, port = 0, host = '127.0.0.1'): Promise<RtmpOrigin> {
    const origin = new RtmpOrigin(script, host);
    await origin.listen(port);
    return origin;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens again, on the port it had. */
  async listen(port = this.#port): Promise<void> {
    this.#server = this.#create();
    this.#server.listen(port, this.#host);
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** No connection is possible any more, and those that are there are reset. */
  async die(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const connection of this.connections) if (!connection.closed) connection.reset();
    await closed;
  }

  /** Connections that asked to play (or publish) something. */
  asked(kind: 'play' | 'publish'): OriginConnection[] {
    return this.connections.filter(({ commands }) => commands.some((command) => command.kind === kind));
  }

  /** The `index`-th connection that asked to play or publish, when it is there. */
  async request(kind: 'play' | 'publish', index = 0): Promise<OriginConnection> {
    return this.until(`${kind} number ${index + 1}`, () => this.asked(kind)[index]);
  }

  /** Resolves with what `find` finds, tried again whenever something has come. */
  until<T>(what: string, find: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = find();
        if (found === undefined) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        const kinds = this.connections.map(({ commands }) => commands.map(({ kind }) => kind).join(' '));
        reject(new Error(`origin saw no ${what} within ${patienceMs} ms; connections: ${kinds.join(' | ')}`));
      }, patienceMs);
      this.#waiting.add(check);
      check();
    });
  }

  #create(): Server {
    return createServer((socket) => {
      const connection = new OriginConnection(socket, this.script, () => this.#changed());
      this.connections.push(connection);
      this.#changed();
    });
  }

  #changed(): void {
    for (const check of [...this.#waiting]) check();
  }
}
