/**
 * What a row of the hostile run has in its hands: where the edge is, how long and how much, and connections to it that
 * are ended with the run. A connection writes as fast as the edge takes it and, unless told to, never reads.
 */

import { randomBytes } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { type PeerOptions, RtmpPeer } from '../support/rtmp-peer.ts';

/** Ports on 127.0.0.1. */
export interface Target {
  readonly rtmp: number;
  readonly rtmps: number;
  readonly http: number;
  readonly https: number;
  readonly api: number;
  readonly exporter: number;
  readonly origin: number;
}

/** What the process of the hostile clients is asked for. */
export interface AttackOrder {
  /** A row's name. */
  readonly row: string;
  readonly target: Target;
  /** The attack is over after this time. */
  readonly seconds: number;
  /** 1 is all of it; the short form does less. */
  readonly share: number;
}

/** What a row needs that the usual edge does not have. */
export interface EdgeSetup {
  readonly heapMb?: number;
  readonly openFiles?: number;
  /** Directives of the top level, and of the default vhost. */
  readonly root?: string;
  readonly vhost?: string;
}

export interface Row {
  readonly name: string;
  /** What the hostile clients do, in a few words. */
  readonly input: string;
  readonly edge?: EdgeSetup;
  /** Longest time of the attack, where the usual one does not show it. */
  readonly seconds?: number;
  /** Most lines that the edge may log in one run; default in bounds.ts. */
  readonly logLinesMax?: number;
  /** What the origin of the vhost `hostile.test` does with a connection of the edge. */
  readonly origin?: (socket: Socket, attack: Attack) => void;
  /** Resolves with what is worth telling beside the connections' fate; throws when the edge did wrong. */
  readonly run: (attack: Attack) => Promise<string | undefined>;
}

export interface OpenOptions {
  /** Default: the first hostile address. */
  readonly from?: string;
  readonly reads?: boolean;
}

/** Loopback addresses that only hostile clients have. */
export function hostileAddress(index = 0): string {
  return `127.0.${7 + Math.floor(index / 250)}.${(index % 250) + 1}`;
}

/** A connection that writes bytes. */
export class HostileClient {
  readonly socket: Socket;
  readonly #attack: Attack;
  readonly #openedAtMs = performance.now();
  #closedAtMs: number | undefined;
  receivedBytes = 0;

