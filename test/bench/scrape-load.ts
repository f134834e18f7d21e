/** The other side of scrape.ts: plays by HTTP-FLV, and asks for what it is told to. */
import { once } from 'node:events';
import { connect } from 'node:net';

type Order = { readonly port: number; readonly clients: number; readonly streams: number } | { readonly url: string };

process.on('message', (order: Order) => {
  const done = 'url' in order ? ask(order.url) : play(order.port, order.clients, order.streams);
  done.then(() => process.send?.('done'));
});

async function ask(url: string): Promise<void> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

async function play(port: number, clients: number, streams: number): Promise<void> {
  for (let index = 0; index < clients; index++) {
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET /live/stream${index % streams}.flv HTTP/1.1\r\nHost: edge.example\r\n\r\n`);
    await once(socket, 'data');
  }
}
