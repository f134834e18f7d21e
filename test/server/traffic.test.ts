/** Rates over the last 30 seconds, and what is remembered of streams and clients. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Client, Clients } from '../../edge/server/clients.ts';
import { Meter, Traffic } from '../../edge/server/http/traffic.ts';
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

describe('Traffic', () => {
  it('adds up clients by stream, vhost and in all, also those that left', (context) => {
    const clients = new Clients();
    const unused = (): never => {
      throw new Error('not in this test');
    };
    let vhosts = ['a.example'];
    const traffic = new Traffic(clients, new Hub({ pull: unused, push: unused }), () => vhosts);
    context.after(() => traffic.close());
    const one = client('1', 'one');
    const two = client('2', 'two');
    clients.add(one);
    clients.add(two);
    one.bytesSent = 1000;
    two.bytesSent = 500;
    traffic.collect();
    one.bytesSent = 4000;
    one.droppedGops = 2;
    clients.remove(one);
    assert.equal(traffic.total.sent, 4500);
    assert.equal(traffic.droppedGops, 2);
    assert.equal(traffic.ofStream('a.example/live/one').sent, 4000);
    assert.equal(traffic.ofVhost('a.example').sent, 4500);
    assert.equal(traffic.ofClient(one).sent, 0);
    traffic.sample(1);
    assert.equal(traffic.ofStream('a.example/live/one').sent, 0);
    assert.equal(traffic.ofStream('a.example/live/two').sent, 500);
    vhosts = [];
    traffic.sample(2);
    assert.equal(traffic.ofVhost('a.example').sent, 4500, 'a removed vhost is remembered while it has clients');
    clients.remove(two);
    traffic.sample(3);
    assert.equal(traffic.ofVhost('a.example').sent, 0);
  });
});