  constructor(socket: Socket, attack: Attack, reads: boolean) {
    this.socket = socket;
    this.#attack = attack;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closedAtMs = performance.now();
    });
    if (reads) {
      socket.on('data', (bytes: Buffer) => {
        this.receivedBytes += bytes.length;
      });
    }
  }

  get closed(): boolean {
    return this.#closedAtMs !== undefined;
  }

  get livedMs(): number {
    return (this.#closedAtMs ?? performance.now()) - this.#openedAtMs;
  }

  /** Bytes that the kernel has taken. */
  get sentBytes(): number {
    return this.socket.bytesWritten - this.socket.writableLength;
  }

  /** Resolves when the kernel has taken the bytes; false when the connection or the attack has ended before. */
  async send(bytes: Buffer): Promise<boolean> {
    if (this.closed || this.#attack.over) return false;
    if (!this.socket.write(bytes)) await this.#attack.until(this.socket, 'drain');
    return !this.closed && !this.#attack.over;
  }

  /** Sends the same bytes again and again until so many have gone, or the connection or the attack ends. */
  async flood(bytes: Buffer, totalBytes: number): Promise<void> {
    // Pieces of some size: a write for each small message would measure this process.
    const piece = Buffer.concat(Array(Math.max(1, Math.floor(65_536 / bytes.length))).fill(bytes));
    for (let sent = 0; sent < totalBytes; sent += piece.length) if (!(await this.send(piece))) return;
  }
}

const shortStayMs = 500;

export class Attack {
  readonly target: Target;
  readonly seconds: number;
  readonly share: number;
  /** Differs for each attack: for names of streams. The edge may still have much to read of those of the attack before. */
  readonly id: string = randomBytes(3).toString('hex');
  readonly #clients: HostileClient[] = [];
  readonly #ended = new AbortController();
  /** Connections that were counted only: they came and went too fast to be kept. */
  passing = 0;

  constructor({ target, seconds, share }: AttackOrder) {
    this.target = target;
    this.seconds = seconds;
    this.share = share;
  }

  get over(): boolean {
    return this.#ended.signal.aborted;
  }

  /** So many, or the part of it that the short form does; at least `least`. */
  part(all: number, least = 1): number {
    return Math.max(least, Math.round(all * this.share));
  }

  /** A connection to a port of the edge (or of the origin). */
  open(port: number, { from = hostileAddress(), reads = false }: OpenOptions = {}): HostileClient {
    return this.adopt(connectTcp({ host: '127.0.0.1', port, localAddress: from }), reads);
  }

  /** Takes over a socket that something else has opened; the same client for the same socket. */
  adopt(socket: Socket, reads = false): HostileClient {
    const known = this.#clients.find((each) => each.socket === socket);
    if (known !== undefined) return known;
    const client = new HostileClient(socket, this, reads);
    this.#clients.push(client);
    return client;
  }

  /** An RTMP client that has been let in as far as `connect`; it reads until its socket is paused. */
  async connect(options: Partial<PeerOptions> = {}): Promise<RtmpPeer> {
    return this.#keep(RtmpPeer.connect({ port: this.target.rtmp, localAddress: hostileAddress(), ...options }));
  }

  async publisher(stream: string, options: Partial<PeerOptions> = {}): Promise<RtmpPeer> {
    const all = { port: this.target.rtmp, localAddress: hostileAddress(), ...options };
    return this.#keep(RtmpPeer.publisher(all, stream));
  }

  async player(stream: string, options: Partial<PeerOptions> = {}): Promise<RtmpPeer> {
    return this.#keep(RtmpPeer.player({ port: this.target.rtmp, localAddress: hostileAddress(), ...options }, stream));
  }

  /** Keeps the connections: to the end of the attack, in the short form for a moment. */
  stay(): Promise<void> {
    return this.pause(this.share < 1 ? shortStayMs : this.seconds * 1000);
  }

  /** Resolves after a while, at the latest when the attack is over. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.over) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        this.#ended.signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#ended.signal.addEventListener('abort', done);
    });
  }

  /** Resolves with an event of a socket, or its end, or the attack's. */
  until(socket: Socket, event: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.over || socket.destroyed) return resolve();
      const done = (): void => {
        socket.off(event, done);
        socket.off('close', done);
        this.#ended.signal.removeEventListener('abort', done);
        resolve();
      };
      socket.on(event, done);
      socket.on('close', done);
      this.#ended.signal.addEventListener('abort', done);
    });
  }

  /** Runs a row until it is done or its time is over; resolves with what became of the hostile clients. */
  async run(row: Row): Promise<string> {
    const timer = setTimeout(() => this.#ended.abort(), this.seconds * 1000);
    try {
      const told = await Promise.race([row.run(this), this.#afterTheEnd()]);
      const fate = await this.#fate();
      return told === undefined ? fate : `${told}; ${fate}`;
    } finally {
      clearTimeout(timer);
      this.#ended.abort();
      for (const { socket } of this.#clients) socket.destroy();
    }
  }

  /** A row that does not come back by itself is left alone, a moment after the end. */
  #afterTheEnd(): Promise<undefined> {
    return new Promise((resolve) => {
      this.#ended.signal.addEventListener('abort', () => setTimeout(() => resolve(undefined), 1_000));
    });
  }

  async #keep(opening: Promise<RtmpPeer>): Promise<RtmpPeer> {
    const peer = await opening;
    this.adopt(peer.socket);
    return peer;
  }

  async #fate(): Promise<string> {
    const clients = this.#clients;
    // Whoever does not read learns of the end only now.
    for (const { socket } of clients) socket.resume();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const cut = clients.filter(({ closed }) => closed);
    const sentMb = clients.reduce((sum, { sentBytes }) => sum + sentBytes, 0) / 1e6;
    const longestSeconds = Math.max(0, ...cut.map(({ livedMs }) => livedMs)) / 1000;
    const counts = cut.length === 0 ? 'none cut' : `${cut.length} cut within ${longestSeconds.toFixed(1)} s`;
    const passing = this.passing === 0 ? '' : `${this.passing} came and went; `;
    return `${passing}${clients.length} connections, ${counts}, ${sentMb.toFixed(1)} MB taken`;
  }
}
