import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type EdgePod, edgePods } from '../../../../operator/reconcile/edges/edge-pods.ts';
import { EdgePoller, type EdgePollerOptions } from '../../../../operator/reconcile/edges/poller.ts';
import { EdgeAnswerError, type EdgeState, parseEdgeReport } from '../../../../operator/reconcile/edges/report.ts';
import { basicAuthorization, credentialLines } from '../../../../operator/render/credential.ts';
import { EdgeProcess } from '../../../support/edge-process.ts';
import { pod } from '../scenes.ts';

const options = { timeout: 90_000 };

const well = {
  code: 0,
  server: 'vid-1',
  service: 'abc',
  pid: '7',
  version: '0.1.0',
  state: 'serving',
  config: { hash: 'aaaaaaaaaaaaaaaa', error: null, needs_restart: [] },
  players: 3,
  publishers: 1,
  streams: 2,
  kbps: { recv_30s: 1200, send_30s: 3600 },
  origins: [{ name: '10.0.0.1:1935', state: 'up', reason: '', since_ms: 0, failures: 0, connections: 2 }],
};

/** An edge's API that a test answers, and a poller with short times. */
class Bench {
  readonly poller: EdgePoller;
  readonly changes: string[] = [];
  questions = 0;
  connections = 0;
  /** Of those, the ones that have not ended. */
  open = 0;
  underWay = 0;
  mostUnderWay = 0;
  port = 0;
  answer: (response: ServerResponse, request: IncomingMessage) => void = (response) =>
    response.end(JSON.stringify(well));
  #notify: () => void = () => {};

  static async start(t: TestContext, times: Partial<EdgePollerOptions> = {}): Promise<Bench> {
    const bench = new Bench(times);
    // It is not the server that ends a connection.
    const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
      bench.questions++;
      bench.mostUnderWay = Math.max(bench.mostUnderWay, ++bench.underWay);
      response.once('close', () => bench.underWay--);
      assert.equal(request.url, '/api/v1/edge');
      bench.answer(response, request);
      bench.#notify();
    });
    server.on('connection', (socket) => {
      bench.connections++;
      bench.open++;
      socket.once('close', () => {
        bench.open--;
        bench.#notify();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    bench.port = (server.address() as AddressInfo).port;
    t.after(() => {
      bench.poller.close();
      server.closeAllConnections();
      server.close();
    });
    return bench;
  }

  private constructor(times: Partial<EdgePollerOptions>) {
    this.poller = new EdgePoller({
      intervalMs: 20,
      pollsUntilStale: 10_000,
      soonMs: 5,
      timeoutMs: 1000,
      ...times,
      changed: (cluster, change) => {
        this.changes.push(`${cluster} ${change}`);
        this.#notify();
      },
    });
  }

  pod(uid: string, more: Partial<EdgePod> = {}): EdgePod {
    return { uid, ip: '127.0.0.1', apiPort: this.port, ready: true, ...more };
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) {
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    }
  }

  /** Resolves when the edge is in this state. */
  async untilState(uid: string, state: EdgeState['state']): Promise<EdgeState> {
    await this.until(() => this.poller.edge(uid).state === state);
    return this.poller.edge(uid);
  }
}

test('an answer is read; what is not known is left alone', () => {
  const report = parseEdgeReport(JSON.stringify({ ...well, later: { more: true } }));
  const expected = {
    state: 'serving',
    config: { hash: 'aaaaaaaaaaaaaaaa', error: undefined },
    figures: {
      players: 3,
      edgePlayers: 0,
      publishers: 1,
      streams: 2,
      receivedKbps: 1200,
      sentKbps: 3600,
      originConnections: 2,
    },
    clients: undefined,
    movablePlayers: undefined,
    eventLoopLagMs: undefined,
    origins: new Map([['10.0.0.1:1935', { state: 'up', reason: '' }]]),
  };
  assert.deepEqual(report, expected, 'an older edge');
  const moves = { able: 7, asked: 0, moved: 0, ended: 0 };
  const newer = { ...well, clients: { taken: 9, refused: 2 }, moves, event_loop_lag_ms: 12 };
  assert.deepEqual(parseEdgeReport(JSON.stringify(newer)), {
    ...expected,
    clients: { taken: 9, refused: 2 },
    movablePlayers: 7,
    eventLoopLagMs: 12,
  });
});

test('what is no edge’s answer is told with its place', () => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [[], /the answer is not an object/],
    [{ ...well, code: 1 }, /code 1, not 0/],
    [{ ...well, config: undefined }, /config is not an object: undefined/],
    [{ ...well, players: '3' }, /players is not a number: "3"/],
    [{ ...well, players: -1 }, /players is not a number: -1/],
    [{ ...well, moves: {} }, /moves\.able is not a number: undefined/],
    [{ ...well, state: 'asleep' }, /state is not one of serving, draining: "asleep"/],
    [{ ...well, origins: [{ name: 'a:1' }] }, /origins\[\]\.state is not one of/],
  ];
  for (const [answer, message] of wrong)
    assert.throws(() => parseEdgeReport(JSON.stringify(answer)), { name: EdgeAnswerError.name, message });
  assert.throws(() => parseEdgeReport('<html>'), /not JSON: "<html>"/);
});

