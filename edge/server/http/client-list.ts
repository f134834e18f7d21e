/** The clients as the API lists them: as SRS does, and sorted or filtered for those who ask for that. */

import { streamUrl } from '../../stream/name.ts';
import { type Client, streamOf } from '../clients.ts';
import type { Gateway } from '../gateway.ts';
import { type Answer, listed, page } from './api-resource.ts';
import { clientFigures } from './figures.ts';
import { byText, selected, wantedBy } from './list.ts';
import type { Traffic } from './traffic.ts';

const sorts = ['age', 'address', 'stream', 'sent', 'received', 'rate', 'drops'] as const;
type Sort = (typeof sorts)[number];

const countDefault = 10;

/** @param query `start` and `count` as in SRS; ours are `sort`, `order` and `match` */
export async function listClients({ clients }: Gateway, traffic: Traffic, query: URLSearchParams): Promise<Answer> {
  const figures = (client: Client): object => clientFigures(client, traffic);
  const total = clients.size;
  if (!['sort', 'order', 'match'].some((name) => query.has(name))) {
    return { fields: { total }, list: await listed('clients', page(clients.values(), query), figures) };
  }
  const wanted = wantedBy(query, sorts, countDefault);
  if ('wrong' in wanted) return { status: 400, code: 400, fields: { data: wanted.wrong } };
  const { match, sort } = wanted;
  const sign = wanted.descending ? -1 : 1;
  const compare = (one: Client, other: Client): number =>
    sign * difference(sort, one, other, traffic) || byText(one.id, other.id);
  const { items, matching } = await selected(clients.values(), wanted, (client) => isMatch(match, client), compare);
  return { fields: { total, matching }, list: await listed('clients', items, figures) };
}

function difference(sort: Sort, one: Client, other: Client, traffic: Traffic): number {
  const rate = (client: Client): number => {
    const { recv_30s, send_30s } = traffic.ofClient(client).kbps;
    return recv_30s + send_30s;
  };
  switch (sort) {
    case 'age':
      return other.connectedAtMs - one.connectedAtMs;
    case 'address':
      return byText(one.ip, other.ip);
    case 'stream':
      return byText(streamUrl(streamOf(one)), streamUrl(streamOf(other)));
    case 'sent':
      return one.bytesSent - other.bytesSent;
    case 'received':
      return one.bytesReceived - other.bytesReceived;
    case 'rate':
      return rate(one) - rate(other);
    case 'drops':
      return one.droppedGops - other.droppedGops;
  }
}

function isMatch(match: string, client: Client): boolean {
  if (match === '') return true;
  const texts = [client.id, client.ip, client.role, client.protocol, streamUrl(streamOf(client))];
  return texts.some((text) => text.toLowerCase().includes(match));
}
