/**
 * Keys of TLS session tickets (RFC 8446 §4.6.1, RFC 5077). A client that comes again shows its ticket and needs no full
 * handshake: no signature is made for it. Edges that derive their keys from one secret open each other's tickets.
 *
 * Each day (UTC) has a key of its own, which every edge derives by itself. Nobody has to write a new secret each day, to
 * bring it to all edges at the same moment, or to be there at midnight: edges agree as far as their clocks do, and go on
 * while the operator is away. At midnight, and while clocks differ or a new secret is on its way, a ticket may be one
 * that an edge cannot open. Then the client gets a full handshake; nothing fails. (Node.js knows one key at a time. So
 * the key of the day before does not count; tickets are good for two hours anyway.)
 *
 * Whoever has the secret can derive all keys. In TLS 1.3 that does not open what was recorded, as each resumption agrees
 * on new keys; in TLS 1.2 it does. So the secret is to be replaced at times, too; the operator does with its master key.
 */

import { hkdfSync, randomBytes } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import type { Server } from 'node:tls';
import type { Logger } from 'pino';
import { linesOf } from '../conf/key-lines.ts';
import { lookEveryMs, readSmallFile } from '../conf/small-file.ts';

const dayMs = 86_400_000;

/** What OpenSSL wants: the key's name, and keys to authenticate and to encrypt with. */
const keyBytes = 48;

/** 24 random bytes in base64. Shorter ones may be words. */
const secretMinLength = 32;

/** More than that is no file of a secret. */
const maxBytes = 16 * 1024;

/** The keys of a day, counted since 1970, by HKDF (RFC 5869). */
export function keysOfDay(secret: string | Buffer, day: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `edgecluster tls tickets ${day}`, keyBytes));
}

/** The secret in a file. Throws an Error that says why there is none. */
export function readTicketSecret(file: string): string {
  const [first, second] = linesOf(readSmallFile(file, maxBytes));
  if (first === undefined) throw new Error('it holds no secret');
  const [number, secret] = first;
  if (second !== undefined) throw new Error(`line ${second[0]} holds another secret: one is needed`);
  if (secret.length < secretMinLength)
    throw new Error(`the secret in line ${number} has ${secret.length} characters: ${secretMinLength} are needed`);
  return secret;
}

/** What takes other keys for its connections to come. */
type TicketServer = Pick<Server, 'setTicketKeys' | 'on'>;

export class TicketKeys {
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #lookEveryMs: number;
  readonly #servers = new Set<TicketServer>();
  readonly #look = (): void => this.#read();
  #file = '';
  /** Until a file gives one: other processes cannot open our tickets then, but a renewed certificate keeps them. */
  #secret: string | Buffer = randomBytes(keyBytes);
  #day = Number.NaN;
  #keys: Buffer = Buffer.alloc(0);

  /** @param nowMs since 1970 */
  constructor(log: Logger, nowMs: () => number = Date.now, everyMs: number = lookEveryMs) {
    this.#log = log;
    this.#nowMs = nowMs;
    this.#lookEveryMs = everyMs;
  }

  /** For servers that are made, or get another certificate, now. */
  get current(): Buffer {
    this.#turn();
    return this.#keys;
  }

  /** Derives keys from the secret in this file from now on, and whenever it changes; empty: no other keys than now. */
  follow(file: string): void {
    if (file === this.#file) return;
    this.close();
    this.#file = file;
    if (file === '') return;
    this.#read();
    watchFile(file, { interval: this.#lookEveryMs, persistent: false }, this.#look);
  }

  /** Gives a server other keys when there are some, until it closes. It has the current ones already. */
  serve(server: TicketServer): void {
    this.#servers.add(server);
    // No timer wakes an edge at midnight: whoever comes then does, whatever clocks have done in between.
    server.on('connection', () => this.#turn());
    server.on('close', () => this.#servers.delete(server));
  }

  /** Looks at the file no more. */
  close(): void {
    if (this.#file !== '') unwatchFile(this.#file, this.#look);
  }

  #read(): void {
    const file = this.#file;
    try {
      this.#secret = readTicketSecret(file);
    } catch (error) {
      const reason = (error as Error).message;
      const remedy = `write one line of at least ${secretMinLength} characters, the same for all edges of the tier`;
      this.#log.error({ file, reason, remedy }, 'TLS ticket keys cannot be read: those in use stay');
      return;
    }
    this.#log.info({ file }, 'TLS ticket keys read');
    this.#day = Number.NaN;
    this.#turn();
  }

  /** Takes the keys of the day. */
  #turn(): void {
    const day = Math.floor(this.#nowMs() / dayMs);
    if (day === this.#day) return;
    this.#day = day;
    this.#keys = keysOfDay(this.#secret, day);
    for (const server of this.#servers) server.setTicketKeys(this.#keys);
  }
}