test('edges are asked again and again, and changes are told once', options, async (t) => {
  const bench = await Bench.start(t);
  bench.poller.follow('media/live', [bench.pod('a')], well.config.hash);
  assert.equal(bench.poller.edge('a').state, 'unknown');
  const state = await bench.untilState('a', 'answering');
  assert.deepEqual(state.state === 'answering' && state.report.figures.players, 3);
  await bench.until(() => bench.questions >= 5);
  assert.deepEqual(bench.changes, ['media/live facts']);

  bench.answer = (response) => response.end(JSON.stringify({ ...well, players: 4 }));
  await bench.until(() => bench.changes.length === 2);
  const down = [{ ...well.origins[0], state: 'down' }];
  bench.answer = (response) => response.end(JSON.stringify({ ...well, players: 4, origins: down }));
  await bench.until(() => bench.changes.length === 3);
  assert.deepEqual(bench.changes.slice(1), ['media/live figures', 'media/live facts']);
});

test('between two questions an edge has no connection from the operator', options, async (t) => {
  const bench = await Bench.start(t, { intervalMs: 100_000 });
  bench.poller.follow('media/live', [bench.pod('a'), bench.pod('b')], well.config.hash);
  await bench.untilState('a', 'answering');
  await bench.untilState('b', 'answering');
  await bench.until(() => bench.open === 0);
  assert.equal(bench.connections, 2);
});

test('an edge is silent that does not answer twice in a row, with what it said last', options, async (t) => {
  const bench = await Bench.start(t, { timeoutMs: 250 });
  const answers: readonly (readonly [Bench['answer'], RegExp])[] = [
    [(response) => response.writeHead(404).end('{}'), /HTTP status 404/],
    [(response) => response.end('{"code":0}'), /config is not an object/],
    [(response) => response.destroy(), /socket hang up|ECONNRESET/],
    [() => {}, /no answer in 250 ms/],
    [(response) => response.write('{"code":0,'), /no answer in 250 ms/],
    [(response) => response.end('x'.repeat(1024 * 1024 + 1)), /too long for an edge/],
  ];
  bench.poller.follow('media/live', [bench.pod('a')], well.config.hash);
  for (const [answer, why] of answers) {
    bench.answer = (response) => response.end(JSON.stringify(well));
    await bench.untilState('a', 'answering');
    bench.answer = answer;
    const state = await bench.untilState('a', 'silent');
    assert.ok(state.state === 'silent');
    assert.match(state.why, why);
    assert.equal(state.last?.figures.players, 3);
  }
});

test('what a silent edge said last is forgotten after a while', options, async (t) => {
  const bench = await Bench.start(t, { pollsUntilStale: 5 });
  bench.poller.follow('media/live', [bench.pod('a')], well.config.hash);
  await bench.untilState('a', 'answering');
  bench.answer = (response) => response.destroy();
  await bench.until(() => {
    const state = bench.poller.edge('a');
    return state.state === 'silent' && state.last === undefined;
  });
  assert.ok(bench.changes.length >= 2);
});

test('when an edge comes or goes, the others are asked soon, once', options, async (t) => {
  const bench = await Bench.start(t, { intervalMs: 100_000 });
  bench.poller.follow('media/live', [bench.pod('a'), bench.pod('b')], well.config.hash);
  await bench.untilState('a', 'answering');
  await bench.untilState('b', 'answering');
  bench.answer = (response) => response.end(JSON.stringify({ ...well, players: 9 }));
  bench.poller.follow('media/live', [bench.pod('a')], well.config.hash);
  await bench.until(() => bench.changes.includes('media/live figures'));
  // The same edges again are no news.
  const asked = bench.questions;
  bench.poller.follow('media/live', [bench.pod('a')], well.config.hash);
  bench.poller.follow('media/other', [bench.pod('c')], 'dddddddddddddddd');
  await bench.until(() => bench.questions >= asked + 4);
  assert.equal(bench.changes.filter((change) => change === 'media/live figures').length, 1);
});

