/** Rates over the last 30 seconds, and what is remembered of streams and clients. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type Client, Clients } from '../../edge/server/clients.ts';
import { Meter } from '../../edge/server/http/meter.ts';
import { perTurn, Traffic } from '../../edge/server/http/traffic.ts';
import { Hub } from '../../edge/stream/hub.ts';
import { streamRequest } from '../support/requests.ts';

function client(id: string, stream: string): Client & { bytesSent: number; droppedGops: number } {
  return {
    id,
    protocol: 'rtmp',
    ip: '192.0.2.1',
    connectedAtMs: 0,
    role: 'play',
    request: streamRequest({ clientId: id, vhost: 'a.example', stream }),
    bytesReceived: 0,
    bytesSent: 0,
    droppedGops: 0,
    canReconnect: false,
    isEdge: false,
    askToReconnect() {},
    leaveAtKeyframe() {},
    disconnect() {},
  };
}

describe('Meter', () => {
  it('measures over the last 30 seconds', () => {
    const meter = new Meter();
    meter.sample(0);
    assert.deepEqual(meter.kbps, { recv_30s: 0, send_30s: 0 });
    for (let second = 5; second <= 60; second += 5) {
      // 100 kb/s in the first half minute, 20 kb/s in the second.
      meter.sent += ((second <= 30 ? 100_000 : 20_000) / 8) * 5;
      meter.sample(second * 1000);
      if (second === 30) assert.equal(meter.kbps.send_30s, 100);
      if (second === 45) assert.equal(meter.kbps.send_30s, 60);
    }
    assert.equal(meter.kbps.send_30s, 20);
  });
});

const unused = (): never => {
  throw new Error('not in this test');
};

function trafficOf(context: TestContext, clients: Clients, vhosts: () => readonly string[] = () => []): Traffic {
  const traffic = new Traffic(clients, new Hub({ pull: unused, push: unused }), vhosts);
  context.after(() => traffic.close());
  return traffic;
}

/** One player that has been counted with 1,000 bytes. */
async function onePlayer(context: TestContext) {
  const clients = new Clients();
  const traffic = trafficOf(context, clients);
  const player = client('1', 'one');
  clients.add(player);
  player.bytesSent = 1000;
  await traffic.collect();
  return { clients, traffic, player };
}

describe('Traffic', () => {
  it('looks at thousands of clients in turns with all else, once for all who ask meanwhile', async (context) => {
    const clients = new Clients();
    let looks = 0;
    for (let index = 0; index < 2 * perTurn + 1; index++) {
      const counted = Object.defineProperty(client(`${index}`, 'one'), 'bytesSent', {
        get: () => {
          looks++;
          return 10;
        },
      });
      clients.add(counted);
    }
    const traffic = trafficOf(context, clients);
    const looking = traffic.collect();
    assert.equal(looks, perTurn);
    const again = traffic.collect();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(looks, 2 * perTurn, 'a timer, a frame or another client was heard before the rest was looked at');
    assert.deepEqual(await again, { play: clients.size, edges: 0, publish: 0 });
    assert.equal(await looking, await again);
    assert.equal(looks, clients.size);
    assert.equal(traffic.total.sent, 10 * clients.size);
    assert.equal(traffic.ofStream('a.example/live/one').clients, clients.size);
  });

  it('counts what a client was given last to the stream that it played', async (context) => {
    const { clients, traffic, player } = await onePlayer(context);
    player.bytesSent = 3000;
    player.droppedGops = 2;
    Object.assign(player, { request: undefined, role: 'connecting' });
    clients.remove(player);
    const { sent, droppedGops, clients: left } = traffic.ofStream('a.example/live/one');
    assert.deepEqual({ sent, droppedGops, left }, { sent: 3000, droppedGops: 2, left: 0 });
    assert.equal(traffic.ofVhost('a.example').sent, 3000);
  });

  it('follows a client to the next stream that it plays', async (context) => {
    const { traffic, player } = await onePlayer(context);
    player.bytesSent = 1500;
    Object.assign(player, { request: streamRequest({ clientId: '1', vhost: 'a.example', stream: 'two' }) });
    await traffic.collect();
    const [one, two] = ['one', 'two'].map((name) => traffic.ofStream(`a.example/live/${name}`));
    assert.deepEqual([one?.sent, one?.clients, two?.sent, two?.clients], [1000, 0, 500, 1]);
    assert.deepEqual([traffic.ofVhost('a.example').sent, traffic.ofVhost('a.example').clients], [1500, 1]);
  });

  it('adds up clients by stream, vhost and in all, also those that left', async (context) => {
    const clients = new Clients();
    let vhosts = ['a.example'];
    const traffic = trafficOf(context, clients, () => vhosts);
    const one = client('1', 'one');
    const two = client('2', 'two');
    clients.add(one);
    clients.add(two);
    one.bytesSent = 1000;
    two.bytesSent = 500;
    await traffic.collect();
    one.bytesSent = 4000;
    one.droppedGops = 2;
    clients.remove(one);
    assert.equal(traffic.total.sent, 4500);
    assert.equal(traffic.droppedGops, 2);
    assert.equal(traffic.ofStream('a.example/live/one').sent, 4000);
    assert.equal(traffic.ofVhost('a.example').sent, 4500);
    assert.equal(traffic.ofClient(one).sent, 0);
    await traffic.sample(1);
    assert.equal(traffic.ofStream('a.example/live/one').sent, 0);
    assert.equal(traffic.ofStream('a.example/live/two').sent, 500);
    vhosts = [];
    await traffic.sample(2);
    assert.equal(traffic.ofVhost('a.example').sent, 4500, 'a removed vhost is remembered while it has clients');
    clients.remove(two);
    await traffic.sample(3);
    assert.equal(traffic.ofVhost('a.example').sent, 0);
  });
});
