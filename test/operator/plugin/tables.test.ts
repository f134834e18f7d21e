/** What `kubectl edge` shows of what edges say. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  AnswerError,
  type ClientRow,
  isSuccess,
  parseClients,
  parseStreams,
} from '../../../operator/plugin/answers.ts';
import type { Edge, Told } from '../../../operator/plugin/fleet.ts';
import { clientsAt, silences, streamTotals, topLines } from '../../../operator/plugin/tables.ts';
import { type EdgeReport, parseEdgeReport } from '../../../operator/reconcile/edges/report.ts';
import { podView } from '../../../operator/reconcile/observe/views.ts';

function edge(name: string, { cluster = 'live', ending = false, ready = true } = {}): Edge {
  const pod = podView({
    metadata: { name, uid: name, ...(ending && { deletionTimestamp: new Date(0) }) },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  });
  return { namespace: 'media', cluster, pod };
}

function report(players: number, origins: Readonly<Record<string, string>>, more: object = {}): EdgeReport {
  return parseEdgeReport(
    JSON.stringify({
      code: 0,
      state: 'serving',
      config: { hash: 'abc', error: null },
      players,
      publishers: 1,
      streams: 2,
      kbps: { recv_30s: 10, send_30s: 20 },
      origins: Object.entries(origins).map(([name, state]) => ({ name, state, reason: '' })),
      ...more,
    }),
  );
}

describe('top', () => {
  it('has a line for each edge below that of its EdgeCluster', () => {
    const told: Told<EdgeReport>[] = [
      { edge: edge('live-a'), answer: report(5, { 'a:1935': 'up', 'b:1935': 'up' }) },
      {
        edge: edge('live-b', { ending: true }),
        answer: report(2, { 'a:1935': 'up', 'b:1935': 'down' }, { state: 'draining' }),
      },
      { edge: edge('live-c', { ready: false }), answer: report(0, {}, { config: { hash: 'x', error: 'no "vhost"' } }) },
      { edge: edge('live-d'), silence: 'no answer in time' },
      { edge: edge('city-a', { cluster: 'city' }), answer: report(1, {}) },
    ];
    assert.deepEqual(topLines(told), [
      'media/live: edges 4, draining 1, without an answer 1, players 7, publishers 3, origins 1/2 by 0 connections, saving 10 and 0.0 Mb/s',
      'EDGE     STATE       PLAYERS   PUBLISHERS   STREAMS   KB/S IN   KB/S OUT   ORIGINS   CONFIGURATION',
      'live-a   serving     5         1            2         10        20         2/2       abc',
      'live-b   draining    2         1            2         10        20         1/2       abc',
      'live-c   not ready   0         1            2         10        20         0/0       refused: no "vhost"',
      'live-d   no answer                                                                   no answer in time',
      '',
      'media/city: edges 1, players 1, publishers 1, origins 0/0 by 0 connections, saving 2 and 0.0 Mb/s',
      'EDGE     STATE     PLAYERS   PUBLISHERS   STREAMS   KB/S IN   KB/S OUT   ORIGINS   CONFIGURATION',
      'city-a   serving   1         1            2         10        20         0/0       abc',
    ]);
  });

  it('has tiers as a tree, with what each keeps from the one above', () => {
    const answer = (players: number, edges: number, connections: number, sent: number, received: number) => {
      const origins = [{ name: 'a:1935', state: 'up', reason: '', connections }];
      return report(players, {}, { edges, origins, publishers: 0, kbps: { recv_30s: received, send_30s: sent } });
    };
    const told: Told<EdgeReport>[] = [
      { edge: edge('city-a', { cluster: 'city' }), answer: answer(400, 0, 20, 250_000, 12_500) },
      { edge: edge('region-a', { cluster: 'region' }), answer: answer(20, 20, 20, 12_500, 12_500) },
      { edge: edge('town-a', { cluster: 'town' }), answer: answer(0, 0, 0, 0, 0) },
    ];
    const above = new Map([
      ['media/city', ['media/region']],
      ['media/town', ['media/elsewhere', 'media/city']],
      ['media/region', ['media/not-shown']],
    ]);
    assert.deepEqual(topLines(told, above), [
      'media/region: edges 1, players 20 (20 of them edges below), publishers 0, origins 1/1 by 20 connections, saving 0 and 0.0 Mb/s',
      'EDGE       STATE     PLAYERS   PUBLISHERS   STREAMS   KB/S IN   KB/S OUT   ORIGINS   CONFIGURATION',
      'region-a   serving   20        0            2         12500     12500      1/1       abc',
      '',
      '└── media/city: edges 1, players 400, publishers 0, origins 1/1 by 20 connections, saving 380 and 237.5 Mb/s',
      '    EDGE     STATE     PLAYERS   PUBLISHERS   STREAMS   KB/S IN   KB/S OUT   ORIGINS   CONFIGURATION',
      '    city-a   serving   400       0            2         12500     250000     1/1       abc',
      '',
      '    └── media/town: edges 1, players 0, publishers 0, origins 1/1',
      '        EDGE     STATE     PLAYERS   PUBLISHERS   STREAMS   KB/S IN   KB/S OUT   ORIGINS   CONFIGURATION',
      '        town-a   serving   0         0            2         0         0          1/1       abc',
    ]);
    // A circle, which the operator refuses, hides nobody.
    const circle = new Map([
      ['media/city', ['media/region']],
      ['media/region', ['media/city']],
      ['media/town', ['media/town']],
    ]);
    assert.equal(topLines(told, circle).filter((line) => line.includes(': edges ')).length, 3);
  });
});

describe('streams and clients', () => {
  const stream = (url: string, clients: number, active = true) => ({
    ...{ url, clients, frames: 3, publish: { active }, kbps: { recv_30s: 1, send_30s: 2 } },
  });
  const streams = (...rows: object[]) => parseStreams(JSON.stringify({ code: 0, streams: rows }));

  it('a stream of several edges is one; EdgeClusters stay apart', () => {
    const totals = streamTotals([
      { edge: edge('a'), answer: streams(stream('/live/x', 1, false), stream('/live/y', 9)) },
      { edge: edge('b'), answer: streams(stream('/live/x', 4)) },
      { edge: edge('c', { cluster: 'city' }), answer: streams(stream('/live/x', 2)) },
      { edge: edge('d'), silence: 'gone' },
    ]);
    assert.deepEqual(
      totals.map(({ cluster, url, clients, edges, sentKbps, active }) => [
        cluster,
        url,
        clients,
        edges,
        sentKbps,
        active,
      ]),
      [
        ['media/live', '/live/y', 9, 1, 2, true],
        ['media/live', '/live/x', 5, 2, 4, true],
        ['media/city', '/live/x', 2, 1, 2, true],
      ],
    );
  });

  it('clients of one stream: by its name alone, or with vhost and application', () => {
    const client = (id: string, url: string) => ({
      ...{ id, url, type: 'rtmp-play', ip: '192.0.2.1', alive: 3.9, kbps: { recv_30s: 0, send_30s: 5 } },
    });
    const rows = [client('a', '/live/x'), client('b', '/live/xx'), client('c', 'tv/live/x')];
    const answer = parseClients(JSON.stringify({ code: 0, clients: rows }));
    const told: Told<readonly ClientRow[]>[] = [
      { edge: edge('live-a'), answer },
      { edge: edge('live-b'), silence: 'gone' },
    ];
    const ids = (name?: string) => clientsAt(told, name).map(({ id }) => id);
    assert.deepEqual([ids(), ids('x'), ids('/live/xx'), ids('tv/live/x')], [['a', 'b', 'c'], ['a', 'c'], ['b'], ['c']]);
    assert.deepEqual([answer[0]?.connectedSeconds, clientsAt(told, 'xx')[0]?.edge], [3, 'live-a']);
    assert.deepEqual(silences(told), ['live-b: gone']);
  });

  it('what is no answer of an edge is an error that says so', () => {
    for (const body of [
      '',
      '<html>',
      'null',
      '[]',
      '{}',
      '{"streams":[1]}',
      '{"streams":[{"url":1}]}',
      '{"streams":[{"url":"a","clients":"1"}]}',
    ]) {
      assert.throws(() => parseStreams(body), AnswerError, body);
    }
    assert.throws(() => parseClients('{"clients":{}}'), { message: 'in its answer, clients is not a list' });
    assert.deepEqual([isSuccess('{"code":0}'), isSuccess('{"code":2049}')], [true, false]);
  });
});