test('one question without an answer is an accident', options, async (t) => {
  const bench = await Bench.start(t);
  bench.answer = (response) => (bench.questions % 2 === 0 ? response.destroy() : response.end(JSON.stringify(well)));
  bench.poller.follow('media/live', [bench.pod('a')], well.config.hash);
  await bench.until(() => bench.questions >= 9);
  assert.deepEqual(bench.changes, ['media/live facts']);
});

test('a pod that has become ready is not silent any more: it had not started', options, async (t) => {
  const bench = await Bench.start(t, { intervalMs: 100_000 });
  const { answer } = bench;
  bench.answer = (response) => response.destroy();
  bench.poller.follow('media/live', [bench.pod('a', { ready: false })], undefined);
  await bench.untilState('a', 'silent');
  bench.answer = answer;
  bench.poller.follow('media/live', [bench.pod('a')], undefined);
  assert.equal(bench.poller.edge('a').state, 'unknown');
  await bench.untilState('a', 'answering');
});

test(
  'while its configuration is on the way an edge is asked sooner, but not one that refused it',
  options,
  async (t) => {
    const bench = await Bench.start(t, { intervalMs: 100_000 });
    bench.poller.follow('media/live', [bench.pod('a')], well.config.hash);
    await bench.untilState('a', 'answering');
    bench.poller.follow('media/live', [bench.pod('a')], 'bbbbbbbbbbbbbbbb');
    const before = bench.questions;
    await bench.until(() => bench.questions >= before + 3);
    const config = { ...well.config, hash: 'bbbbbbbbbbbbbbbb' };
    bench.answer = (response) => response.end(JSON.stringify({ ...well, config }));
    await bench.until(() => bench.changes.length === 2);

    bench.poller.follow('media/live', [bench.pod('a')], 'cccccccccccccccc');
    bench.answer = (response) => response.end(JSON.stringify({ ...well, config: { ...config, error: 'line 3' } }));
    await bench.until(() => bench.changes.length === 3);
    const refused = bench.questions;
    // Another edge is asked many times meanwhile.
    bench.answer = (response) => response.end(JSON.stringify(well));
    bench.poller.follow('media/other', [bench.pod('b')], 'dddddddddddddddd');
    await bench.until(() => bench.questions >= refused + 10);
    const state = bench.poller.edge('a');
    assert.equal(state.state === 'answering' && state.report.config.error, 'line 3');
  },
);

test('few are asked at once', options, async (t) => {
  const bench = await Bench.start(t, { concurrency: 3 });
  const held: ServerResponse[] = [];
  let late = false;
  bench.answer = (response, request) => {
    held.push(response);
    late ||= 'late' in request.headers;
  };
  const names = Array.from({ length: 12 }, (_, index) => `pod-${index}`);
  const pods = names.map((name) => bench.pod(name));
  bench.poller.follow('media/live', pods, well.config.hash);
  await bench.until(() => held.length === 3);
  // Whatever else had been asked would have come before this question.
  const question = { host: '127.0.0.1', port: bench.port, path: '/api/v1/edge', headers: { late: 'yes' } };
  get(question, (response) => response.resume());
  await bench.until(() => late);
  assert.equal(bench.mostUnderWay, 4);

  bench.answer = (response) => response.end(JSON.stringify(well));
  for (const response of held) response.end(JSON.stringify(well));
  await bench.until(() => names.every((name) => bench.poller.edge(name).state === 'answering'));
});

test('pods that are gone are forgotten, also while they are asked', options, async (t) => {
  const bench = await Bench.start(t);
  // Another miss would make it silent, which is news.
  bench.answer = (response) => (bench.questions === 1 ? response.destroy() : undefined);
  bench.poller.follow('media/live', [bench.pod('a')], well.config.hash);
  await bench.until(() => bench.questions === 2);
  bench.poller.follow('media/live', [], well.config.hash);
  bench.answer = (response) => response.end(JSON.stringify(well));
  bench.poller.follow('media/other', [bench.pod('b')], well.config.hash);
  await bench.until(() => bench.questions >= 5);
  assert.deepEqual(bench.changes, ['media/other facts']);
  assert.equal(bench.poller.edge('a').state, 'unknown');
});

