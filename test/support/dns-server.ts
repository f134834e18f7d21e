/**
 * A DNS server that answers from a table that the test changes, over UDP and, where an answer does not fit, TCP: what an
 * edge needs to find origins by a name. It shows what the edge asks and makes of the answers. It does not show what
 * stands between an edge and the truth in a cluster: how Kubernetes names Services, what CoreDNS serves and for how long
 * caches keep it. Real nodes show that.
 */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, isIPv4, type Server } from 'node:net';

const typeA = 1;
const typeAaaa = 28;
const rcodes = { noError: 0, serverFailure: 2, noName: 3 } as const;
/** Most bytes of an answer over UDP where the question does not allow more. */
const udpBytes = 512;

/** What the server does about a name: addresses of both families, a failure, or nothing. */
export type DnsAnswer = readonly string[] | 'fails' | 'silent';

export interface DnsQuery {
  readonly name: string;
  readonly family: 'A' | 'AAAA' | 'other';
  readonly transport: 'udp' | 'tcp';
}

export class DnsServer {
  /** What was asked, in order. */
  readonly queries: DnsQuery[] = [];
  readonly #answers = new Map<string, DnsAnswer>();
  readonly #udp: Socket = createSocket('udp4');
  readonly #tcp: Server;
  readonly #waiting = new Set<() => void>();

  private constructor() {
    this.#udp.on('message', (question, from) => this.#byUdp(question, from));
    this.#tcp = createServer((socket) => {
      let bytes = Buffer.alloc(0);
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
        if (bytes.length < 2 || bytes.length < 2 + bytes.readUInt16BE(0)) return;
        const answer = this.#answer(bytes.subarray(2), 'tcp');
        if (answer === undefined) return;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(answer.length);
        socket.end(Buffer.concat([length, answer]));
      });
    });
  }

  /** @param port the system's choice by default */
  static async start(port = 0): Promise<DnsServer> {
    const server = new DnsServer();
    // Connections of other tests take ports of TCP all the time, and of UDP hardly ever: TCP chooses.
    server.#tcp.listen(port, '127.0.0.1');
    await once(server.#tcp, 'listening');
    server.#udp.bind((server.#tcp.address() as AddressInfo).port, '127.0.0.1');
    await once(server.#udp, 'listening');
    return server;
  }

  /** `127.0.0.1:PORT` */
  get address(): string {
    return `127.0.0.1:${this.#udp.address().port}`;
  }

  /** From now on; names that were never given do not exist. */
  answer(name: string, answer: DnsAnswer): void {
    this.#answers.set(name, answer);
  }

  /** Resolves when so many questions have come. */
  async asked(count: number): Promise<void> {
    while (this.queries.length < count) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  close(): void {
    this.#udp.close();
    this.#tcp.close();
  }

  #byUdp(question: Buffer, from: RemoteInfo): void {
    const answer = this.#answer(question, 'udp');
    if (answer === undefined) return;
    if (answer.length <= udpBytes) return this.#udp.send(answer, from.port, from.address);
    // Truncated: the question alone, and a flag by which it is asked again over TCP.
    const end = question.indexOf(0, 12) + 5;
    const short = Buffer.from(answer.subarray(0, end));
    short.writeUInt16BE(short.readUInt16BE(2) | 0x0200, 2);
    short.writeUInt16BE(0, 6);
    this.#udp.send(short, from.port, from.address);
  }

  #answer(question: Buffer, transport: DnsQuery['transport']): Buffer | undefined {
    const labels: string[] = [];
    let at = 12;
    for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
      labels.push(question.toString('latin1', at + 1, at + 1 + length));
      at += length + 1;
    }
    const name = labels.join('.');
    const type = question.readUInt16BE(at + 1);
    const family = type === typeA ? 'A' : type === typeAaaa ? 'AAAA' : 'other';
    this.queries.push({ name, family, transport });
    for (const go of this.#waiting) go();
    this.#waiting.clear();
    const answer = this.#answers.get(name);
    if (answer === 'silent') return undefined;
    const addresses = answer === undefined || answer === 'fails' ? [] : answer;
    const records = addresses.filter((address) => isIPv4(address) === (family === 'A') && family !== 'other');
    const header = Buffer.alloc(12);
    question.copy(header, 0, 0, 2);
    const rcode = answer === undefined ? rcodes.noName : answer === 'fails' ? rcodes.serverFailure : rcodes.noError;
    // An answer, by one who knows, and who would ask others.
    header.writeUInt16BE(0x8580 | rcode, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    return Buffer.concat([header, question.subarray(12, at + 5), ...records.map((record) => recordOf(record, type))]);
  }
}

/** The name of the question, the type, class IN, a TTL of 5 s, and the address. */
function recordOf(address: string, type: number): Buffer {
  const bytes = isIPv4(address) ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(5, 6);
  head.writeUInt16BE(bytes.length, 10);
  return Buffer.concat([head, bytes]);
}

function ipv6Bytes(address: string): Buffer {
  const [left = '', right = ''] = address.split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [head, tail] = [groups(left), groups(right)];
  const zeros = Array<number>(8 - head.length - tail.length).fill(0);
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...head, ...zeros, ...tail].entries()) bytes.writeUInt16BE(group, index * 2);
  return bytes;
}
