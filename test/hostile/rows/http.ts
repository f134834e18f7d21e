/** HTTP requests that are long, many, or sent before the answer to the one before has come. */

import { type Attack, hostileAddress, type Row } from '../attack.ts';

function get(path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
}

const flv = get('/live/honest-pulled.flv');
const page = get('/');
const missing = get('/no/such/file.txt');
const probe = get('/healthz');

/** Where the stream's bytes may begin at the earliest: behind as many status lines as its place among the requests. */
function checkOrder(received: string, requests: readonly string[]): void {
  const media = received.indexOf('FLV\x01');
  if (media < 0) return;
  const before = received.slice(0, media).split('HTTP/1.1 ').length - 1;
  const wanted = requests.indexOf(flv) + 1;
  if (!received.startsWith('HTTP/1.1 ') || before !== wanted) {
    throw new Error(`bytes of the stream came behind ${before} status lines instead of ${wanted}`);
  }
}

async function pipeline(attack: Attack, index: number, requests: readonly string[]): Promise<void> {
  const client = attack.open(attack.target.http, { from: hostileAddress(index), reads: true });
  let received = '';
  client.socket.on('data', (bytes: Buffer) => {
    if (received.length < 100_000) received += bytes.toString('latin1');
  });
  await client.send(Buffer.from(requests.join('')));
  await attack.pause(3_000);
  checkOrder(received, requests);
}

export const http: readonly Row[] = [
  {
    name: 'http-pipelining',
    input: 'requests in one write with an FLV stream among them',
    run: async (attack) => {
      const orders = [
        [page, flv],
        [missing, flv, probe],
        [probe, missing, page, flv, page],
        [flv, page, flv],
        [...Array<string>(20).fill(missing), flv],
      ];
      await Promise.all(orders.map((requests, index) => pipeline(attack, index, requests)));
      return undefined;
    },
  },
  {
    name: 'http-pipelined-flood',
    input: '20 MB of small requests on each of 4 connections, answers never read',
    run: async (attack) => {
      const clients = Array.from({ length: 4 }, async (_, index) => {
        const client = attack.open(attack.target.http, { from: hostileAddress(index) });
        await client.flood(Buffer.from(index % 2 === 0 ? probe : page), attack.part(20e6));
      });
      await Promise.all(clients);
      await attack.stay();
      return undefined;
    },
  },
  {
    name: 'http-figures-flood',
    input: 'figures asked for without a pause on 8 connections: the API, status, metrics; answers never read',
    run: async (attack) => {
      const { api, http: viewers, exporter } = attack.target;
      const clients = Array.from({ length: 8 }, async (_, index) => {
        const [port, path] = [
          [api, '/api/v1/clients'],
          [api, '/api/v1/streams'],
          [viewers, '/edge/status.json'],
          [exporter, '/metrics'],
        ][index % 4] as [number, string];
        const client = attack.open(port, { from: hostileAddress(index), reads: index < 4 });
        await client.flood(Buffer.from(get(path)), attack.part(5e6));
      });
      await Promise.all(clients);
      await attack.stay();
      return undefined;
    },
  },
  {
    name: 'http-long-names',
    input: 'stream names of 10 MB, headers of 10 MB, and 2,000 names of 15 KB',
    run: async (attack) => {
      const great = 'x'.repeat(attack.part(10e6, 1e6));
      const requests = [get(`/live/${great}.flv`), get('/live/x.flv', `X-Forwarded-For: ${great}\r\n`)];
      for (const [index, request] of requests.entries()) {
        const client = attack.open(attack.target.http, { from: hostileAddress(index), reads: true });
        await client.send(Buffer.from(request));
      }
      const count = attack.part(2_000, 100);
      for (let index = 0; index < count && !attack.over; index += 50) {
        const clients = Array.from({ length: 50 }, async (_, at) => {
          const client = attack.open(attack.target.http, { from: hostileAddress(at), reads: true });
          const name = `${index + at}-${'y'.repeat(15_000)}`;
          await client.send(Buffer.from(get(`/live/${name}.flv`, 'Connection: close\r\n')));
          await attack.pause(200);
          client.socket.destroy();
        });
        await Promise.all(clients);
      }
      return undefined;
    },
  },
];