test('without pods there is nothing to do: no timer keeps the process alive', options, async (t) => {
  const bench = await Bench.start(t);
  bench.poller.follow('media/live', [bench.pod('a')], well.config.hash);
  await bench.untilState('a', 'answering');
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const busy = timers();
  bench.poller.follow('media/live', [], well.config.hash);
  assert.ok(timers() < busy || busy === 0, `${timers()} timers, ${busy} before`);
  const asked = bench.questions;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(bench.questions, asked);
});

test('running pods are asked, at their own port', () => {
  const pods = [
    pod('a'),
    pod('b', 'ending', { apiPort: undefined }),
    pod('c', 'starting'),
    pod('d', 'ready', { ip: undefined }),
  ];
  assert.deepEqual(edgePods(pods, 2985), [
    { uid: 'uid-a', ip: '10.1.0.1', apiPort: 1985, ready: true },
    { uid: 'uid-b', ip: '10.1.0.1', apiPort: 2985, ready: false },
  ]);
});

test('a real edge is understood, and seen to take a configuration', options, async (t) => {
  const text = (seconds: number) => `
    listen 127.0.0.1:0;
    http_api { enabled on; listen 127.0.0.1:0; }
    vhost __defaultVhost__ {
      cluster { mode remote; origin 127.0.0.1:1; }
      play { queue_length ${seconds}; }
    }`;
  const edge = await EdgeProcess.start(text(10));
  t.after(() => edge.kill());
  const bench = await Bench.start(t);
  bench.poller.follow('media/live', [bench.pod('a', { apiPort: edge.port('http-api') })], undefined);
  const state = await bench.untilState('a', 'answering');
  assert.ok(state.state === 'answering');
  const { report } = state;
  assert.equal(report.state, 'serving');
  assert.match(report.config.hash, /^[0-9a-f]{16}$/);
  assert.deepEqual([...report.origins.keys()], ['127.0.0.1:1']);

  const hashNow = (): string => {
    const now = bench.poller.edge('a');
    return now.state === 'answering' ? now.report.config.hash : '';
  };
  edge.configure(text(11));
  await bench.until(() => hashNow() !== report.config.hash);
  const taken = hashNow();
  edge.configure('listen nonsense;');
  await bench.until(() => {
    const now = bench.poller.edge('a');
    return now.state === 'answering' && now.report.config.error !== undefined;
  });
  assert.equal(hashNow(), taken);
});

test('edges are asked at once when it matters, whatever the interval', options, async (t) => {
  const bench = await Bench.start(t, { intervalMs: 3_600_000 });
  bench.poller.follow('media/live', [bench.pod('a'), bench.pod('b')], well.config.hash);
  await bench.untilState('a', 'answering');
  bench.answer = (response) => response.end(JSON.stringify({ ...well, players: 9 }));
  await bench.poller.askNow('media/live');
  const edge = bench.poller.edge('a');
  assert.equal(edge.state === 'answering' && edge.report.figures.players, 9);
  await bench.poller.askNow('media/nobody');
});

test('who is asked at once and forgotten meanwhile, or does not answer, holds nobody up', options, async (t) => {
  const bench = await Bench.start(t, { intervalMs: 3_600_000, timeoutMs: 50 });
  bench.answer = () => {};
  bench.poller.follow('media/live', [bench.pod('a')], well.config.hash);
  await bench.poller.askNow('media/live');
  const asked = bench.poller.askNow('media/live');
  bench.poller.follow('media/live', [], undefined);
  await asked;
});

const newer = { username: 'operator', password: 'newer' };
const older = { username: 'operator', password: 'older' };

