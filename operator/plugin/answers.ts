/** What an edge's API says of streams and clients, checked and typed. Fields that we do not know are left alone. */

export interface StreamRow {
  /** `vhost/app/stream` */
  readonly url: string;
  /** Players, and the publisher. */
  readonly clients: number;
  readonly receivedKbps: number;
  readonly sentKbps: number;
  /** Whether frames come. */
  readonly active: boolean;
}

export interface ClientRow {
  readonly id: string;
  /** `rtmp-play`, `flv-play`, `fmle-publish`, or `Unknown` while it has not said. */
  readonly type: string;
  readonly url: string;
  readonly ip: string;
  readonly connectedSeconds: number;
  readonly receivedKbps: number;
  readonly sentKbps: number;
}

/** The answer was not an edge's. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

type Fields = Readonly<Record<string, unknown>>;

export function parseStreams(body: string): StreamRow[] {
  return listOf(body, 'streams').map((stream) => ({
    url: text(stream.url, 'url'),
    clients: number(stream.clients, 'clients'),
    ...ratesOf(stream),
    active: fields(stream.publish, 'publish').active === true,
  }));
}

export function parseClients(body: string): ClientRow[] {
  return listOf(body, 'clients').map((client) => ({
    id: text(client.id, 'id'),
    type: text(client.type, 'type'),
    url: text(client.url, 'url'),
    ip: text(client.ip, 'ip'),
    connectedSeconds: Math.floor(number(client.alive, 'alive')),
    ...ratesOf(client),
  }));
}

/** Whether the edge has done what it was asked: 0 is SRS's code for success. */
export function isSuccess(body: string): boolean {
  return fields(parse(body), 'the answer').code === 0;
}

function ratesOf({ kbps }: Fields): { readonly receivedKbps: number; readonly sentKbps: number } {
  const { recv_30s, send_30s } = fields(kbps, 'kbps');
  return { receivedKbps: number(recv_30s, 'kbps.recv_30s'), sentKbps: number(send_30s, 'kbps.send_30s') };
}

function listOf(body: string, name: string): Fields[] {
  const list = fields(parse(body), 'the answer')[name];
  if (!Array.isArray(list)) throw wrong(name, 'a list');
  return list.map((item) => fields(item, `${name}[]`));
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new AnswerError(`its answer is not JSON: ${JSON.stringify(body.slice(0, 60))}`);
  }
}

function fields(value: unknown, place: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw wrong(place, 'an object');
}

function text(value: unknown, place: string): string {
  if (typeof value === 'string') return value;
  throw wrong(place, 'text');
}

function number(value: unknown, place: string): number {
  if (typeof value === 'number') return value;
  throw wrong(place, 'a number');
}

function wrong(place: string, expected: string): AnswerError {
  return new AnswerError(`in its answer, ${place} is not ${expected}`);
}