/** Answers those who show one of these passwords, and others with this status. */
function guarded(passwords: readonly string[], status = 401): Bench['answer'] {
  return (response, { headers }) => {
    const shown = Buffer.from(headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString();
    if (passwords.some((password) => shown === `operator:${password}`)) response.end(JSON.stringify(well));
    else response.writeHead(status).end('{"code":1}');
  };
}

test(
  'an edge that does not know the new credential yet is asked with the former one, and stays answering',
  options,
  async (t) => {
    const bench = await Bench.start(t);
    const shown: (string | undefined)[] = [];
    const serve = (passwords: readonly string[]): void => {
      const answer = guarded(passwords);
      bench.answer = (response, request) => {
        shown.push(request.headers.authorization);
        answer(response, request);
      };
    };
    const follow = (...credentials: readonly (typeof newer)[]): void =>
      bench.poller.follow('media/live', [bench.pod('a')], well.config.hash, credentials);
    const questions = async (count: number): Promise<number> => {
      const before = bench.questions;
      await bench.until(() => bench.questions >= before + count);
      return shown.filter((one) => one === basicAuthorization(newer)).length;
    };

    serve(['older']);
    follow(older);
    await bench.untilState('a', 'answering');
    follow(newer, older);
    assert.equal(await questions(5), 0, 'the one that it took last is valid: no other is tried');
    serve(['newer', 'older']);
    assert.equal(await questions(5), 0);
    follow(newer);
    assert.ok((await questions(5)) > 0);
    serve(['newer']);
    await questions(5);
    assert.deepEqual(bench.changes, ['media/live facts'], 'it has answered all the time');
  },
);

test(
  'an edge that nobody has asked takes any of them; one that was started again is asked with all of them',
  options,
  async (t) => {
    const bench = await Bench.start(t);
    bench.answer = guarded(['older']);
    bench.poller.follow('media/live', [bench.pod('a')], well.config.hash, [newer, older]);
    await bench.untilState('a', 'answering');
    bench.answer = guarded(['newer']);
    const before = bench.questions;
    await bench.until(() => bench.questions >= before + 6);
    assert.deepEqual(bench.changes, ['media/live facts']);
  },
);

test('a refusal is told in words, and is another thing than silence', options, async (t) => {
  const bench = await Bench.start(t);
  bench.poller.follow('media/live', [bench.pod('a')], well.config.hash, [newer, older]);
  for (const [status, why] of [
    [401, /does not know the credential/],
    [403, /no credentials at all/],
    [429, /too many wrong credentials/],
  ] as const) {
    bench.answer = guarded(['newer']);
    await bench.untilState('a', 'answering');
    bench.answer = guarded([], status);
    const state = await bench.untilState('a', 'silent');
    assert.ok(state.state === 'silent');
    assert.equal(state.cause, 'refused');
    assert.match(state.why, why);
    assert.doesNotMatch(state.why, /newer|older/);
  }
  const before = bench.changes.length;
  bench.answer = (response) => response.writeHead(500).end();
  await bench.until(() => bench.changes.length > before);
  const state = bench.poller.edge('a');
  assert.ok(state.state === 'silent' && state.cause === 'noAnswer');
});

test('a real edge is asked with a credential, and takes another one while it runs', options, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'credentials-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'credentials');
  // With a password of its own it asks loopback for one, too.
  const edge = await EdgeProcess.start(`
    listen 127.0.0.1:0;
    http_api { enabled on; listen 127.0.0.1:0; auth { enabled on; username somebody; password else; } }
    edge { api_credentials_file ${file}; }
    vhost __defaultVhost__ { cluster { mode remote; origin 127.0.0.1:1; } }`);
  t.after(() => edge.kill());
  const bench = await Bench.start(t, { intervalMs: 200, soonMs: 200 });
  const follow = (...credentials: readonly (typeof newer)[]): void =>
    bench.poller.follow('media/live', [bench.pod('a', { apiPort: edge.port('http-api') })], undefined, credentials);

  follow(older);
  const without = await bench.untilState('a', 'silent');
  assert.ok(without.state === 'silent' && without.cause === 'refused', JSON.stringify(without));
  writeFileSync(file, credentialLines([older]));
  await bench.untilState('a', 'answering');
  bench.changes.length = 0;
  follow(newer, older);
  writeFileSync(file, credentialLines([newer, older]));
  follow(newer);
  writeFileSync(file, credentialLines([newer]));
  await edge.logged(({ msg, credentials }) => msg === 'API credentials read' && credentials === 1, edge.log.length);
  follow(newer, older);
  await bench.poller.askNow('media/live');
  assert.equal(bench.poller.edge('a').state, 'answering');
  const text = JSON.stringify(edge.log);
  for (const { password } of [newer, older]) assert.ok(!text.includes(password), 'no log tells it');
});

test('of many edges each is asked less often', () => {
  const poller = new EdgePoller({ changed: () => {}, concurrency: 0 });
  const pods = (count: number) =>
    Array.from({ length: count }, (_, i): EdgePod => ({ uid: `${i}`, ip: '127.0.0.1', apiPort: 1, ready: true }));
  poller.follow('live', pods(1000), undefined);
  assert.equal(poller.intervalMs, 10_000);
  poller.follow('live', pods(5100), undefined);
  assert.equal(poller.intervalMs, 30_000);
  poller.follow('live', pods(10), undefined);
  assert.equal(poller.intervalMs, 10_000);
  poller.close();
});
